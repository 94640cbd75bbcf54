mod laws;
mod policies;

use expect_test::expect;
use lamp_cloud::{LifecycleState, Listing, TargetState};
use proptest::prelude::*;
use serde_json::json;

use super::tier_capacity;
use crate::world::{One, World, at, lines};
use crate::{Plan, ScalingMemory};

fn cpu_policy() -> serde_json::Value {
    json!({"policies": [{"metric": "CPUUtilization", "target": 60}]})
}

fn scaled(instances: u32) -> World {
    World::with_tier(json!({"capacity": {"min": 2, "max": 12}, "scaling": cpu_policy()}), instances)
}

/// One plan of the capacity; what it wants is in force at once, and new instances take three minutes.
fn step(world: &mut World) -> (Plan, u32) {
    let tier = world.tier();
    world.plan(|draft| {
        let view = crate::live::tier_view::TierView::of(draft.input.inventory, &tier);
        let observed = view.map(|view| view.body.clone());
        tier_capacity(draft, &tier, observed.as_ref())
    })
}

/// Lets the history cover every window.
fn with_history(world: &mut World) {
    let memory = ScalingMemory::new(at(-4000));
    world.memory.scaling.insert(crate::parts::auto_scaling_group("web"), memory);
    let part = crate::parts::auto_scaling_group("web");
    let quiet = world.memory.scaling.get_mut(&part).unwrap();
    quiet.recommendations.push((at(world.now - 15), 1));
}

#[test]
fn without_a_policy_the_spec_owns_the_capacity() {
    for (capacity, observed, wanted) in [
        (json!({"min": 2, "max": 6}), 5, 2),
        (json!({"min": 2, "max": 6, "desired": 4}), 5, 4),
        (json!({"min": 2, "max": 6, "desired": 4}), 1, 4),
    ] {
        let mut world = World::with_tier(json!({"capacity": capacity}), observed);
        world.cpu(99.0);
        let (plan, desired) = step(&mut world);
        assert_eq!(desired, wanted);
        assert!(plan.decisions.is_empty());
    }
}

#[test]
fn a_new_group_starts_at_the_minimum() {
    let mut world = scaled(4);
    let tier = world.tier();
    assert_eq!(world.plan(|draft| tier_capacity(draft, &tier, None)).1, 2);
}

#[test]
fn without_data_a_change_made_by_hand_stays_within_the_bounds() {
    for (by_hand, wanted) in [(5, 5), (12, 12), (20, 12), (1, 2)] {
        let mut world = scaled(by_hand);
        assert_eq!(step(&mut world).1, wanted);
    }
}

