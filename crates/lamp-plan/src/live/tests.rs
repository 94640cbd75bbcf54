mod breakers;
mod holds;
mod rollout;
mod succession;
mod targets;
mod trial;

use expect_test::{Expect, expect};
use lamp_cloud::{
    InstanceState, Intent, LifecycleState, Listing, Outcome, Request, StatusCheck, TargetState,
};
use proptest::prelude::*;
use serde_json::json;

use super::attempt::instance_part;
use super::plan_tier;
use crate::scaling::tier_capacity;
use crate::world::{GROUP, One, World, at, lines};
use crate::{Plan, Settlement};

fn tier_of(instances: u32) -> World {
    World::with_tier(json!({"capacity": {"min": 2, "max": 8, "desired": instances}}), instances)
}

fn step(world: &mut World) -> Plan {
    let tier = world.tier();
    world
        .plan(|draft| {
            let view = super::tier_view::TierView::of(draft.input.inventory, &tier);
            let observed = view.map(|view| view.body.clone());
            tier_capacity(draft, &tier, observed.as_ref());
            plan_tier(draft, &tier);
        })
        .0
}

/// Observes every 30 seconds until `until`, and gives the last plan. Nothing is carried out.
fn watch(world: &mut World, until: i64) -> Plan {
    loop {
        let plan = step(world);
        if world.now >= until {
            return plan;
        }
        assert!(replaced(&plan).is_empty(), "too early at {}: {}", world.now, lines(&plan));
        world.now += 30;
    }
}

fn replaced(plan: &Plan) -> Vec<String> {
    let instances = plan.actions.iter().filter_map(|action| match &action.request {
        Request::ReplaceInstance { instance, .. } => Some(instance.clone()),
        _ => None,
    });
    instances.collect()
}

fn sicken(world: &mut World, number: usize) {
    world.members[number].target = Some(TargetState::Unhealthy);
}

fn says(plan: &Plan, expected: &Expect) {
    expected.assert_eq(&lines(plan));
}

#[test]
fn a_whole_tier_needs_nothing() {
    let plan = step(&mut tier_of(4));
    assert!(plan.actions.is_empty());
    assert_eq!(plan.tiers["web"].endpoint.as_deref(), Some("web.example"));
    says(
        &plan,
        &expect![[r#"
        tier: 4 wanted, 4 there, 4 ready; -
    "#]],
    );
}

#[test]
fn a_lone_sick_instance_is_replaced_once_that_is_certain() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    let plan = watch(&mut world, 90);
    says(
        &plan,
        &expect![[r#"
        do instance/i-1 TerminateInstanceInAutoScalingGroup i-1
        ReplaceInstance instance/i-1: i-1 in b: its target is unhealthy, in 4 observations over 90 s
        tier: 4 wanted, 4 there, 3 ready; 1 of 4 look sick
    "#]],
    );
    let at_first = {
        let mut world = tier_of(4);
        sicken(&mut world, 1);
        step(&mut world)
    };
    assert_eq!(at_first.next_look, Some(at(90)));
}

#[test]
fn the_same_replacement_is_not_asked_for_again_while_it_goes_on() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    let plan = watch(&mut world, 90);
    world.done(&plan);
    world.now = 105;
    assert!(replaced(&step(&mut world)).is_empty());
    world.now = 180;
    assert_eq!(replaced(&step(&mut world)), ["i-1"], "it did not show for longer than a call needs");
}

#[test]
fn old_and_missing_readings_neither_count_nor_clear() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    step(&mut world);
    world.targets_read = Some(0);
    let plan = watch(&mut world, 600);
    assert!(replaced(&plan).is_empty(), "{}", lines(&plan));
    assert_eq!(world.memory.sick["i-1"].observations, 1);
    world.targets_read = None;
    world.members[1].target = Some(TargetState::Healthy);
    step(&mut world);
    assert!(world.memory.sick.is_empty(), "a healthy reading clears");
}

#[test]
fn nobody_is_judged_in_the_grace_period() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    world.members[1].launched = 0;
    world.spec.tiers[0].healing.grace_period_seconds = 900;
    let plan = watch(&mut world, 870);
    assert!(replaced(&plan).is_empty() && world.memory.sick.is_empty(), "{}", lines(&plan));
    world.now = 900;
    assert_eq!(replaced(&watch(&mut world, 990)), ["i-1"]);
}

