//! What a person holds stays.

use super::{replaced, sicken, step, tier_of, watch};
use crate::world::{TIER, World, at, lines};
use crate::{Holds, check};

fn held(of: &str) -> World {
    let mut world = tier_of(4);
    let why = "forensics".to_owned();
    match of {
        "stack" => world.holds = Holds { stack: Some(why), ..Holds::default() },
        "tier" => world.holds.tiers = [(TIER.to_owned(), why)].into(),
        _ => drop(world.members[1].tags.insert("lamplighter:hold".to_owned(), why)),
    }
    world
}

#[test]
fn nothing_held_is_replaced() {
    for of in ["stack", "tier", "instance"] {
        let mut world = held(of);
        sicken(&mut world, 1);
        let plan = watch(&mut world, 300);
        assert!(replaced(&plan).is_empty(), "{of}");
        assert!(lines(&plan).contains("is held (forensics)"), "{of}: {}", lines(&plan));
        assert!(plan.tiers[TIER].needs_person.is_none(), "{of}: whoever holds it knows");
        world.holds = Holds::default();
        world.members[1].tags.clear();
        world.now += 30;
        assert_eq!(replaced(&step(&mut world)), ["i-1"], "{of}");
    }
}

#[test]
fn a_held_instance_does_not_hold_the_others() {
    let mut world = held("instance");
    sicken(&mut world, 2);
    assert_eq!(replaced(&watch(&mut world, 90)), ["i-2"]);
}

#[test]
fn nothing_held_is_scaled_in() {
    for of in ["stack", "tier", "instance"] {
        let mut world = held(of);
        world.spec.tiers[0].capacity.desired = Some(2);
        assert_eq!(step(&mut world).tiers[TIER].desired, 4, "{of}");
        world.holds = Holds::default();
        world.members[1].tags.clear();
        assert_eq!(step(&mut world).tiers[TIER].desired, 2, "{of}");
    }
}

#[test]
fn processes_that_somebody_suspends_stay_suspended_while_the_tier_is_held() {
    for (of, expected) in [("tier", vec!["Terminate".to_owned()]), ("nothing", Vec::new())] {
        let mut world = if of == "tier" { held(of) } else { tier_of(4) };
        world.suspended.push("Terminate".to_owned());
        let tier = world.tier();
        let (_, wanted) = world.plan(|draft| crate::kinds::auto_scaling_group::wanted(draft, &tier));
        let Ok(lamp_cloud::Body::AutoScalingGroup(group)) = wanted.body else { panic!("no group") };
        assert_eq!(group.suspended, expected, "{of}");
    }
}

#[test]
fn nothing_held_is_rolled_out() {
    for of in ["stack", "tier"] {
        let mut world = held(of);
        world.prove(1);
        (world.version, world.newest) = (2, 2);
        for one in world.members.iter_mut().skip(1) {
            one.version = 2;
        }
        let plan = watch(&mut world, 900);
        assert!(replaced(&plan).is_empty() && lines(&plan).contains("is held"), "{of}: {}", lines(&plan));
    }
    let mut world = held("instance");
    world.prove(1);
    (world.version, world.newest, world.desired) = (2, 2, 4);
    for number in [0, 2, 3] {
        world.members[number].version = 2;
    }
    let plan = watch(&mut world, 900);
    assert!(replaced(&plan).is_empty() && lines(&plan).contains("i-1 is held"), "{}", lines(&plan));
}

/// The law stands by itself: a plan that breaks it is not carried out, whatever made it.
#[test]
fn a_plan_that_takes_what_is_held_or_behind_a_breaker_is_unlawful() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    let mut plan = watch(&mut world, 90);
    assert_eq!(replaced(&plan), ["i-1"]);
    assert_eq!(laws(&mut world, &plan), Vec::<&str>::new());
    for of in ["stack", "tier", "instance"] {
        let held = held(of);
        (world.holds, world.members[1].tags) = (held.holds, held.members[1].tags.clone());
        assert_eq!(laws(&mut world, &plan), ["what is held stays"], "{of}");
    }
    (world.holds, world.members[1].tags) = (Holds::default(), [].into());
    let open =
        lamp_cloud::OpenBreaker { since: at(0), why: "x".to_owned(), calm_since: None, requested: None };
    let record = plan.healing.entry(crate::parts::auto_scaling_group(TIER)).or_default();
    record.breakers.insert("stack".to_owned(), open);
    assert_eq!(laws(&mut world, &plan), ["nothing is replaced behind a breaker"]);
}

fn laws(world: &mut World, plan: &crate::Plan) -> Vec<&'static str> {
    let (_, violations) = world.plan(|draft| check(&draft.input, plan));
    violations.into_iter().map(|violation| violation.law).collect()
}