#[test]
fn load_grows_the_tier_at_once_and_the_decision_has_its_numbers() {
    let mut world = scaled(4);
    world.cpu(90.0);
    let (plan, desired) = step(&mut world);
    assert_eq!(desired, 6);
    expect![[r#"
        ScaleUp auto-scaling-group/web: 4 -> 6: CPUUtilization 90 against a target of 60 on 4
        tier: 6 wanted, 0 there, 0 ready; -
    "#]]
    .assert_eq(&lines(&plan));
}

#[test]
fn growth_is_limited_by_rate_and_bounds() {
    let mut world = scaled(2);
    world.cpu(100.0);
    world.spec.tiers[0].scaling.policies[0].target = Some(10.0);
    assert_eq!(step(&mut world).1, 4, "twice as many in a minute");
    let mut world = scaled(10);
    world.cpu(100.0);
    assert_eq!(step(&mut world).1, 12, "never above max");
    world.spec.tiers[0].scaling.behavior.scale_up.percent_per_minute = 0;
    let (plan, desired) = step(&mut world);
    assert_eq!(desired, 10);
    assert!(lines(&plan).contains("behavior.scaleUp.percentPerMinute is 0"), "{}", lines(&plan));
}

#[test]
fn low_load_waits_for_the_window_and_says_until_when() {
    let mut world = scaled(6);
    world.cpu(20.0);
    let (plan, desired) = step(&mut world);
    assert_eq!(desired, 6);
    assert_eq!(plan.next_look, Some(at(60)), "the next minute of data comes first");
    let text = lines(&plan);
    assert!(
        text.contains(&format!("6 stay, 2 would do: it shrinks at {} if the load stays low", at(2700))),
        "{text}"
    );
    for second in (15..2700).step_by(15) {
        world.now = second;
        world.cpu(20.0);
        assert_eq!(step(&mut world).1, 6, "{second}");
    }
    world.now = 2700;
    world.cpu(20.0);
    let (plan, desired) = step(&mut world);
    assert_eq!(desired, 5, "at most one of six in a minute");
    assert!(lines(&plan).contains("ScaleDown auto-scaling-group/web: 6 -> 5"), "{}", lines(&plan));
}

#[test]
fn nothing_shrinks_while_the_tier_is_not_whole() {
    type Bend = fn(&mut World);
    let cases: [(Bend, &str); 6] = [
        (
            |world| world.members[0].lifecycle = LifecycleState::Pending,
            "1 instances are on their way in or out",
        ),
        (
            |world| world.members[0].lifecycle = LifecycleState::Terminating,
            "1 instances are on their way in or out",
        ),
        (
            |world| {
                world.members.iter_mut().take(2).for_each(|one| one.target = Some(TargetState::Unhealthy))
            },
            "2 instances look sick",
        ),
        (|world| world.version = 2, "version 2 is rolled out"),
        (|world| world.unknown.push(Listing::Instances), "instances cannot be listed"),
        (|_| {}, ""),
    ];
    for (bend, why) in cases {
        let mut world = scaled(6);
        with_history(&mut world);
        world.cpu(10.0);
        bend(&mut world);
        let (plan, desired) = step(&mut world);
        assert_eq!(desired < 6, why.is_empty(), "{why}");
        assert!(lines(&plan).contains(why), "{why}: {}", lines(&plan));
    }
}

#[test]
fn warming_instances_count_as_idle_when_growing_and_as_loaded_when_shrinking() {
    let mut world = scaled(4);
    for one in &mut world.members[2..] {
        one.launched = -100;
    }
    world.cpu(90.0);
    assert_eq!(step(&mut world).1, 4, "three would do, and four are there");
    with_history(&mut world);
    world.cpu(10.0);
    assert_eq!(step(&mut world).1, 3, "one and the two warming ones");
}

#[test]
fn of_several_policies_the_largest_wins_and_all_must_have_data_to_shrink() {
    let both = json!({"policies": [
        {"metric": "CPUUtilization", "target": 60}, {"metric": "RequestCountPerTarget", "target": 1000},
    ]});
    let world = || World::with_tier(json!({"capacity": {"min": 2, "max": 12}, "scaling": both}), 4);
    let requests = |world: &mut World, value| {
        let tier = world.tier();
        let query = world
            .plan(|draft| {
                let policy = tier.scaling.policies[1].clone();
                crate::queries::of_tier(draft.input.inventory, &tier, &policy).unwrap()
            })
            .1;
        world.signal(query, value);
    };
    let mut busy = world();
    busy.cpu(30.0);
    requests(&mut busy, 2000.0);
    assert_eq!(step(&mut busy).1, 8);
    let mut blind = world();
    blind.cpu(90.0);
    assert_eq!(step(&mut blind).1, 6, "growth needs only one");
    let mut blind = world();
    with_history(&mut blind);
    blind.cpu(10.0);
    let (plan, desired) = step(&mut blind);
    assert_eq!(desired, 4);
    assert!(
        lines(&plan).contains("RequestCountPerTarget decides nothing: CloudWatch gave no complete answer")
    );
    let mut quiet = world();
    with_history(&mut quiet);
    quiet.cpu(10.0);
    requests(&mut quiet, 100.0);
    assert_eq!(step(&mut quiet).1, 3);
}

#[test]
fn a_restart_waits_for_the_window_before_it_shrinks() {
    let mut world = scaled(6);
    with_history(&mut world);
    world.cpu(10.0);
    assert_eq!(step(&mut world).1, 5);
    world.memory = crate::Memory::default();
    assert_eq!(step(&mut world).1, 6);
}

/// Load that is on and off, a metric every minute; instances serve after one minute. Every capacity that was in force.
fn replay(load_on: f64, load_off: f64, period: i64, span: i64) -> Vec<u32> {
    let mut world = scaled(2);
    let (mut capacities, mut points) = (vec![2], Vec::new());
    for now in (0..span).step_by(15) {
        world.now = now;
        let load = if (now / period) % 2 == 0 { load_on } else { load_off };
        let serving = world.members.iter().filter(|one| one.launched <= now - 60).count();
        if now % 60 == 0 {
            points.push((at(now), (load / f64::from(u32::try_from(serving).unwrap())).min(100.0)));
            world.cpu(0.0);
            world.signals.values_mut().for_each(|series| series.points.clone_from(&points));
        }
        let desired = step(&mut world).1;
        let there = u32::try_from(world.members.len()).unwrap();
        for number in there..desired {
            world.members.push(One { launched: now, ..One::healthy(number) });
        }
        world.members.truncate(usize::try_from(desired).unwrap());
        if world.desired != desired {
            capacities.push(desired);
            world.desired = desired;
        }
    }
    capacities
}

fn turns(capacities: &[u32]) -> usize {
    capacities.windows(3).filter(|window| (window[0] < window[1]) != (window[1] < window[2])).count()
}

#[test]
fn a_square_wave_does_not_flap() {
    // Load for five instances and for two, in turns faster than the window: the capacity rises and stays.
    let capacities = replay(300.0, 120.0, 240, 7200);
    assert_eq!(turns(&capacities), 0, "{capacities:?}");
    assert!(capacities.last().unwrap() >= &5, "{capacities:?}");
}

#[test]
fn a_slow_wave_is_followed_with_two_turns_a_period() {
    let capacities = replay(300.0, 100.0, 7200, 28_800);
    assert_eq!(turns(&capacities), 3, "{capacities:?}");
    assert_eq!(*capacities.last().unwrap(), 2, "{capacities:?}");
    assert!(capacities.iter().max().unwrap() <= &7, "{capacities:?}");
}

proptest! {
    #[test]
    fn capacity_stays_in_its_bounds_whatever_the_metric_says(
        values in proptest::collection::vec(prop_oneof![
            0.0f64..120.0, Just(f64::NAN), Just(f64::INFINITY), Just(-5.0), Just(1e18)
        ], 1..60),
        min in 1u32..6, extra in 0u32..8, observed in 0u32..20,
    ) {
        let capacity = json!({"min": min, "max": min + extra});
        let mut world = World::with_tier(json!({"capacity": capacity, "scaling": cpu_policy()}), observed);
        for value in values {
            world.now += 60;
            world.cpu(value);
            let desired = step(&mut world).1;
            prop_assert!((min..=min + extra).contains(&desired), "{desired}");
            world.desired = desired;
        }
    }

    #[test]
    fn nothing_scales_on_data_that_is_missing_or_impossible(
        value in prop_oneof![Just(f64::NAN), Just(f64::INFINITY), -1e9f64..-0.1, 101.0f64..1e18],
        observed in 2u32..=12, age in 0i64..4000, some: bool,
    ) {
        let mut world = scaled(observed);
        with_history(&mut world);
        if some { world.cpu(value) } else {
            world.cpu(10.0);
            world.now += 400 + age;
            world.memory.scaling.clear();
            with_history(&mut world);
        }
        let (plan, desired) = step(&mut world);
        prop_assert_eq!(desired, observed);
        prop_assert!(plan.decisions.iter().all(|(_, action, _)| action == "Hold"));
    }

    #[test]
    fn more_load_never_means_fewer(low in 0.0f64..100.0, more in 0.0f64..50.0, observed in 2u32..=12) {
        let decide = |value: f64| {
            let mut world = scaled(observed);
            with_history(&mut world);
            world.cpu(value.min(100.0));
            step(&mut world).1
        };
        prop_assert!(decide(low) <= decide(low + more));
    }

    #[test]
    fn capacity_shrinks_only_to_what_was_enough_for_nine_tenths_of_the_window(
        values in proptest::collection::vec(0.0f64..100.0, 50..120),
    ) {
        let mut world = scaled(8);
        let mut wishes: Vec<(i64, u32)> = Vec::new();
        for value in values {
            world.now += 60;
            world.cpu(value);
            let before = world.desired;
            let desired = step(&mut world).1;
            let memory = &world.memory.scaling[&crate::parts::auto_scaling_group("web")];
            wishes.push((world.now, memory.recommendations.last().unwrap().1));
            if desired < before {
                let more = wishes.iter().filter(|(at, wanted)| world.now - at < 2700 && *wanted > desired);
                prop_assert!(more.count() <= 5, "a tenth of 45 minutes: {wishes:?}");
                prop_assert!(world.now >= 60 + 2700, "the window is covered");
                prop_assert_eq!(before - desired, 1);
            }
            world.desired = desired;
            world.members = (0..desired).map(One::healthy).collect();
        }
    }
}