#[test]
fn what_was_never_ready_is_starting_and_then_its_start_has_failed() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    world.members[1].launched = 0;
    let plan = watch(&mut world, 570);
    assert!(world.memory.sick.is_empty(), "{}", lines(&plan));
    assert!(plan.next_look.is_some_and(|when| when <= at(600)));
    world.now = 600;
    let plan = watch(&mut world, 690);
    assert_eq!(replaced(&plan), ["i-1"]);
    assert!(
        lines(&plan).contains("it did not become ready in the time that a start may take"),
        "{}",
        lines(&plan)
    );
}

#[test]
fn what_was_ready_once_is_sick_after_its_grace() {
    let mut world = tier_of(4);
    world.members[1].launched = 0;
    world.now = 200;
    step(&mut world);
    sicken(&mut world, 1);
    world.now = 300;
    let plan = watch(&mut world, 390);
    assert_eq!(replaced(&plan), ["i-1"]);
    assert!(lines(&plan).contains("its target is unhealthy"), "{}", lines(&plan));
}

#[test]
fn two_sources_that_agree_need_no_ninety_seconds() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    world.members[1].status = Some(StatusCheck::SystemImpaired);
    let plan = watch(&mut world, 30);
    says(
        &plan,
        &expect![[r#"
        do instance/i-1 TerminateInstanceInAutoScalingGroup i-1
        ReplaceInstance instance/i-1: i-1 in b: EC2's status check of its host fails, and its target is unhealthy, in 2 observations over 30 s
        tier: 4 wanted, 4 there, 3 ready; 1 of 4 look sick
    "#]],
    );
}

#[test]
fn many_sick_at_once_replace_nothing() {
    for (total, sick) in [(2, 2), (3, 2), (4, 2), (4, 3), (5, 3), (8, 4)] {
        let mut world = tier_of(total);
        (0..sick).for_each(|number| sicken(&mut world, number));
        let plan = watch(&mut world, 300);
        assert!(replaced(&plan).is_empty());
        let sentence =
            format!("{sick} of {total} look sick at once: the cause lies elsewhere, nothing is replaced");
        assert_eq!(plan.tiers["web"].healing, Some(sentence));
    }
}

#[test]
fn what_else_stops_the_healing() {
    type Bend = fn(&mut World);
    let cases: [(Bend, &str); 6] = [
        (|world| world.spec.tiers[0].healing.enabled = false, "healing is not enabled"),
        (
            |world| world.members[3].lifecycle = LifecycleState::Pending,
            "1 instances are under way, 1 may be at once",
        ),
        (|world| world.desired = 6, "1 instances are under way, 1 may be at once"),
        (|world| world.suspended.push("Launch".to_owned()), "processes Launch are suspended"),
        (
            |world| world.closed_zones.push("b".to_owned()),
            "AWS says that b is not available: nothing is replaced there",
        ),
        (
            |world| {
                let healing = &mut world.spec.tiers[0].healing;
                (healing.max_replacements_per_hour, healing.max_replacements_per_hour_percent) = (0, 0);
            },
            "a person must look",
        ),
    ];
    for (bend, why) in cases {
        let mut world = tier_of(5);
        sicken(&mut world, 1);
        bend(&mut world);
        let plan = watch(&mut world, 300);
        assert!(replaced(&plan).is_empty(), "{why}");
        assert!(lines(&plan).contains(why), "{why}: {}", lines(&plan));
    }
}

#[test]
fn a_zone_that_is_sick_as_a_whole_is_left_alone() {
    let mut world = tier_of(6);
    for (number, zone) in ["a", "a", "b", "b", "c", "c"].into_iter().enumerate() {
        world.members[number].zone = zone.to_owned();
    }
    world.spec.tiers[0].healing.max_unhealthy_percent = 60;
    sicken(&mut world, 2);
    sicken(&mut world, 3);
    let plan = watch(&mut world, 300);
    assert!(replaced(&plan).is_empty());
    let why = "2 of 2 in b look sick at once: the cause is the zone, nothing is replaced there";
    assert!(lines(&plan).contains(why), "{}", lines(&plan));
    world.members[4].target = Some(TargetState::Unhealthy);
    world.now += 30;
    assert_eq!(replaced(&watch(&mut world, 420)), ["i-4"], "another zone is not held back by it");
}

#[test]
fn a_broken_database_replaces_no_instance_that_uses_it() {
    let mut world = tier_of(4);
    world.spec.tiers[0].uses = vec!["database".to_owned()];
    world.spec.database =
        Some(serde_json::from_value(json!({"version": "8.0", "instanceClass": "c"})).unwrap());
    sicken(&mut world, 1);
    let plan = watch(&mut world, 300);
    assert!(replaced(&plan).is_empty());
    assert!(lines(&plan).contains("the database that it uses does not serve"), "{}", lines(&plan));
    // A machine that EC2 itself calls broken is not the database's fault.
    world.members[1].status = Some(StatusCheck::Impaired);
    world.now += 30;
    assert_eq!(replaced(&step(&mut world)), ["i-1"]);
}

#[test]
fn an_overloaded_tier_grows_and_replaces_nothing() {
    let mut world = World::with_tier(
        json!({"capacity": {"min": 2, "max": 4}, "scaling": {"policies": [{"metric": "CPUUtilization", "target": 40}]}}),
        4,
    );
    sicken(&mut world, 1);
    for second in (0..=300).step_by(30) {
        world.now = second;
        world.cpu(100.0);
        assert!(replaced(&step(&mut world)).is_empty());
    }
    let plan = step(&mut world);
    assert!(
        lines(&plan).contains("the load asks for 8 instances and there are 4: overloaded, not sick"),
        "{}",
        lines(&plan)
    );
}

#[test]
fn an_instance_that_ec2_lost_is_first_left_to_its_group() {
    for state in [Some(InstanceState::Terminated), Some(InstanceState::Stopped), None] {
        let mut world = tier_of(4);
        world.members[2].state = state;
        let plan = watch(&mut world, 300);
        assert_eq!(replaced(&plan), ["i-2"], "{state:?}");
    }
    let mut world = tier_of(4);
    world.members[2].state = None;
    world.unknown.push(Listing::Instances);
    assert!(replaced(&watch(&mut world, 900)).is_empty(), "not listed is not gone while listing fails");
}

#[test]
fn while_a_zone_cannot_be_listed_only_what_is_lost_in_another_is_replaced() {
    let mut world = tier_of(4);
    let zone = world.members[1].zone.clone();
    for member in world.members.iter_mut().filter(|member| member.zone == zone) {
        member.state = None;
    }
    world.unseen_zones.push(zone.clone());
    assert!(replaced(&watch(&mut world, 900)).is_empty(), "what cannot be seen is not gone");
    let seen = world.members.iter_mut().find(|member| member.zone != zone).expect("two zones");
    seen.state = Some(InstanceState::Terminated);
    let lost = seen.id.clone();
    assert_eq!(replaced(&watch(&mut world, 1200)), [lost]);
}

#[test]
fn an_instance_that_its_group_calls_unhealthy_is_first_left_to_its_group() {
    let mut world = tier_of(4);
    world.condemned.push("i-2".to_owned());
    assert_eq!(step(&mut world).tiers["web"].ready, 3, "its group is about to terminate it");
    let plan = watch(&mut world, 300);
    assert_eq!(replaced(&plan), ["i-2"]);
    assert!(
        lines(&plan).contains("its group calls it unhealthy, and does not replace it"),
        "{}",
        lines(&plan)
    );
    let mut world = tier_of(4);
    world.condemned = ["i-1", "i-2"].map(str::to_owned).to_vec();
    assert!(replaced(&watch(&mut world, 900)).is_empty(), "many at once have another cause");
}

#[test]
fn three_replacements_an_hour_and_no_more() {
    let mut world = tier_of(4);
    let mut times = Vec::new();
    for second in (0..8000).step_by(30) {
        world.now = second;
        // One old instance after the other falls sick.
        if let Some(old) = world.members.iter().position(|one| one.launched < 0) {
            sicken(&mut world, old);
        }
        let plan = step(&mut world);
        for instance in replaced(&plan) {
            times.push(second);
            let gone = world.members.iter().position(|one| one.id == instance).unwrap();
            // What replaces it is old as well, and works until its turn comes.
            let fresh = One { id: format!("i-new-{second}"), launched: -50_000 + second, ..One::healthy(9) };
            world.members[gone] = fresh;
        }
        world.done(&plan);
    }
    let most = times
        .iter()
        .map(|first| times.iter().filter(|time| (0..3600).contains(&(*time - first))).count())
        .max();
    assert_eq!(most, Some(3), "{times:?}");
    assert!(times.len() >= 6, "the hour passes: {times:?}");
}

#[test]
fn an_open_replacement_counts_and_old_records_are_forgotten() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    world.spec.tiers[0].healing.max_replacements_per_hour = 1;
    let request = Request::ReplaceInstance { group: GROUP.to_owned(), instance: "i-old".to_owned() };
    let intent = Intent { request, reason: String::new(), started_at: at(0), sent: 1, error: None };
    world.ledger.entry(instance_part(&"i-old".to_owned())).or_default().open = Some(intent);
    assert!(replaced(&watch(&mut world, 300)).is_empty());
    world.now = 7200;
    let plan = step(&mut world);
    assert_eq!(plan.settlements.get(&instance_part(&"i-old".to_owned())), Some(&Settlement::Forget));
}

