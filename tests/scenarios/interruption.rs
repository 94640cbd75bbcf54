//! What interrupts the database: by consent or in the window, replicas first and one at a time, the primary last.

use std::time::Duration;

use lamp_cloud::kinds::db_instance::Modification;
use lamp_cloud::{Change, Request};
use serde_json::{Value, json};

use crate::stage::{DAY, HOUR, MINUTE, STEP, Stage, calm, spec};

/// The window of these stages; they begin on a Friday.
const WINDOW: &str = "sun:03:00-sun:04:00";

/// A site with two replicas and this word on what interrupts its database.
fn up(word: &str) -> Stage {
    let maintenance = json!({"window": WINDOW, "disruptiveChanges": word});
    let pair = spec("lamp", |spec| {
        spec["spec"]["database"]["replicas"] = json!({"min": 2, "max": 2});
        spec["spec"]["database"]["maintenance"] = maintenance;
    });
    Stage::up_with(calm(1), pair)
}

fn larger(spec: &mut Value) {
    spec["spec"]["database"]["instanceClass"] = json!("db.r6g.xlarge");
}

fn class(stage: &Stage, part: &str) -> String {
    stage.database(part).class
}

/// Days in which nothing happens, in larger steps.
fn pass_days(stage: &mut Stage, span: Duration) {
    stage.site.run_for(Duration::from_secs(300), span).unwrap().unwrap();
}

/// The parts whose database was interrupted by a call, in their order.
fn interrupted(stage: &Stage, mark: usize) -> Vec<String> {
    let parts = ["replica/1", "replica/2", "database"].map(|part| (stage.id(part), part));
    let world = stage.world();
    let calls = world.log().iter().skip(mark).filter_map(|call| match call.request()? {
        Request::Change { id, change: Change::DbInstance(change), .. } if change.is_disruptive() => {
            let (_, part) = parts.iter().find(|(known, _)| known == id)?;
            Some(format!("{} {part}", call.request()?.operation()))
        }
        _ => None,
    });
    calls.collect()
}

const ORDER: [&str; 3] =
    ["ModifyDBInstance replica/1", "ModifyDBInstance replica/2", "ModifyDBInstance database"];

#[test]
fn a_larger_class_goes_from_replica_to_replica_and_to_the_primary_last() {
    let mut stage = up("Confirm");
    stage.edit(larger);
    stage.consent();
    let mark = stage.mark();
    stage.until("the first one is larger", HOUR, |stage| class(stage, "replica/1") == "db.r6g.xlarge");
    assert_eq!(class(&stage, "replica/2"), "db.r6g.large", "one at a time");
    stage.until("both are larger", HOUR, |stage| class(stage, "replica/2") == "db.r6g.xlarge");
    assert_eq!(class(&stage, "database"), "db.r6g.large", "the primary waits until both serve");
    stage.settles();
    assert_eq!(interrupted(&stage, mark), ORDER);
    assert_eq!(class(&stage, "database"), "db.r6g.xlarge");
}

#[test]
fn the_order_survives_a_daemon_that_is_started_again_after_every_pass() {
    let mut stage = up("Immediately");
    stage.edit(larger);
    let mark = stage.mark();
    for _ in 0..(HOUR.as_secs() / STEP.as_secs()) {
        stage.pass();
        stage.site.restart().unwrap();
        stage.site.clock.advance(STEP);
    }
    stage.settles();
    assert_eq!(interrupted(&stage, mark), ORDER);
}

#[test]
fn a_replica_that_falls_behind_holds_the_others_back() {
    let mut stage = up("Immediately");
    stage.edit(larger);
    stage.until("the first one is larger", HOUR, |stage| class(stage, "replica/1") == "db.r6g.xlarge");
    let behind = stage.id("replica/1");
    stage.world().set_replica_lag(&behind, Some(500.0));
    stage.run(2 * HOUR);
    let story = stage.story();
    let waits = stage.status().unwrap().waiting;
    let primary = waits.iter().find(|one| one.part == "database").unwrap_or_else(|| panic!("{story}"));
    assert!(primary.reason.contains("waits for replica/1 to serve"), "{primary:?}");
    assert_eq!(class(&stage, "database"), "db.r6g.large");
    stage.world().set_replica_lag(&behind, None);
    stage.settles();
    assert_eq!(class(&stage, "database"), "db.r6g.xlarge");
}

#[test]
fn in_the_window_means_not_before_it() {
    let mut stage = up("InWindow");
    stage.edit(larger);
    let mark = stage.mark();
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "");
    let message = "WaitingForWindow: database: class: db.r6g.large -> db.r6g.xlarge: this interrupts service (the standby takes over: the database is offline for one to two minutes) and waits for the maintenance window sun:03:00-sun:04:00, which opens at 2027-01-17T03:00:00Z";
    assert_eq!(stage.condition("Progressing"), format!("False {message}"));
    assert!(stage.condition("Stalled").starts_with("False"), "{}", stage.story());
    assert!(stage.condition("Degraded").starts_with("False"), "{}", stage.story());
    assert!(stage.condition("Ready").starts_with("True"), "{}", stage.story());
    let opens_at = stage.status().unwrap().database.unwrap().next_maintenance_time.unwrap().0;
    assert_eq!(opens_at.to_string(), "2027-01-17T03:00:00Z");
    pass_days(&mut stage, 40 * HOUR);
    assert_eq!(interrupted(&stage, mark), Vec::<String>::new());
    stage.until("begun", 8 * HOUR, |stage| stage.mark() > mark && !interrupted(stage, mark).is_empty());
    assert!(stage.now() >= opens_at && stage.now() < opens_at + 2 * MINUTE, "{}", stage.now());
    stage.settles();
    assert_eq!(interrupted(&stage, mark), ORDER);
    assert!(stage.status().unwrap().database.unwrap().next_maintenance_time.is_none());
}

