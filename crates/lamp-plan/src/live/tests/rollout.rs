use expect_test::expect;
use lamp_cloud::{LifecycleState, TargetState};
use serde_json::json;

use super::{replaced, says, sicken, step, tier_of, watch};
use crate::Plan;
use crate::world::{One, World, lines};

/// Carries a plan out: the group puts a new instance in the place of the old, which is ready after two minutes.
fn carry_out(world: &mut World, plan: &Plan) {
    for id in replaced(plan) {
        let old = world.members.iter().position(|one| one.id == id).unwrap();
        let (now, version) = (world.now, world.version);
        let zone = world.members[old].zone.clone();
        let id = format!("i-v{version}-{now}");
        world.members[old] = One {
            id,
            zone,
            version,
            launched: now,
            lifecycle: LifecycleState::Pending,
            target: None,
            ..One::healthy(0)
        };
    }
    world.desired = plan.tiers["web"].desired;
    while world.members.len() < usize::try_from(world.desired).unwrap() {
        let (now, version) = (world.now, world.version);
        let id = format!("i-spare-{now}");
        let fresh = One {
            id,
            version,
            launched: now,
            lifecycle: LifecycleState::Pending,
            target: None,
            ..One::healthy(0)
        };
        world.members.push(fresh);
    }
    world.members.truncate(usize::try_from(world.desired).unwrap());
    for one in world.members.iter_mut().filter(|one| one.launched + 120 <= world.now) {
        one.lifecycle = LifecycleState::InService;
        one.target = Some(TargetState::Healthy);
    }
    world.done(plan);
}

#[test]
fn a_new_version_comes_to_every_instance_and_never_below_the_minimum() {
    let mut world = World::with_tier(json!({"capacity": {"min": 2, "max": 4}}), 2);
    world.version = 2;
    let mut most = 0;
    for second in (0..3000).step_by(15) {
        world.now = second;
        let plan = step(&mut world);
        let ready = plan.tiers["web"].ready - u32::try_from(replaced(&plan).len()).unwrap();
        assert!(ready >= 2, "{second}: {}", lines(&plan));
        most = most.max(plan.tiers["web"].desired);
        carry_out(&mut world, &plan);
    }
    assert!(world.members.iter().all(|one| one.version == 2), "{:?}", world.members);
    assert_eq!((most, world.desired), (3, 2), "one spare, and only while it goes on");
    assert!(step(&mut world).actions.is_empty());
}

#[test]
fn a_rollout_goes_oldest_first_and_one_at_a_time() {
    let mut world = tier_of(4);
    world.version = 2;
    world.members[2].launched = -500_000;
    let plan = step(&mut world);
    says(
        &plan,
        &expect![[r#"
            tier: 5 wanted, 4 there, 4 ready; rolling out version 2: 0 of 4 replaced, waiting for a new instance beside the old ones
        "#]],
    );
    let mut replacements = Vec::new();
    for second in (0..3000).step_by(15) {
        world.now = second;
        let plan = step(&mut world);
        replacements.extend(replaced(&plan));
        carry_out(&mut world, &plan);
    }
    assert_eq!(replacements, ["i-2", "i-0", "i-1", "i-3"]);
}

/// A list of targets that lies empty shows nobody who is idle.
#[test]
fn an_instance_that_is_not_seen_to_be_idle_waits_for_a_new_one() {
    let mut world = tier_of(2);
    world.version = 2;
    for one in &mut world.members {
        one.target = None;
    }
    assert_eq!(replaced(&step(&mut world)), Vec::<String>::new());
    world.members[0].target = Some(TargetState::Unhealthy);
    world.members[1].target = Some(TargetState::Healthy);
    assert_eq!(replaced(&step(&mut world)), ["i-0"]);
}

#[test]
fn a_version_that_never_becomes_healthy_stops_the_rollout() {
    let mut world = tier_of(4);
    world.version = 2;
    world.members[0] = One { version: 2, launched: 0, target: Some(TargetState::Initial), ..One::healthy(0) };
    let plan = watch(&mut world, 630);
    says(
        &plan,
        &expect![[r#"
            Hold auto-scaling-group/web: version 2 does not become healthy: rollout halted: i-0: it was not ready in the 10 minutes that a start may take; no version before it is known to have worked: change what the spec launches
            blocked auto-scaling-group/web: version 2 does not become healthy: rollout halted: i-0: it was not ready in the 10 minutes that a start may take; no version before it is known to have worked: change what the spec launches
            tier: 4 wanted, 4 there, 3 ready; version 2 does not become healthy: rollout halted: i-0: it was not ready in the 10 minutes that a start may take; no version before it is known to have worked: change what the spec launches
        "#]],
    );
}

#[test]
fn a_version_that_repairs_a_broken_one_gets_through() {
    let mut world = World::with_tier(json!({"capacity": {"min": 2, "max": 4}}), 2);
    (0..2).for_each(|number| sicken(&mut world, number));
    world.version = 2;
    for second in (0..3000).step_by(15) {
        world.now = second;
        let plan = step(&mut world);
        carry_out(&mut world, &plan);
        for one in world.members.iter_mut().filter(|one| one.version == 1) {
            one.target = Some(TargetState::Unhealthy);
        }
    }
    assert!(world.members.iter().all(|one| one.version == 2), "{:?}", world.members);
}
