//! The primary fails over, is lost, is replaced by a replica, and comes back: never are two of them written at once.

use std::collections::BTreeSet;

use expect_test::expect;
use lamp_api::kinds::DATABASE_OPERATION;
use lamp_api::v1alpha1::{DatabaseOperationStatus, OperationPhase};
use lamp_cloud::kinds::db_instance::{Change as DatabaseChange, Modification};
use lamp_cloud::kinds::security_group::{self, Peer, Rule};
use lamp_cloud::{Body, Change, Kind, Reference};
use lamp_store::Key;
use serde_json::{Value, json};

use crate::stage::{HOUR, MINUTE, STEP, Stage, calm, spec};

/// A site with so many replicas, and this word on promotions.
fn up(replicas: u32, promotion: &str) -> Stage {
    let pair = spec("lamp", |spec| {
        spec["spec"]["database"]["replicas"] = json!({"min": replicas, "max": replicas});
        spec["spec"]["database"]["promotion"] = json!(promotion);
    });
    Stage::up_with(calm(1), pair)
}

fn order(stage: &Stage, name: &str, mut order: Value) -> Key {
    order["stack"] = json!("shop");
    stage.site.create(&DATABASE_OPERATION, name, &order).unwrap()
}

fn status(stage: &Stage, order: &Key) -> DatabaseOperationStatus {
    stage.site.operation_status(order).unwrap().unwrap_or_default()
}

fn until_ended(stage: &mut Stage, order: &Key) -> DatabaseOperationStatus {
    stage.until("ended", 2 * HOUR, |stage| status(stage, order).phase.has_ended());
    status(stage, order)
}

fn uid(stage: &Stage) -> String {
    stage.object()["metadata"]["uid"].as_str().unwrap().to_owned()
}

fn reachable(stage: &Stage) -> Vec<String> {
    stage.world().reachable_primaries(&uid(stage))
}

fn count(stage: &Stage, mark: usize, beginning: &str) -> usize {
    stage.calls_since(mark).iter().filter(|call| call.starts_with(beginning)).count()
}

/// The calls that change roles, in their order, without those to the tiers that follow.
fn roles(stage: &Stage, mark: usize) -> String {
    const CALLS: [&str; 7] = [
        "CreateSecurityGroup",
        "AuthorizeSecurityGroup",
        "RevokeSecurityGroup",
        "ModifyDBInstance",
        "PromoteReadReplica",
        "AddTagsToResource",
        "DBInstance",
    ];
    let calls = stage.calls_since(mark);
    let named: Vec<&String> =
        calls.iter().filter(|call| CALLS.iter().any(|name| call.contains(name))).collect();
    named.iter().map(|call| format!("{call}\n")).collect()
}

fn lose(stage: &Stage) -> String {
    let id = stage.id("database");
    stage.world().set_database_status(&id, "failed");
    id
}

fn decided(stage: &Stage, action: &str) -> usize {
    stage.status().unwrap().decisions.iter().filter(|one| one.action == action).count()
}

