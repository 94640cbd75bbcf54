//! Laws of promotions, one decision at a time.

use lamp_api::v1alpha1::{OperationKind, OperationPhase, PromotionPolicy};
use lamp_cloud::kinds::db_instance::Change as DatabaseChange;
use lamp_cloud::kinds::security_group::{Peer, Rule, SecurityGroup};
use lamp_cloud::{Body, Change, Kind, LedgerEntry, MetricName, Part, Reference, Request, State};
use serde_json::json;

use crate::world::World;
use crate::{Order, Plan, Precondition, parts, promotion};

/// A world with two replicas, the second less behind, in which the primary is lost.
fn lost(policy: PromotionPolicy) -> World {
    let mut world = World::with_replicas(json!({"min": 2, "max": 3}));
    world.spec.database.as_mut().unwrap().promotion = policy;
    world.add_replica(1, "a");
    world.add_replica(2, "b");
    world.database_metric("replica-1", MetricName::ReplicaLag, 4.2);
    world.database_metric("replica-2", MetricName::ReplicaLag, 0.3);
    let row = &mut world.databases[0].1;
    row.state = State::Failed("failed".to_owned());
    world.primary_body().facts.status = "failed".to_owned();
    world
}

fn step(world: &mut World) -> Plan {
    let database = world.replica_spec();
    let plan = world.plan(|draft| match promotion::under_way(&draft.input) {
        Some(open) => {
            promotion::carry_on(draft, &database, open);
            true
        }
        None => promotion::watch(draft, &database),
    });
    world.done(&plan.0);
    plan.0
}

/// Lets seconds pass, with a look every half minute.
fn watch(world: &mut World, span: i64) -> Plan {
    let end = world.now + span;
    while world.now < end {
        step(world);
        world.now += 30;
    }
    step(world)
}

fn record(world: &World) -> Option<lamp_cloud::Promotion> {
    world.ledger[&parts::database()].promotion.clone()
}

fn order(world: &mut World, replica: Option<&str>, force: bool) {
    world.order = Some(Order {
        uid: "order-1".to_owned(),
        name: "databaseoperation/promote-1".to_owned(),
        operation: OperationKind::Promote,
        replica: replica.map(Part::new),
        force,
        accepted: false,
    });
}

fn answer(plan: &Plan) -> (OperationPhase, String) {
    let report = plan.order.clone().unwrap();
    (report.phase, report.message)
}

#[test]
fn a_loss_is_certain_only_after_five_minutes_of_agreeing_readings() {
    let mut world = lost(PromotionPolicy::Automatic);
    watch(&mut world, 270);
    assert_eq!(world.ledger[&parts::database()].lost(), None);
    watch(&mut world, 60);
    let loss = world.ledger[&parts::database()].loss.clone().unwrap();
    assert_eq!((loss.lags["replica-1"], loss.lags["replica-2"]), (5, 1));
    assert_eq!(record(&world).unwrap().to, "replica-2", "the one that was least behind");
}

#[test]
fn a_primary_that_serves_in_between_is_not_lost() {
    let mut world = lost(PromotionPolicy::Automatic);
    watch(&mut world, 240);
    world.databases[0].1.state = State::Ready;
    world.primary_body().facts.status = "available".to_owned();
    world.now += 30;
    step(&mut world);
    world.databases[0].1.state = State::Failed("failed".to_owned());
    world.primary_body().facts.status = "failed".to_owned();
    watch(&mut world, 240);
    assert_eq!(world.ledger[&parts::database()].lost(), None);
}

#[test]
fn without_the_word_of_the_spec_or_a_person_nothing_begins() {
    let mut world = lost(PromotionPolicy::Manual);
    let plan = watch(&mut world, 1200);
    assert_eq!((record(&world), plan.actions.len()), (None, 0));
    let report = &plan.parts[&parts::database()];
    assert!(report.blocked && report.reason.as_deref().unwrap().contains("lampctl promote shop"), "{report}");
    order(&mut world, None, false);
    assert_eq!(answer(&step(&mut world)).0, OperationPhase::Running);
    assert_eq!(record(&world).unwrap().order.as_deref(), Some("order-1"));
}

