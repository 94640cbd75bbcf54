use expect_test::{Expect, expect};
use lamp_api::v1alpha1::PartState;
use lamp_cloud::kinds::db_instance::Change as DbChange;
use lamp_cloud::{Body, Change, Kind, Listing, MetricName, Request, State};
use proptest::prelude::*;
use serde_json::json;

use super::plan_replicas;
use crate::world::{World, at, lines};
use crate::{Action, Plan, Precondition, parts};

fn step(world: &mut World) -> Plan {
    let database = world.replica_spec();
    world.plan(|draft| plan_replicas(draft, &database)).0
}

fn pool(min: u32, max: u32) -> World {
    World::with_replicas(json!({
        "min": min, "max": max, "scaling": {"policies": [{"metric": "CPUUtilization", "target": 50}]},
    }))
}

fn deleted(plan: &Plan) -> Vec<&str> {
    let deletions = plan.actions.iter().filter(|action| matches!(action.request, Request::Delete { .. }));
    deletions.map(|action| action.part.as_str()).collect()
}

/// Part and zone of a creation.
fn created_in(action: &Action) -> Option<(String, String)> {
    match &action.request {
        Request::Create { part, body: Body::DbInstance(body), .. } if body.is_replica() => {
            Some((part.to_string(), body.zone.clone()?))
        }
        _ => None,
    }
}

/// Parts whose protection is lifted.
fn unprotected(plan: &Plan) -> Vec<&str> {
    let lifted = plan.actions.iter().filter(|action| match &action.request {
        Request::Change { change: Change::DbInstance(DbChange::Modify(it)), .. } => {
            it.deletion_protection == Some(false)
        }
        _ => false,
    });
    lifted.map(|action| action.part.as_str()).collect()
}

fn says(plan: &Plan, expected: &Expect) {
    expected.assert_eq(&lines(plan));
}

fn counts(plan: &Plan) -> (u32, u32) {
    let report = plan.database.as_ref().unwrap();
    (report.replicas_desired, report.replicas_ready)
}

/// Observes every 30 seconds for `span`; nothing is carried out.
fn watch(world: &mut World, span: i64) -> Plan {
    let end = world.now + span;
    while world.now < end {
        step(world);
        world.now += 30;
    }
    step(world)
}

#[test]
fn a_database_without_replicas_needs_none() {
    let mut world = World::with_replicas(json!({}));
    let plan = step(&mut world);
    assert_eq!((counts(&plan), plan.actions.len(), plan.parts.len()), ((0, 0), 0, 0));
}

#[test]
fn missing_replicas_wait_for_a_primary_that_can_be_copied() {
    let mut world = World::with_replicas(json!({"min": 3, "max": 5}));
    world.databases[0].1.state = State::Pending("creating".to_owned());
    let plan = step(&mut world);
    assert!(plan.actions.is_empty());
    let report = &plan.parts[&parts::replica(1)];
    assert_eq!((report.state, report.reason.as_deref()), (PartState::Waiting, Some("waiting for database")));
    assert_eq!(plan.parts.len(), 2, "at most two are made at once");
}

#[test]
fn replicas_are_made_two_at_a_time_and_spread_over_the_zones() {
    let mut world = World::with_replicas(json!({"min": 3, "max": 5}));
    let zones = |world: &mut World| {
        let database = world.replica_spec();
        world
            .plan(|draft| {
                plan_replicas(draft, &database);
                draft.wanted.iter().cloned().collect::<Vec<_>>()
            })
            .1
    };
    assert_eq!(zones(&mut world), [parts::replica(1), parts::replica(2)]);
    let created: Vec<_> = step(&mut world).actions.iter().filter_map(created_in).collect();
    assert_eq!(created, [("replica/1".to_owned(), "b".to_owned()), ("replica/2".to_owned(), "a".to_owned())]);
    world.add_replica(1, "b");
    world.add_replica(2, "a");
    assert_eq!(zones(&mut world), [parts::replica(1), parts::replica(2), parts::replica(3)]);
}

