//! Laws of growth.

use lamp_cloud::MetricName;
use serde_json::json;

use super::{Need, need};
use crate::world::World;
use crate::{parts, seen};

/// A volume of 100 GiB, of which so much is free.
fn with_free(gib: f64, max_gib: Option<u32>) -> World {
    let mut world = World::with_replicas(json!({}));
    world.spec.database.as_mut().unwrap().storage.max_gib = max_gib;
    world.database_metric("database", MetricName::FreeStorageSpace, gib * 1024.0 * 1024.0 * 1024.0);
    world
}

fn needed(world: &mut World) -> Need {
    let database = world.replica_spec();
    world.plan(|draft| need(&draft.input, &database, &parts::database())).1
}

fn held(world: &mut World, why: &str) {
    match needed(world) {
        Need::Held(reason) => assert!(reason.contains(why), "{reason}"),
        other => panic!("{other:?}, not held as {why}"),
    }
}

#[test]
fn it_grows_by_a_tenth_when_less_than_the_share_is_free_in_every_minute() {
    assert_eq!(needed(&mut with_free(10.1, Some(500))), Need::None);
    assert!(matches!(needed(&mut with_free(9.9, Some(500))), Need::Grow(110, _)));
    let mut world = with_free(9.9, Some(500));
    let series = world.signals.values_mut().next().unwrap();
    series.points.last_mut().unwrap().1 = 1e12;
    assert_eq!(needed(&mut world), Need::None, "a short peak");
    let mut world = with_free(9.9, Some(500));
    world.now += 600;
    assert_eq!(needed(&mut world), Need::None, "an old reading decides nothing");
}

#[test]
fn a_full_volume_grows_without_a_metric() {
    let mut world = with_free(50.0, Some(500));
    world.primary_body().facts.status = super::FULL.to_owned();
    world.signals.clear();
    assert!(matches!(needed(&mut world), Need::Grow(110, _)));
}

#[test]
fn it_never_grows_beyond_the_limit_nor_twice_in_six_hours() {
    held(&mut with_free(1.0, None), "without storage.maxGib");
    held(&mut with_free(1.0, Some(109)), "it has 100 GiB, and storage.maxGib is 109");
    let mut world = with_free(1.0, Some(500));
    world.spec.database.as_mut().unwrap().storage.grow_below_free_percent = 0;
    assert_eq!(needed(&mut world), Need::None);
    let mut world = with_free(1.0, Some(500));
    note(&mut world);
    world.primary_body().storage_gib = 110;
    note(&mut world);
    held(&mut world, "no second growth within six hours");
    world.now += 6 * 3600;
    world.database_metric("database", MetricName::FreeStorageSpace, 1.0);
    assert!(matches!(needed(&mut world), Need::Grow(121, _)));
}

/// Notes what is seen, and writes it down.
fn note(world: &mut World) {
    let (plan, ()) = world.plan(seen::note);
    for (part, seen) in plan.seen {
        world.ledger.get_mut(&part).unwrap().seen = Some(seen);
    }
}

#[test]
fn a_failover_is_told_once() {
    let mut world = with_free(50.0, None);
    note(&mut world);
    world.primary_body().zone = Some("b".to_owned());
    let (plan, ()) = world.plan(seen::note);
    let told: Vec<_> =
        plan.decisions.iter().map(|(_, action, reason)| format!("{action}: {reason}")).collect();
    assert_eq!(told, ["FailedOver: the standby took over: it stands in b, and stood in a"]);
    note(&mut world);
    assert!(world.plan(seen::note).0.decisions.is_empty());
}