#[test]
fn a_group_that_is_not_in_our_records_is_only_reported() {
    let mut world = tier_of(4);
    world.ledger.clear();
    sicken(&mut world, 1);
    let plan = watch(&mut world, 300);
    assert!(plan.actions.is_empty());
    assert_eq!(plan.tiers["web"].ready, 3);
}

#[test]
fn failed_replacements_wait_before_they_are_asked_for_again() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    let plan = watch(&mut world, 90);
    world.done(&plan);
    let error = lamp_cloud::CloudError::new(lamp_cloud::ErrorClass::Denied, "x", "AccessDenied", "no");
    let entry = world.ledger.get_mut(&instance_part(&"i-1".to_owned())).unwrap();
    entry.last.as_mut().unwrap().outcome = Outcome::Failed(error);
    entry.last.as_mut().unwrap().failures = 1;
    world.now = 120;
    assert!(replaced(&step(&mut world)).is_empty());
    world.now = 150;
    assert_eq!(replaced(&step(&mut world)), ["i-1"]);
}

proptest! {
    #[test]
    fn budgets_hold_for_any_sequence_of_observations(
        total in 2u32..9,
        seen in proptest::collection::vec(proptest::collection::vec(0u8..5, 9), 1..80),
        read in proptest::collection::vec(any::<bool>(), 80),
    ) {
        let mut world = tier_of(total);
        let mut times: Vec<i64> = Vec::new();
        for (number, states) in seen.iter().enumerate() {
            world.now += 30;
            world.targets_read = read[number].then_some(world.now).or(world.targets_read.or(Some(0)));
            for (one, state) in world.members.iter_mut().zip(states) {
                one.target = Some(if *state < 3 { TargetState::Unhealthy } else { TargetState::Healthy });
                one.status = Some(if *state == 4 { StatusCheck::Impaired } else { StatusCheck::Ok });
            }
            let plan = step(&mut world);
            let sick = world.members.iter().filter(|one| world.memory.sick.contains_key(&one.id)).count();
            let chosen = replaced(&plan);
            let limit = usize::try_from((total * 20).div_ceil(100).max(2)).unwrap();
            prop_assert!(chosen.is_empty() || sick < limit, "{sick} {chosen:?}");
            prop_assert!(chosen.len() <= 1, "one in ten at once, at least one");
            times.extend(chosen.iter().map(|_| world.now));
            prop_assert!(times.iter().filter(|time| world.now - **time < 3600).count() <= 3);
            for id in &chosen {
                let gone = world.members.iter().position(|one| one.id == *id).unwrap();
                world.members[gone] = One { id: format!("i-n{number}"), launched: world.now, ..One::healthy(1) };
            }
            world.done(&plan);
        }
    }
}
