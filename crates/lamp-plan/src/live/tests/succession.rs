//! What AWS is going to stop is replaced ahead of that, the new one first.

use lamp_cloud::{ScheduledEvent, ScheduledKind, TargetState};

use super::{replaced, sicken, step, tier_of};
use crate::Plan;
use crate::world::{One, TIER, World, at, lines};

fn retiring(kind: ScheduledKind) -> World {
    let mut world = tier_of(4);
    world.members[1].events = vec![ScheduledEvent { not_before: at(86_400), kind }];
    world
}

/// Plans, writes down what is to be kept, and lets the group follow.
fn turn(world: &mut World) -> Plan {
    let plan = step(world);
    world.done(&plan);
    world.desired = plan.tiers[TIER].desired;
    world.now += 30;
    plan
}

#[test]
fn the_new_instance_serves_before_the_old_one_goes() {
    let mut world = retiring(ScheduledKind::Retirement);
    let plan = turn(&mut world);
    let why = "AWS retires the host of i-1 at 2027-01-16T08:00:00Z: it is replaced before, the new one first";
    assert!(lines(&plan).contains(why), "{}", lines(&plan));
    assert_eq!(turn(&mut world).tiers[TIER].desired, 5);
    for _ in 0..5 {
        assert!(replaced(&turn(&mut world)).is_empty(), "there is no fifth one yet");
    }
    let starting = One {
        id: "i-new".to_owned(),
        launched: world.now,
        target: Some(TargetState::Initial),
        ..One::healthy(4)
    };
    world.members.push(starting);
    for _ in 0..3 {
        assert!(replaced(&turn(&mut world)).is_empty(), "it does not serve yet");
    }
    world.members[4].target = Some(TargetState::Healthy);
    assert_eq!(replaced(&turn(&mut world)), ["i-1"]);
    world.members.remove(1);
    assert_eq!(turn(&mut world).tiers[TIER].desired, 5, "another one is on its way in its place");
    world.members.push(One { id: "i-last".to_owned(), launched: world.now, ..One::healthy(5) });
    turn(&mut world);
    let plan = turn(&mut world);
    assert_eq!(plan.tiers[TIER].desired, 4, "the spare one is let go: {}", lines(&plan));
    assert!(plan.healing.is_empty() && plan.tiers[TIER].healing.is_none());
}

#[test]
fn without_room_for_a_spare_instance_it_goes_first() {
    let mut world = retiring(ScheduledKind::Stop);
    world.spec.tiers[0].capacity.max = 4;
    turn(&mut world);
    let plan = turn(&mut world);
    assert_eq!((replaced(&plan), plan.tiers[TIER].desired), (vec!["i-1".to_owned()], 4));
}

#[test]
fn a_reboot_is_waited_for_and_nobody_is_sick_during_it() {
    let mut world = retiring(ScheduledKind::Reboot);
    assert!(turn(&mut world).healing.is_empty());
    world.now = 86_400;
    sicken(&mut world, 1);
    for _ in 0..50 {
        assert!(replaced(&turn(&mut world)).is_empty());
    }
    world.now = 86_400 + 1800;
    let chosen: Vec<_> = (0..5).flat_map(|_| replaced(&turn(&mut world))).collect();
    assert_eq!(chosen.first().map(String::as_str), Some("i-1"), "it did not come back");
}

#[test]
fn it_waits_while_others_look_sick_and_ends_when_it_is_called_off() {
    let mut world = retiring(ScheduledKind::Retirement);
    sicken(&mut world, 2);
    let plan = turn(&mut world);
    assert!(
        plan.healing.is_empty() && lines(&plan).contains("it waits: instances look sick"),
        "{}",
        lines(&plan)
    );
    world.members[2].target = Some(TargetState::Healthy);
    turn(&mut world);
    turn(&mut world);
    assert_eq!(world.desired, 5);
    world.members[1].events.clear();
    world.members.push(One { id: "i-new".to_owned(), launched: world.now, ..One::healthy(4) });
    turn(&mut world);
    assert_eq!(turn(&mut world).tiers[TIER].desired, 4);
}