#[test]
fn what_does_not_fit_is_not_promoted() {
    for (lag, word, why) in [
        (Some(31.0), "replicating", "it was 31 s behind, and 30 s are allowed"),
        (Some(-1.0), "replicating", "how far it was behind is not known"),
        (None, "replicating", "how far it was behind is not known"),
        (Some(1.0), "error", "its replication is in state error"),
    ] {
        let mut world = lost(PromotionPolicy::Automatic);
        for slot in [1, 2] {
            world.replica_body(slot).facts.replication = Some(word.to_owned());
            let id = format!("replica-{slot}");
            match lag {
                Some(lag) => world.database_metric(&id, MetricName::ReplicaLag, lag),
                None => world.signals.clear(),
            }
        }
        let plan = watch(&mut world, 400);
        assert_eq!(record(&world), None);
        let reason = plan.parts[&parts::database()].reason.clone().unwrap();
        assert!(reason.contains(&format!("replica/1: {why}; replica/2: {why}")), "{reason}");
        order(&mut world, Some("replica/1"), true);
        assert_eq!(answer(&step(&mut world)).0, OperationPhase::Running, "a person may force it: {why}");
    }
}

#[test]
fn while_the_primary_serves_only_force_promotes() {
    let mut world = lost(PromotionPolicy::Automatic);
    world.databases[0].1.state = State::Ready;
    world.primary_body().facts.status = "available".to_owned();
    order(&mut world, None, false);
    let (phase, why) = answer(&step(&mut world));
    assert!(phase == OperationPhase::Refused && why.contains("would lose what no replica has yet"), "{why}");
    world.databases[0].1.state = State::Pending("rebooting".to_owned());
    world.primary_body().facts.status = "rebooting".to_owned();
    let (phase, why) = answer(&step(&mut world));
    assert!(phase == OperationPhase::Refused && why.contains("its standby may take over"), "{why}");
    assert_eq!(record(&world), None);
}

#[test]
fn by_itself_there_is_one_in_an_hour() {
    let mut world = lost(PromotionPolicy::Automatic);
    watch(&mut world, 330);
    let first = record(&world).unwrap();
    let ended = lamp_cloud::PromotionEnd { at: crate::world::at(world.now), done: false };
    world.ledger.get_mut(&parts::database()).unwrap().promotion =
        Some(lamp_cloud::Promotion { ended: Some(ended), ..first.clone() });
    let plan = watch(&mut world, 3000);
    assert_eq!(record(&world).unwrap().began_at, first.began_at);
    assert!(plan.parts[&parts::database()].reason.as_deref().unwrap().contains("within the last hour"));
    watch(&mut world, 600);
    assert!(record(&world).unwrap().began_at > first.began_at);
}

fn group(rules: bool) -> SecurityGroup {
    let rule = Rule::tcp(3306, Peer::Group(Reference::id("sg-web")));
    SecurityGroup {
        vpc: Reference::id("vpc"),
        description: "Database".to_owned(),
        ingress: if rules { vec![rule] } else { Vec::new() },
        egress: Vec::new(),
    }
}

/// A world in which a promotion was decided, with the new group, and the old one with or without its rules.
fn decided(old_rules: bool, moved: bool) -> World {
    let mut world = lost(PromotionPolicy::Automatic);
    watch(&mut world, 330);
    let new = parts::database_security_group_after(1);
    let entry = LedgerEntry {
        kind: Some(Kind::SecurityGroup),
        id: Some("sg-new".to_owned()),
        ..LedgerEntry::default()
    };
    world.ledger.insert(new.clone(), entry);
    let mut row =
        world.databases.iter().find(|(part, _)| *part == parts::database_security_group()).unwrap().1.clone();
    row.id = "sg-new".to_owned();
    row.tags = world.owner.identity(&new);
    row.body = group(true).into();
    world.databases.push((new, row));
    let old = world.databases.iter_mut().find(|(part, _)| *part == parts::database_security_group()).unwrap();
    old.1.body = group(old_rules).into();
    if moved {
        world.replica_body(2).security_groups = vec![Reference::id("sg-new")];
    }
    world.now += 60;
    world
}