/// What does not fit into one window goes on in the next one.
#[test]
fn what_is_left_when_the_window_closes_waits_a_week() {
    let mut options = calm(1);
    options.region.durations.modification = lamp_sim::Span::seconds(1500, 1800);
    let maintenance = json!({"window": WINDOW, "disruptiveChanges": "InWindow"});
    let pair = spec("lamp", |spec| {
        spec["spec"]["database"]["replicas"] = json!({"min": 2, "max": 2});
        spec["spec"]["database"]["maintenance"] = maintenance;
    });
    let mut stage = Stage::up_with(options, pair);
    stage.edit(larger);
    let mark = stage.mark();
    pass_days(&mut stage, 40 * HOUR);
    stage.until("both replicas", 8 * HOUR, |stage| interrupted(stage, mark).len() == 2);
    pass_days(&mut stage, 6 * DAY);
    assert_eq!(interrupted(&stage, mark), ORDER[..2]);
    let waits = stage.status().unwrap().database.unwrap().next_maintenance_time.unwrap();
    assert_eq!(waits.0.to_string(), "2027-01-24T03:00:00Z");
    stage.until("the primary", 2 * DAY, |stage| interrupted(stage, mark).len() == 3);
    stage.settles();
}

#[test]
fn a_static_parameter_takes_effect_by_restarts_with_consent() {
    let mut stage = up("Confirm");
    stage.edit(|spec| spec["spec"]["database"]["parameters"] = json!({"max_connections": "500"}));
    stage.settles();
    let mark = stage.mark();
    stage.edit(|spec| {
        spec["spec"]["database"]["parameters"] = json!({"max_connections": "500", "back_log": "300"});
    });
    stage.run(HOUR);
    assert_eq!(
        stage.brief_since(mark).lines().count(),
        1,
        "the parameter itself: {}",
        stage.brief_since(mark)
    );
    let stalled = stage.condition("Stalled");
    assert!(stalled.contains("parametersInEffect: false -> true: this interrupts service"), "{stalled}");
    assert!(stalled.contains("the standby takes over"), "{stalled}");
    stage.consent();
    stage.settles();
    let restarts = ["RebootDBInstance replica/1", "RebootDBInstance replica/2", "RebootDBInstance database"];
    assert_eq!(interrupted(&stage, mark), restarts);
}

/// A restart whose reply was lost is not made a second time.
#[test]
fn a_restart_is_made_once_even_if_the_daemon_dies_over_it() {
    let mut stage = up("Immediately");
    let mark = stage.mark();
    stage.edit(|spec| spec["spec"]["database"]["parameters"] = json!({"back_log": "300"}));
    for _ in 0..(HOUR.as_secs() / STEP.as_secs()) {
        stage.pass();
        stage.site.restart().unwrap();
        stage.site.clock.advance(STEP);
    }
    stage.settles();
    assert_eq!(interrupted(&stage, mark).len(), 3, "{:?}", interrupted(&stage, mark));
}

#[test]
fn what_a_person_left_to_the_window_of_rds_is_left_to_it() {
    let mut stage = up("Confirm");
    stage.edit(larger);
    let mark = stage.mark();
    for part in ["replica/1", "replica/2", "database"] {
        let id = stage.id(part);
        let modification =
            Modification { class: Some("db.r6g.xlarge".to_owned()), ..Modification::default() };
        stage.world().modify_database_in_window(&id, modification);
    }
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "");
    let waits = stage.status().unwrap().waiting;
    assert!(
        waits.iter().all(|one| one.reason.contains("left alone until then") && !one.blocked),
        "{waits:?}"
    );
    assert_eq!(waits.len(), 3, "{waits:?}");
    // Storage would release it, and waits as well.
    stage.edit(|spec| spec["spec"]["database"]["storage"]["gib"] = json!(200));
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "");
    pass_days(&mut stage, 3 * DAY);
    stage.settles();
    assert_eq!(
        (class(&stage, "database"), stage.database("database").storage_gib >= 200),
        ("db.r6g.xlarge".to_owned(), true)
    );
}

#[test]
fn the_window_is_the_specs_on_every_instance() {
    let mut stage = up("Confirm");
    for part in ["database", "replica/1", "replica/2"] {
        assert_eq!(stage.database(part).maintenance_window.as_deref(), Some(WINDOW), "{part}");
    }
    let id = stage.id("replica/2");
    let by_hand = Modification {
        maintenance_window: Some("mon:10:00-mon:11:00".to_owned()),
        ..Modification::default()
    };
    let change = Change::DbInstance(lamp_cloud::kinds::db_instance::Change::Modify(Box::new(by_hand)));
    stage.world().change_by_hand(&id, &change).unwrap();
    stage.settles();
    assert_eq!(stage.database("replica/2").maintenance_window.as_deref(), Some(WINDOW));
}