#[test]
fn a_failover_is_watched_and_told_once() {
    let mut stage = up(1, "Automatic");
    let (mark, id) = (stage.mark(), stage.id("database"));
    let before = stage.database("database").zone;
    stage.world().fail_over_database(&id);
    stage.pass();
    expect![[r#"False DatabaseFailingOver: database: rebooting: RDS restarts it or lets its standby take over; nothing is done to it, nor to the tiers that use it, until it serves"#]]
        .assert_eq(stage.condition("DatabaseReady").split(" (since").next().unwrap());
    stage.run(10 * MINUTE);
    assert_ne!(stage.database("database").zone, before);
    assert_eq!(decided(&stage, "FailedOver"), 1, "{:#?}", stage.status().unwrap().decisions);
    assert_eq!(stage.events().iter().filter(|event| event.contains("FailedOver")).count(), 1);
    stage.settles();
    assert_eq!(stage.brief_since(mark), "");
    assert_eq!(decided(&stage, "FailedOver"), 1);
}

#[test]
fn a_failover_that_nobody_saw_is_told_after_a_restart() {
    let mut stage = up(1, "Manual");
    let id = stage.id("database");
    stage.world().fail_over_database(&id);
    stage.site.clock.advance(5 * MINUTE);
    stage.site.restart().unwrap();
    stage.run(5 * MINUTE);
    assert_eq!(decided(&stage, "FailedOver"), 1);
}

#[test]
fn a_lost_primary_is_named_and_nothing_is_done_until_a_person_orders_it() {
    let mut stage = up(2, "Manual");
    let (mark, lost) = (stage.mark(), lose(&stage));
    stage.run(2 * HOUR);
    assert_eq!(stage.brief_since(mark), "");
    let stalled = stage.condition("Stalled");
    assert!(stalled.starts_with("True DatabaseLost: database: AWS says that it failed"), "{stalled}");
    assert!(stalled.contains("`lampctl promote shop` lets a replica take its place"), "{stalled}");
    let order = order(&stage, "promote-1", json!({"operation": "Promote"}));
    let ended = until_ended(&mut stage, &order);
    assert_eq!(ended.phase, OperationPhase::Done, "{ended:?}");
    stage.until("Ready", 2 * HOUR, |stage| stage.site.is_ready(&stage.key).unwrap());
    expect![[r#"
        CreateSecurityGroup security-group/database/1
        AuthorizeSecurityGroupIngress security-group/database/1
        AuthorizeSecurityGroupEgress security-group/app
        ModifyDBInstance replica/1
        ModifyDBInstance replica/2
        RevokeSecurityGroupEgress security-group/database/1
        RevokeSecurityGroupEgress security-group/app
        RevokeSecurityGroupIngress security-group/database
        PromoteReadReplica replica/1
        AddTagsToResource database
        AddTagsToResource replica/1
        CreateDBInstanceReadReplica replica/3
        CreateDBInstanceReadReplica replica/4
        ModifyDBInstance replica/1
        ModifyDBInstance replica/2
        DeleteDBInstance replica/2
    "#]]
    .assert_eq(&roles(&stage, mark));
    assert_ne!(stage.id("database"), lost);
    let former = stage.status().unwrap().database.unwrap().former_primaries;
    assert_eq!(former.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [lost.as_str()]);
    assert_eq!(reachable(&stage), [stage.id("database")]);
    stage.settles();
    assert!(stage.world().resource(Kind::DbInstance, &lost).is_some(), "it is a person's to delete");
}

#[test]
fn automatic_promotion_fences_promotes_and_rebuilds() {
    let mut stage = up(2, "Automatic");
    let (mark, lost) = (stage.mark(), lose(&stage));
    let took =
        stage.until("promoted", HOUR, |stage| stage.find("database").is_some_and(|row| row.id != lost));
    assert!(took >= 5 * MINUTE, "two readings that agree are five minutes apart: {took:?}");
    let host = stage.database("database").facts.endpoint.unwrap();
    stage.settles();
    assert_eq!(count(&stage, mark, "PromoteReadReplica"), 1);
    let database = stage.id("database");
    for part in ["replica/3", "replica/4"] {
        let source = stage.database(part).source.unwrap();
        assert_eq!(source.as_id(), Some(database.as_str()), "{part} is made anew");
    }
    let user_data = stage
        .world()
        .resources()
        .filter_map(|row| match &row.body {
            Body::LaunchTemplate(body) => body.data.clone().map(|data| data.user_data),
            _ => None,
        })
        .collect::<Vec<_>>();
    assert!(user_data.iter().any(|data| data.contains(&host)), "the tiers follow");
    assert_eq!(decided(&stage, "Promoted"), 1);
}

#[test]
fn the_old_primary_that_comes_back_is_never_reached() {
    let mut stage = up(1, "Automatic");
    let lost = lose(&stage);
    stage.until("promoted", HOUR, |stage| stage.find("database").is_some_and(|row| row.id != lost));
    stage.world().set_database_status(&lost, "available");
    stage.run(HOUR);
    assert_eq!(reachable(&stage), [stage.id("database")]);
    stage.settles();
    let former = stage.status().unwrap().database.unwrap().former_primaries;
    assert_eq!(former[0].state, "available");
    // A hand lets the tiers in again: it is put right.
    let group = stage.id("security-group/database");
    let tier = stage.id("security-group/app");
    let rule = Rule::tcp(3306, Peer::Group(Reference::id(tier)));
    let change = Change::SecurityGroup(security_group::Change::AuthorizeIngress(vec![rule]));
    stage.world().change_by_hand(&group, &change).unwrap();
    stage.run(5 * MINUTE);
    assert_eq!(reachable(&stage), [stage.id("database")]);
}

/// A hand put the old primary into another group as well: it is not shut off, so nothing is promoted.
#[test]
fn a_primary_that_comes_back_in_time_calls_the_promotion_off() {
    let mut stage = up(1, "Automatic");
    let id = stage.id("database");
    let Body::SecurityGroup(group) = stage.body("security-group/database") else { panic!() };
    let foreign = stage.world().create_by_hand("foreign", &Default::default(), group.into()).unwrap();
    let mut groups = stage.database("database").security_groups;
    groups.push(Reference::id(foreign));
    let both = Modification { security_groups: Some(groups), ..Modification::default() };
    let both = Change::DbInstance(DatabaseChange::Modify(Box::new(both)));
    stage.world().change_by_hand(&id, &both).unwrap();
    let (mark, lost) = (stage.mark(), lose(&stage));
    stage.until("decided", HOUR, |stage| count(stage, mark, "CreateSecurityGroup") > 0);
    stage.run(2 * MINUTE);
    let waits = stage.condition("DatabaseReady");
    assert!(waits.contains("which is not closed: take it out of that group"), "{waits}");
    stage.world().set_database_status(&lost, "available");
    stage.settles();
    let promoted = count(&stage, mark, "PromoteReadReplica");
    assert_eq!((stage.id("database"), promoted), (lost, 0), "{}", stage.brief_since(mark));
    assert_eq!(decided(&stage, "PromotionCalledOff"), 1);
    assert_eq!(reachable(&stage), [stage.id("database")]);
    assert!(stage.find("security-group/database/1").is_none(), "what is not needed goes");
}

#[test]
fn a_replica_that_was_too_far_behind_is_not_promoted_but_by_force() {
    let mut stage = up(1, "Automatic");
    let replica = stage.id("replica/1");
    stage.world().set_replica_lag(&replica, Some(500.0));
    stage.run(10 * MINUTE);
    let (mark, _) = (stage.mark(), lose(&stage));
    stage.run(HOUR);
    assert_eq!(stage.brief_since(mark), "");
    assert!(
        stage.condition("Stalled").contains("it was 500 s behind, and 30 s are allowed"),
        "{}",
        stage.story()
    );
    let refused = order(&stage, "promote-1", json!({"operation": "Promote", "replica": "replica/1"}));
    let ended = until_ended(&mut stage, &refused);
    assert_eq!(ended.phase, OperationPhase::Refused, "{ended:?}");
    assert!(ended.message.unwrap().contains("500 s behind"));
    let forced = json!({"operation": "Promote", "replica": "replica/1", "force": true});
    let forced = order(&stage, "promote-2", forced);
    assert_eq!(until_ended(&mut stage, &forced).phase, OperationPhase::Done);
    stage.settles();
    assert_eq!(stage.id("database"), replica);
}

#[test]
fn a_second_loss_within_an_hour_waits() {
    let mut stage = up(2, "Automatic");
    let first = lose(&stage);
    stage.until("promoted", HOUR, |stage| stage.find("database").is_some_and(|row| row.id != first));
    stage.run(2 * MINUTE);
    let (mark, second) = (stage.mark(), lose(&stage));
    stage.run(20 * MINUTE);
    assert_eq!(count(&stage, mark, "PromoteReadReplica"), 0);
    assert_eq!(stage.id("database"), second);
    assert!(stage.condition("Stalled").contains("within the last hour"), "{}", stage.story());
}

#[test]
fn an_order_fails_over_once_and_is_refused_with_words() {
    let mut stage = up(1, "Manual");
    let before = stage.database("database").zone;
    let mark = stage.mark();
    let failover = order(&stage, "failover-1", json!({"operation": "Failover"}));
    let ended = until_ended(&mut stage, &failover);
    assert_eq!(ended.phase, OperationPhase::Done, "{ended:?}");
    assert_ne!(stage.database("database").zone, before);
    assert_eq!(stage.brief_since(mark), "RebootDBInstance database");
    let promote = order(&stage, "promote-1", json!({"operation": "Promote"}));
    let ended = until_ended(&mut stage, &promote);
    assert!(ended.message.unwrap().contains("is there: a promotion would lose"), "{:?}", ended.phase);
    let strange =
        order(&stage, "promote-2", json!({"operation": "Promote", "replica": "replica/9", "force": true}));
    assert!(until_ended(&mut stage, &strange).message.unwrap().contains("replica/9 is no replica"));
    stage.edit(|spec| spec["spec"]["mode"] = json!("Paused"));
    let paused = order(&stage, "failover-2", json!({"operation": "Failover"}));
    assert!(until_ended(&mut stage, &paused).message.unwrap().contains("is not Enforce"));
    stage.edit(|spec| spec["spec"]["mode"] = json!("Enforce"));
    stage.settles();
    stage.run(2 * HOUR);
    assert_eq!(stage.site.operation_status(&failover).unwrap(), None, "it is forgotten a day later");
}

#[test]
fn a_site_that_must_not_fail_over_says_why() {
    let pair = spec("lamp", |spec| spec["spec"]["database"]["multiZone"] = json!(false));
    let mut stage = Stage::up_with(calm(1), pair);
    let failover = order(&stage, "failover-1", json!({"operation": "Failover"}));
    assert!(until_ended(&mut stage, &failover).message.unwrap().contains("has no standby"));
    let id = stage.id("database");
    stage.world().set_database_status(&id, "incompatible-parameters");
    stage.run(10 * MINUTE);
    let stalled = stage.condition("Stalled");
    assert!(stalled.starts_with("True DatabaseIncompatibleParameters: "), "{stalled}");
    assert!(stalled.contains("put right the parameters"), "{stalled}");
    let promote = order(&stage, "promote-1", json!({"operation": "Promote"}));
    assert!(until_ended(&mut stage, &promote).message.unwrap().contains("a person can mend"));
    stage.world().set_database_status(&id, "available");
    stage.settles();
}

#[test]
fn a_full_volume_grows_once_in_six_hours_and_says_when_it_may_not() {
    let storage = json!({"gib": 100, "maxGib": 125, "growBelowFreePercent": 5});
    let pair = spec("lamp", |spec| {
        spec["spec"]["database"]["storage"] = storage;
        spec["spec"]["database"]["replicas"] = json!({"min": 0, "max": 0});
    });
    let mut stage = Stage::up_with(calm(1), pair);
    let (mark, id) = (stage.mark(), stage.id("database"));
    let size = |stage: &Stage| stage.database("database").storage_gib;
    stage.world().fill_database(&id, 1.0);
    stage.until("grown", HOUR, |stage| size(stage) == 110);
    stage.run(2 * HOUR);
    assert_eq!(stage.brief_since(mark), "ModifyDBInstance database");
    assert_eq!(decided(&stage, "GrowStorage"), 1);
    stage.world().fill_database(&id, 1.0);
    stage.run(HOUR);
    let stalled = stage.condition("Stalled");
    assert!(stalled.contains("no second growth within six hours"), "{stalled}");
    stage.until("grown again", 5 * HOUR, |stage| size(stage) == 121);
    assert_eq!(stage.brief_since(mark), "ModifyDBInstance database x2");
    stage.run(7 * HOUR);
    stage.world().fill_database(&id, 1.0);
    stage.run(HOUR);
    let stalled = stage.condition("Stalled");
    assert!(stalled.starts_with("True DatabaseStorageFull: "), "{stalled}");
    assert!(stalled.contains("it has 125 GiB, and storage.maxGib is 125; raise storage.maxGib"), "{stalled}");
    stage.edit(|spec| spec["spec"]["database"]["storage"]["maxGib"] = json!(500));
    stage.run(6 * HOUR);
    stage.settles();
}

#[test]
fn a_volume_grows_before_it_is_full_where_the_spec_asks_for_room() {
    let storage = json!({"gib": 100, "maxGib": 500, "growBelowFreePercent": 30});
    let pair = spec("lamp", |spec| spec["spec"]["database"]["storage"] = storage);
    let mut stage = Stage::up_with(calm(1), pair);
    let (mark, id) = (stage.mark(), stage.id("database"));
    stage.world().fill_database(&id, 0.75);
    stage.run(HOUR);
    let grown = stage.database("database").storage_gib;
    assert_eq!((grown, count(&stage, mark, "ModifyDBInstance database")), (110, 1), "{}", stage.story());
    assert_ne!(stage.condition("Ready").split(' ').next(), Some("False"), "{}", stage.story());
}

/// The daemon dies at every boundary of a promotion, once in each run.
#[test]
fn a_promotion_survives_death_at_any_boundary() {
    let whole = promote_dying_at(usize::MAX);
    assert!(whole > 20, "only {whole} boundaries");
    let stride = std::env::var("LAMPLIGHTER_CRASH_STRIDE").ok().and_then(|stride| stride.parse().ok());
    let stride = stride.unwrap_or(whole / 12).max(1);
    for boundary in (0..whole).step_by(stride) {
        promote_dying_at(boundary);
    }
}

/// How many boundaries there were.
fn promote_dying_at(boundary: usize) -> usize {
    let mut stage = up(1, "Automatic");
    let (mark, lost) = (stage.mark(), lose(&stage));
    stage.run(4 * MINUTE);
    stage.site.gate.crash_at(boundary);
    let is_over = |stage: &Stage| {
        let promoted = stage.find("database").is_some_and(|row| row.id != lost);
        promoted && stage.site.is_ready(&stage.key).unwrap()
    };
    let mut steps = 0;
    loop {
        match stage.site.pass().unwrap() {
            Ok(()) if is_over(&stage) => break,
            Ok(()) => stage.site.clock.advance(STEP),
            Err(_) => stage.site.restart().unwrap(),
        }
        steps += 1;
        assert!(steps < 4000, "dead at {boundary}: not over: {}", stage.story());
    }
    let passed = stage.site.gate.passed().len();
    stage.site.gate.revive();
    assert_eq!(count(&stage, mark, "PromoteReadReplica"), 1, "dead at {boundary}: {}", roles(&stage, mark));
    assert_eq!(reachable(&stage), [stage.id("database")], "dead at {boundary}");
    let parts: BTreeSet<String> = stage.site.census().into_keys().collect();
    assert!(parts.contains("former-database/1"), "dead at {boundary}: {parts:?}");
    stage.nothing_unlawful();
    passed
}