fn calls(plan: &Plan) -> Vec<String> {
    plan.actions.iter().map(|action| format!("{} {}", action.request.operation(), action.part)).collect()
}

#[test]
fn replicas_leave_the_group_of_the_old_primary_first() {
    let mut world = decided(true, false);
    assert_eq!(calls(&step(&mut world)), ["ModifyDBInstance replica/1", "ModifyDBInstance replica/2"]);
}

#[test]
fn nothing_is_promoted_while_the_old_primary_can_be_reached() {
    let mut world = decided(true, true);
    let plan = step(&mut world);
    assert!(!calls(&plan).iter().any(|call| call.starts_with("Promote")), "{plan}");
    let sentence = plan.database.unwrap().operation.unwrap();
    assert!(sentence.contains("the way to database is being closed"), "{sentence}");
    let mut world = decided(false, true);
    world.primary_body().security_groups.push(Reference::id("sg-of-a-hand"));
    let plan = step(&mut world);
    assert!(!calls(&plan).iter().any(|call| call.starts_with("Promote")), "{plan}");
    assert!(plan.database.unwrap().operation.unwrap().contains("also stands in sg-of-a-hand"));
}

#[test]
fn what_is_shut_off_is_read_again_at_the_call() {
    let mut world = decided(false, true);
    let plan = step(&mut world);
    let action =
        plan.actions.iter().find(|action| action.request.operation() == "PromoteReadReplica").unwrap();
    let fences = vec!["sg-database".to_owned()];
    assert_eq!(action.precondition, Some(Precondition::Promotable { id: "replica-2".to_owned(), fences }));
    let change = DatabaseChange::Promote { backup_retention_days: 7 };
    assert!(
        matches!(&action.request, Request::Change { change: Change::DbInstance(it), .. } if *it == change)
    );
    world.now += 30;
    let again = step(&mut world);
    assert!(!calls(&again).iter().any(|call| call.starts_with("Promote")), "it is sent once: {again}");
}

#[test]
fn names_follow_when_rds_is_done_and_the_records_all_at_once() {
    let mut world = decided(false, true);
    step(&mut world);
    world.replica_body(2).source = None;
    world.now += 60;
    let plan = step(&mut world);
    assert_eq!(calls(&plan).last().unwrap(), "AddTagsToResource database", "{plan}");
    let rename = |world: &mut World, from: &Part, to: &Part| {
        let tags = world.owner.identity(to);
        let row = world.databases.iter_mut().find(|(part, _)| part == from).unwrap();
        row.0 = to.clone();
        row.1.tags = tags;
    };
    rename(&mut world, &parts::database(), &parts::former_database(1));
    world.now += 60;
    assert_eq!(calls(&step(&mut world)).last().unwrap(), "AddTagsToResource replica/2");
    rename(&mut world, &parts::replica(2), &parts::database());
    world.now += 60;
    let plan = step(&mut world);
    let settled: Vec<String> = plan.settlements.iter().map(|(part, it)| format!("{part} {it:?}")).collect();
    assert_eq!(
        settled,
        [
            r#"database Adopted(DbInstance, "replica-2")"#,
            r#"former-database/1 Adopted(DbInstance, "database")"#,
            "replica/2 Forget",
        ]
    );
    assert!(plan.promotions[&parts::database()].ended.unwrap().done);
    assert!(matches!(world.databases[0].1.body, Body::DbInstance(_)));
}
