use lamp_api::v1alpha1::{DisruptiveChanges, PartState};
use lamp_cloud::kinds::db_instance::Change as DatabaseChange;
use lamp_cloud::{Change, MetricName, Part, Request, State};
use serde_json::json;

use crate::kinds::db_instance::{report, wanted};
use crate::protocol::ensure;
use crate::replicas::plan_replicas;
use crate::world::World;
use crate::{Plan, parts};

/// Seconds from the beginning of the world, a Friday at 08:00, to Sunday at 03:00.
const WINDOW: i64 = 43 * 3600;

fn step(world: &mut World) -> Plan {
    let database = world.replica_spec();
    let plan = world.plan(|draft| {
        let input = draft.input;
        ensure(draft, &wanted(&input, &database));
        report(draft);
        plan_replicas(draft, &database);
        (crate::check(&draft.input, &draft.plan), draft.plan.clone())
    });
    let (violations, plan) = plan.1;
    assert_eq!(violations, [], "{plan}");
    plan
}

/// A primary with two replicas, which shall have a larger class.
fn growing(word: DisruptiveChanges) -> World {
    let mut world = World::with_replicas(json!({"min": 2, "max": 2}));
    world.add_replica(1, "a");
    world.add_replica(2, "b");
    let database = world.spec.database.as_mut().unwrap();
    database.instance_class = "db.r6g.xlarge".to_owned();
    database.maintenance.disruptive_changes = word;
    world
}

fn interrupted(plan: &Plan) -> Vec<&str> {
    let disruptive = |request: &Request| matches!(request, Request::Change { change: Change::DbInstance(change), .. } if change.is_disruptive());
    let actions = plan.actions.iter().filter(|action| disruptive(&action.request));
    actions.map(|action| action.part.as_str()).collect()
}

#[track_caller]
fn waits(plan: &Plan, part: &Part, sentence: &str) {
    let report = &plan.parts[part];
    assert_eq!((report.state, report.blocked), (PartState::Waiting, false), "{report}");
    assert!(report.reason.as_ref().unwrap().contains(sentence), "{report}");
}

/// RDS is through with what it was asked for.
fn finish(world: &mut World, slot: u32) {
    "db.r6g.xlarge".clone_into(&mut world.replica_body(slot).class);
    world.now += 600;
}

#[test]
fn without_a_word_nothing_is_interrupted() {
    let mut world = growing(DisruptiveChanges::Confirm);
    world.now = WINDOW;
    let plan = step(&mut world);
    assert!(plan.actions.is_empty(), "{plan}");
    for part in [parts::database(), parts::replica(1), parts::replica(2)] {
        let report = &plan.parts[&part];
        assert!(report.blocked && report.reason.as_ref().unwrap().contains("confirm-replace=1"), "{report}");
    }
    world.confirmed = true;
    assert_eq!(interrupted(&step(&mut world)), ["replica/1"]);
}

#[test]
fn replicas_go_first_one_at_a_time_and_the_primary_last() {
    let mut world = growing(DisruptiveChanges::Immediately);
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), ["replica/1"], "{plan}");
    waits(&plan, &parts::replica(2), "waits for replica/1, which goes first");
    waits(&plan, &parts::database(), "waits for replica/1, which goes first");
    world.done(&plan);
    world.now += 15;
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), Vec::<&str>::new(), "no reading shows it yet: {plan}");
    waits(&plan, &parts::replica(2), "waits for replica/1, on which RDS is at work");
    world.replica(1).state = State::Pending("modifying".to_owned());
    assert_eq!(interrupted(&step(&mut world)), Vec::<&str>::new());
    world.replica(1).state = State::Ready;
    world.database_metric("replica-1", MetricName::ReplicaLag, 500.0);
    finish(&mut world, 1);
    world.database_metric("replica-1", MetricName::ReplicaLag, 500.0);
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), Vec::<&str>::new(), "it has not caught up: {plan}");
    waits(&plan, &parts::database(), "waits for replica/1 to serve");
    world.database_metric("replica-1", MetricName::ReplicaLag, 1.0);
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), ["replica/2"], "{plan}");
    world.done(&plan);
    finish(&mut world, 2);
    world.database_metric("replica-1", MetricName::ReplicaLag, 1.0);
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), ["database"], "{plan}");
}

#[test]
fn what_is_pending_at_rds_is_not_done() {
    let mut world = growing(DisruptiveChanges::Immediately);
    let plan = step(&mut world);
    world.done(&plan);
    // RDS shows what was asked for before it begins.
    finish(&mut world, 1);
    world.replica_body(1).facts.pending_changes = vec!["DBInstanceClass".to_owned()];
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), Vec::<&str>::new(), "{plan}");
    waits(&plan, &parts::replica(2), "waits for replica/1, on which RDS is at work");
}

#[test]
fn one_that_lags_is_missed_least_and_goes_first() {
    let mut world = growing(DisruptiveChanges::Immediately);
    world.database_metric("replica-2", MetricName::ReplicaLag, 500.0);
    assert_eq!(interrupted(&step(&mut world)), ["replica/2"]);
}

#[test]
fn a_broken_replica_is_replaced_before_anything_is_interrupted() {
    let mut world = growing(DisruptiveChanges::Immediately);
    world.replica_body(1).facts.replication = Some("error".to_owned());
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), Vec::<&str>::new(), "{plan}");
    waits(&plan, &parts::replica(2), "waits for replica/1 to serve");
}

