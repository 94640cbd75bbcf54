use expect_test::expect;
use lamp_cloud::{Instance, InstanceState, Kind, Listing, Request, Tags, TargetState};

use super::{says, step, tier_of};
use crate::world::{GROUP, TARGET_GROUP, at, lines, target};

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
        do targets/web/deregister DeregisterTargets i-2:8080 i-gone:80
        DeregisterTargets targets/web/deregister: i-2:8080, i-gone:80 belong to no serving instance of the tier
        tier: 4 wanted, 4 there, 4 ready; -
    "#]],
    );
}

#[test]
fn healthy_targets_go_one_at_a_time_unless_ec2_says_that_they_are_dead() {
    let mut world = tier_of(1);
    world.strangers =
        (0..5).map(|number| target(&format!("i-x{number}"), 80, TargetState::Healthy)).collect();
    step(&mut world);
    world.now = 15;
    let plan = step(&mut world);
    let Request::DeregisterTargets { target_group, targets } = &plan.actions[0].request else { panic!() };
    assert_eq!((target_group.as_str(), targets.len()), (TARGET_GROUP, 1));
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
        events: Vec::new(),
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