#[test]
fn the_next_zone_has_the_fewest_replicas_and_is_rather_not_the_primarys() {
    for (existing, next) in [(vec![], "b"), (vec!["b"], "a"), (vec!["a", "b"], "b"), (vec!["b", "b"], "a")] {
        let mut world = World::with_replicas(json!({"min": 3, "max": 5}));
        for (slot, zone) in (1..).zip(&existing) {
            world.add_replica(slot, zone);
        }
        let database = world.replica_spec();
        let zone = world.plan(|draft| {
            let pool = super::pool::Pool::observe(draft, &database);
            super::placement::Zones::of(draft, &pool).next()
        });
        assert_eq!(zone.1.as_deref(), Some(next), "{existing:?}");
    }
}

#[test]
fn a_replica_is_ready_if_it_replicates_and_is_not_far_behind() {
    // word of RDS, lag, ready
    let table = [
        (Some("replicating"), None, true),
        (Some("replicating"), Some(30.0), true),
        (Some("replicating"), Some(31.0), false),
        (None, Some(0.0), true),
        (None, None, true),
        (None, Some(31.0), false),
        (Some("error"), Some(0.0), false),
        (Some("replicating"), Some(-1.0), false),
    ];
    for (word, lag, ready) in table {
        let mut world = World::with_replicas(json!({"min": 1, "max": 1}));
        let id = world.add_replica(1, "a");
        world.replica_body(1).facts.replication = word.map(str::to_owned);
        if let Some(lag) = lag {
            world.database_metric(&id, MetricName::ReplicaLag, lag);
        }
        assert_eq!(counts(&step(&mut world)), (1, u32::from(ready)), "{word:?} {lag:?}");
    }
    let mut world = World::with_replicas(json!({"min": 1, "max": 1}));
    let id = world.add_replica(1, "a");
    world.replica_body(1).facts.replication = None;
    world.database_metric(&id, MetricName::ReplicaLag, 0.0);
    world.now = 3600;
    assert_eq!(counts(&step(&mut world)), (1, 0), "a lag that is not known any more");
}

#[test]
fn load_on_the_ready_replicas_adds_more() {
    let mut world = pool(1, 5);
    for slot in 1..=2 {
        let id = world.add_replica(slot, "a");
        world.database_metric(&id, MetricName::DatabaseCpuUtilization, 90.0);
    }
    let plan = step(&mut world);
    assert_eq!(counts(&plan), (4, 2));
    assert!(
        lines(&plan).contains("ScaleUp replicas: 2 -> 4: CPUUtilization 90 against a target of 50 on 2"),
        "{}",
        lines(&plan)
    );
}

#[test]
fn the_pool_shrinks_by_one_after_its_window_with_protection_lifted_first() {
    let mut world = pool(1, 5);
    for (slot, zone) in [(1, "a"), (2, "b"), (3, "a")] {
        world.add_replica(slot, zone);
    }
    let quiet = |world: &mut World| {
        for slot in 1..=3 {
            let id = format!("replica-{slot}");
            world.database_metric(&id, MetricName::DatabaseCpuUtilization, 5.0);
            world.database_metric(&id, MetricName::ReplicaLag, 0.0);
        }
    };
    while world.now < 2700 {
        quiet(&mut world);
        let plan = step(&mut world);
        assert!(unprotected(&plan).is_empty() && deleted(&plan).is_empty(), "{}", world.now);
        world.now += 15;
    }
    quiet(&mut world);
    let plan = step(&mut world);
    assert_eq!(unprotected(&plan), ["replica/3"], "in the fullest zone, the newest: {}", lines(&plan));
    world.done(&plan);
    world.replica_body(3).deletion_protection = false;
    world.now += 15;
    let plan = step(&mut world);
    assert_eq!(deleted(&plan), ["replica/3"], "{}", lines(&plan));
    let action = plan.actions.iter().find(|action| action.part == parts::replica(3)).unwrap();
    assert_eq!(action.precondition, Some(Precondition::IsReplica { id: "replica-3".to_owned() }));
    world.done(&plan);
    world.replica(3).state = State::Deleting;
    world.now += 15;
    let plan = step(&mut world);
    assert!(
        plan.actions.iter().all(|action| action.part == parts::replica(3) || unprotected(&plan).is_empty())
    );
    assert!(deleted(&plan).is_empty() && unprotected(&plan).is_empty(), "one at a time: {}", lines(&plan));
}