#[test]
fn the_window_is_the_specs_or_the_one_that_aws_chose() {
    let mut world = growing(DisruptiveChanges::InWindow);
    let plan = step(&mut world);
    assert!(plan.actions.is_empty(), "{plan}");
    waits(
        &plan,
        &parts::database(),
        "waits for the maintenance window sun:03:00-sun:04:00, which opens at 2027-01-17T03:00:00Z",
    );
    assert_eq!(plan.next_look, Some(crate::world::at(WINDOW)), "the daemon wakes then");
    assert_eq!(plan.database.as_ref().unwrap().scheduled[&parts::database()], crate::world::at(WINDOW));
    world.now = WINDOW;
    assert_eq!(interrupted(&step(&mut world)), ["replica/1"]);
    world.spec.database.as_mut().unwrap().maintenance.window = Some("sun:04:00-sun:05:00".to_owned());
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), Vec::<&str>::new());
    assert_eq!(plan.actions.len(), 3, "but the windows are changed at once: {plan}");
}

#[test]
fn nothing_is_begun_in_the_last_minutes_of_the_window() {
    let mut world = growing(DisruptiveChanges::InWindow);
    world.now = WINDOW + 46 * 60;
    let plan = step(&mut world);
    assert!(plan.actions.is_empty(), "{plan}");
    waits(&plan, &parts::replica(1), "2027-01-24T03:00:00Z");
    world.confirmed = true;
    assert_eq!(interrupted(&step(&mut world)), ["replica/1"], "a person may say so at any time");
}

#[test]
fn storage_grows_at_once_while_the_class_waits() {
    let mut world = growing(DisruptiveChanges::InWindow);
    world.spec.database.as_mut().unwrap().storage.gib = 200;
    let plan = step(&mut world);
    assert_eq!(plan.actions.len(), 3, "{plan}");
    assert_eq!(interrupted(&plan), Vec::<&str>::new());
}

#[test]
fn a_restart_is_a_step_of_its_own_with_a_failover_where_there_is_a_standby() {
    let mut world = World::with_replicas(json!({"min": 1, "max": 1}));
    world.add_replica(1, "a");
    world.replica_body(1).parameters_in_effect = false;
    world.primary_body().parameters_in_effect = false;
    let plan = step(&mut world);
    assert!(plan.actions.is_empty(), "{plan}");
    let report = &plan.parts[&parts::database()];
    let reason = report.reason.as_deref().unwrap();
    assert!(report.blocked && reason.contains("parametersInEffect: false -> true"), "{report}");
    assert!(reason.contains("the standby takes over"), "{report}");
    world.confirmed = true;
    let restart = |plan: &Plan| match &plan.actions[..] {
        [action] => match &action.request {
            Request::Change { change: Change::DbInstance(DatabaseChange::Reboot { failover }), .. } => {
                (action.part.to_string(), *failover)
            }
            other => panic!("{other:?}"),
        },
        other => panic!("{other:?}"),
    };
    let plan = step(&mut world);
    assert_eq!(restart(&plan), ("replica/1".to_owned(), false));
    assert!(plan.actions[0].reason.contains("restarts"), "{plan}");
    world.done(&plan);
    world.replica_body(1).parameters_in_effect = true;
    world.now += 120;
    assert_eq!(restart(&step(&mut world)), ("database".to_owned(), true));
}

#[test]
fn a_restart_is_not_repeated_before_readings_must_show_it() {
    let mut world = World::with_replicas(json!({}));
    world.primary_body().parameters_in_effect = false;
    world.confirmed = true;
    let plan = step(&mut world);
    assert_eq!(interrupted(&plan), ["database"]);
    world.done(&plan);
    for _ in 0..19 {
        world.now += 15;
        assert_eq!(interrupted(&step(&mut world)), Vec::<&str>::new(), "{}", world.now);
    }
    // A restart whose outcome is not known is judged as late.
    let action = plan.actions.into_iter().next().unwrap();
    let entry = world.ledger.get_mut(&parts::database()).unwrap();
    entry.last = None;
    let started_at = crate::world::at(world.now);
    entry.open = Some(lamp_cloud::Intent {
        request: action.request,
        reason: String::new(),
        started_at,
        sent: 1,
        error: None,
    });
    world.now += 120;
    assert_eq!(interrupted(&step(&mut world)), Vec::<&str>::new());
    world.now += 240;
    assert_eq!(interrupted(&step(&mut world)), ["database"]);
}

#[test]
fn nobody_is_asked_for_a_database_that_was_never_used() {
    let mut world = World::with_replicas(json!({}));
    world.primary_body().parameters_in_effect = false;
    world.ledger.get_mut(&parts::database()).unwrap().completed_at = None;
    assert_eq!(interrupted(&step(&mut world)), ["database"]);
}

#[test]
fn what_waits_for_the_window_of_rds_is_not_released_by_another_change() {
    let mut world = World::with_replicas(json!({}));
    world.primary_body().facts.pending_changes = vec!["DBInstanceClass".to_owned()];
    let plan = step(&mut world);
    assert!(plan.actions.is_empty(), "{plan}");
    waits(
        &plan,
        &parts::database(),
        "somebody asked RDS to change DBInstanceClass in the maintenance window",
    );
    assert_eq!(plan.next_look, Some(crate::world::at(WINDOW)));
    world.spec.database.as_mut().unwrap().storage.gib = 200;
    let plan = step(&mut world);
    assert!(plan.actions.is_empty(), "{plan}");
}
