use expect_test::{Expect, expect};
use lamp_cloud::{
    Instance, InstanceState, Intent, Kind, LifecycleState, Listing, Outcome, Request, StatusCheck, Tags,
    TargetState,
};
use proptest::prelude::*;
use serde_json::json;

use super::attempt::instance_part;
use super::plan_tier;
use crate::scaling::tier_capacity;
use crate::world::{GROUP, One, TARGET_GROUP, World, at, lines, target};
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
    let plan = watch(&mut world, 270);
    assert!(replaced(&plan).is_empty() && world.memory.sick.is_empty(), "{}", lines(&plan));
    world.now = 300;
    let plan = watch(&mut world, 390);
    // Ten minutes are a slow start, but this one looks sick: it is not under way any more.
    assert_eq!(replaced(&plan), ["i-1"]);
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
        (|world| world.closed_zones.push("b".to_owned()), "i-1 is in b, which AWS says is not available"),
        (|world| world.spec.tiers[0].healing.max_replacements_per_hour = 0, "a person must look"),
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
    sicken(&mut world, 2);
    sicken(&mut world, 3);
    let plan = watch(&mut world, 300);
    assert!(replaced(&plan).is_empty());
    assert!(lines(&plan).contains("every instance in b looks sick"), "{}", lines(&plan));
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
fn three_replacements_an_hour_and_no_more() {
    let mut world = tier_of(4);
    let mut times = Vec::new();
    for second in (0..8000).step_by(30) {
        world.now = second;
        // Every replacement falls sick as soon as it may be judged.
        sicken(&mut world, 0);
        let plan = step(&mut world);
        for instance in replaced(&plan) {
            times.push(second);
            let gone = world.members.iter().position(|one| one.id == instance).unwrap();
            let fresh = One { id: format!("i-new-{second}"), launched: second, ..One::healthy(9) };
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
fn a_member_that_is_no_target_is_registered_after_two_readings() {
    let mut world = tier_of(3);
    world.members[1].target = None;
    assert!(step(&mut world).actions.is_empty());
    world.now = 15;
    let plan = step(&mut world);
    says(
        &plan,
        &expect![[r#"
        do targets/web/register RegisterTargets i-1:80
        RegisterTargets targets/web/register: i-1:80 serve in the tier but are no targets
        tier: 3 wanted, 3 there, 2 ready; -
    "#]],
    );
    world.done(&plan);
    world.now = 30;
    assert!(step(&mut world).actions.is_empty(), "its effect needs time to show");
    world.now = 75;
    assert_eq!(step(&mut world).actions.len(), 1);
}

#[test]
fn a_new_or_draining_member_is_left_to_its_group() {
    for (launched, state) in [(0, None), (-1000, Some(TargetState::Draining))] {
        let mut world = tier_of(3);
        world.members[1].launched = launched;
        world.members[1].target = state;
        for second in [0, 15, 30, 45] {
            world.now = second;
            assert!(step(&mut world).actions.is_empty());
        }
    }
}

#[test]
fn targets_of_nobody_are_deregistered() {
    let mut world = tier_of(4);
    world.strangers = vec![
        target("i-foreign", 80, TargetState::Healthy),
        target("i-gone", 80, TargetState::Unhealthy),
        target("i-leaving", 80, TargetState::Draining),
        target("i-2", 8080, TargetState::Healthy),
    ];
    step(&mut world);
    world.now = 15;
    let plan = step(&mut world);
    says(
        &plan,
        &expect![[r#"
        do targets/web/deregister DeregisterTargets i-2:8080 i-foreign:80 i-gone:80
        DeregisterTargets targets/web/deregister: i-2:8080, i-foreign:80, i-gone:80 belong to no serving instance of the tier
        tier: 4 wanted, 4 there, 4 ready; -
    "#]],
    );
}

#[test]
fn half_of_the_healthy_targets_stay_unless_ec2_says_that_they_are_dead() {
    let mut world = tier_of(1);
    world.strangers =
        (0..5).map(|number| target(&format!("i-x{number}"), 80, TargetState::Healthy)).collect();
    step(&mut world);
    world.now = 15;
    let plan = step(&mut world);
    let Request::DeregisterTargets { target_group, targets } = &plan.actions[0].request else { panic!() };
    assert_eq!((target_group.as_str(), targets.len()), (TARGET_GROUP, 3));
    let mut world = tier_of(1);
    world.members[0].target = Some(TargetState::Unhealthy);
    world.strangers =
        vec![target("i-x", 80, TargetState::Healthy), target("i-dead", 80, TargetState::Healthy)];
    world.leftovers = vec![Instance {
        id: "i-dead".to_owned(),
        tags: Tags::new(),
        group: Some(GROUP.to_owned()),
        state: InstanceState::Terminated,
        zone: "a".to_owned(),
        instance_type: "t3.small".to_owned(),
        launched_at: at(-5000),
        status: None,
    }];
    step(&mut world);
    world.now = 15;
    let plan = step(&mut world);
    assert!(
        lines(&plan).contains("do targets/web/deregister DeregisterTargets i-dead:80\n"),
        "{}",
        lines(&plan)
    );
}

#[test]
fn targets_are_left_alone_when_members_are_not_known() {
    for listing in [Listing::Instances, Listing::Resources(Kind::AutoScalingGroup)] {
        let mut world = tier_of(4);
        world.strangers = vec![target("i-foreign", 80, TargetState::Healthy)];
        world.unknown.push(listing);
        for second in [0, 15, 30] {
            world.now = second;
            assert!(step(&mut world).actions.is_empty());
        }
    }
}

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
        do instance/i-2/rollout TerminateInstanceInAutoScalingGroup i-2
        ReplaceInstance instance/i-2/rollout: i-2 is of version 1; rolling out version 2: 0 of 4 replaced
        tier: 4 wanted, 4 there, 4 ready; rolling out version 2: 0 of 4 replaced
    "#]],
    );
    carry_out(&mut world, &plan);
    world.now = 15;
    let plan = step(&mut world);
    assert!(replaced(&plan).is_empty());
    let report = plan.tiers["web"].healing.as_deref();
    assert_eq!(report, Some("rolling out version 2: 1 of 4 replaced, waiting for 1 instances under way"));
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
        Hold auto-scaling-group/web: version 2 does not become healthy: rollout halted
        blocked auto-scaling-group/web: version 2 does not become healthy: rollout halted
        tier: 4 wanted, 4 there, 3 ready; version 2 does not become healthy: rollout halted
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
            let limit = if total <= 3 { 1 } else { usize::try_from(total).unwrap() * 40 / 100 };
            prop_assert!(chosen.is_empty() || sick <= limit.max(1), "{sick} {chosen:?}");
            prop_assert!(chosen.len() <= 1, "one in five at once, at least one");
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