#[test]
fn broken_replication_is_replaced_new_before_old() {
    let mut world = World::with_replicas(json!({"min": 1, "max": 1}));
    world.add_replica(1, "a");
    world.replica_body(1).facts.replication = Some("error".to_owned());
    let early = watch(&mut world, 60);
    assert!(!early.parts.contains_key(&parts::replica(2)));
    let plan = watch(&mut world, 30);
    assert_eq!(plan.parts[&parts::replica(1)].state, PartState::Failed);
    assert_eq!(
        plan.actions.iter().filter_map(created_in).collect::<Vec<_>>(),
        [("replica/2".to_owned(), "b".to_owned())]
    );
    assert!(deleted(&plan).is_empty() && unprotected(&plan).is_empty());
    world.add_replica(2, "b");
    world.replica(2).state = State::Pending("creating".to_owned());
    world.now += 30;
    let plan = step(&mut world);
    assert!(deleted(&plan).is_empty() && unprotected(&plan).is_empty(), "it is not ready yet");
    world.replica(2).state = State::Ready;
    world.now += 30;
    let plan = step(&mut world);
    assert_eq!(unprotected(&plan), ["replica/1"], "{}", lines(&plan));
    world.done(&plan);
    world.replica_body(1).deletion_protection = false;
    world.now += 30;
    let plan = step(&mut world);
    says(
        &plan,
        &expect![[r#"
        do replica/1 DeleteDBInstance replica-1
        ReplaceReplica replica/1: its replication is in state error; 1 others are ready in its place
    "#]],
    );
}

#[test]
fn a_failed_replica_is_replaced_the_same_way() {
    let mut world = World::with_replicas(json!({"min": 1, "max": 2}));
    world.add_replica(1, "a");
    world.replica(1).state = State::Failed("storage-full".to_owned());
    let plan = step(&mut world);
    assert!(deleted(&plan).is_empty() && unprotected(&plan).is_empty(), "not by one look");
    let plan = watch(&mut world, 120);
    assert!(plan.parts.contains_key(&parts::replica(2)));
    assert!(deleted(&plan).is_empty() && unprotected(&plan).is_empty());
}

#[test]
fn what_aws_cannot_change_of_a_replica_is_replaced_new_before_old() {
    let mut world = World::with_replicas(json!({"min": 1, "max": 1}));
    world.add_replica(1, "a");
    world.replica_body(1).encrypted = false;
    let plan = step(&mut world);
    assert_eq!(counts(&plan), (1, 1), "it serves until the other one does");
    assert_eq!(plan.parts[&parts::replica(1)].state, PartState::Drifted);
    assert_eq!(
        plan.actions.iter().filter_map(created_in).collect::<Vec<_>>(),
        [("replica/2".to_owned(), "b".to_owned())]
    );
    world.add_replica(2, "b");
    world.replica(2).state = State::Pending("creating".to_owned());
    let plan = step(&mut world);
    assert!(deleted(&plan).is_empty() && unprotected(&plan).is_empty(), "it is not ready yet");
    world.replica(2).state = State::Ready;
    let plan = step(&mut world);
    assert_eq!(unprotected(&plan), ["replica/1"], "{}", lines(&plan));
    // Another replica of a primary that is the same would not be better.
    let mut world = World::with_replicas(json!({"min": 1, "max": 1}));
    world.add_replica(1, "a");
    world.replica_body(1).encrypted = false;
    world.primary_body().encrypted = false;
    let plan = step(&mut world);
    assert!(plan.actions.is_empty() && plan.parts[&parts::replica(1)].blocked, "{}", lines(&plan));
}

#[test]
fn no_more_replicas_are_made_than_aws_allows() {
    let mut world = World::with_replicas(json!({"min": 15, "max": 15}));
    for slot in 1..=15 {
        world.add_replica(slot, "a");
    }
    world.replica_body(3).facts.replication = Some("error".to_owned());
    let plan = watch(&mut world, 120);
    assert!(plan.actions.iter().all(|action| created_in(action).is_none()), "{}", lines(&plan));
    assert_eq!(unprotected(&plan), ["replica/3"], "there is no room to make the new one first");
    let mut world = World::with_replicas(json!({"min": 3, "max": 3}));
    world.primary_body().facts.replicas = (1..=14).map(|number| format!("report-{number}")).collect();
    let plan = step(&mut world);
    assert_eq!(plan.actions.iter().filter_map(created_in).count(), 1, "{}", lines(&plan));
}

#[test]
fn a_replica_promoted_by_hand_is_never_deleted() {
    let mut world = World::with_replicas(json!({"min": 0, "max": 1}));
    world.add_replica(1, "a");
    world.replica_body(1).source = None;
    let plan = watch(&mut world, 600);
    assert!(plan.actions.is_empty());
    says(
        &plan,
        &expect![[r#"
        blocked replica/1: it was promoted by hand and holds data of its own: delete or keep it yourself
    "#]],
    );
}

#[test]
fn replicas_of_others_are_named_and_left_alone() {
    let mut world = World::with_replicas(json!({"min": 1, "max": 1}));
    world.add_replica(1, "a");
    let ours = world.replica_name(1);
    let Body::DbInstance(primary) = &mut world.databases[0].1.body else { panic!() };
    primary.facts.replicas = vec![ours, "reports".to_owned()];
    let plan = step(&mut world);
    assert!(
        lines(&plan).contains("Hold replicas: replicas that somebody else made are left alone: reports\n"),
        "{}",
        lines(&plan)
    );
    assert!(deleted(&plan).is_empty());
    // With our tags but without our record it is not ours either.
    let mut world = World::with_replicas(json!({"min": 0, "max": 1}));
    world.add_replica(1, "a");
    world.ledger.remove(&parts::replica(1));
    let plan = watch(&mut world, 600);
    assert!(plan.actions.is_empty());
    assert!(plan.parts[&parts::replica(1)].blocked);
}

#[test]
fn nothing_is_known_while_databases_cannot_be_listed() {
    let mut world = pool(1, 5);
    for slot in 1..=3 {
        let id = world.add_replica(slot, "a");
        world.database_metric(&id, MetricName::DatabaseCpuUtilization, 1.0);
    }
    world.unknown.push(Listing::Resources(Kind::DbInstance));
    let plan = watch(&mut world, 1200);
    assert!(plan.actions.is_empty(), "{}", lines(&plan));
    assert_eq!(counts(&plan).0, 3);
}

#[test]
fn a_pool_that_follows_the_load_keeps_one_to_measure() {
    let mut world = pool(0, 3);
    assert_eq!(counts(&step(&mut world)), (1, 0));
}

proptest! {
    #[test]
    fn what_we_delete_is_ours_a_replica_and_one_at_a_time(
        min in 0u32..3, extra in 0u32..3,
        replicas in proptest::collection::vec((0u8..6, 0.0f64..100.0, any::<bool>(), any::<bool>()), 0..6),
    ) {
        let mut world = pool(min, min + extra);
        for (slot, (state, _, recorded, protected)) in (1..).zip(&replicas) {
            world.add_replica(slot, if slot % 2 == 0 { "a" } else { "b" });
            world.replica_body(slot).deletion_protection = *protected;
            match state {
                0 => world.replica(slot).state = State::Pending("creating".to_owned()),
                1 => world.replica(slot).state = State::Failed("failed".to_owned()),
                2 => world.replica_body(slot).source = None,
                3 => world.replica_body(slot).facts.replication = Some("error".to_owned()),
                _ => {}
            }
            if !recorded {
                world.ledger.remove(&parts::replica(slot));
            }
        }
        for _ in 0..30 {
            for (slot, (_, cpu, ..)) in (1..).zip(&replicas) {
                world.database_metric(&format!("replica-{slot}"), MetricName::DatabaseCpuUtilization, *cpu);
            }
            let plan = step(&mut world);
            let touched: Vec<_> = deleted(&plan).into_iter().chain(unprotected(&plan)).map(str::to_owned).collect();
            prop_assert!(touched.len() <= 1, "{:?}", touched);
            let (desired, ready) = counts(&plan);
            prop_assert!((min..=(min + extra).max(1)).contains(&desired));
            for part in touched {
                let slot: u32 = part.trim_start_matches("replica/").parse().unwrap();
                let (state, _, recorded, _) = replicas[usize::try_from(slot).unwrap() - 1];
                prop_assert!(recorded && state != 2, "{part}");
                let was_ready = state >= 4;
                prop_assert!(!was_ready || ready > min.saturating_sub(1), "{part}");
            }
            world.now += 30;
        }
        prop_assert_eq!(at(world.now), at(900));
    }
}
