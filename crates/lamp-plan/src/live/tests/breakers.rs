//! Breakers, chains of replacements, and causes that are none of the instance's.

use lamp_cloud::kinds::security_group::Change as FirewallChange;
use lamp_cloud::{Change, Finished, Outcome, Request, Service, TargetState};

use super::{replaced, sicken, step, tier_of, watch};
use crate::world::{One, TIER, World, at, lines};
use crate::{Plan, parts};

/// Plans, and writes down what is to be kept.
fn turn(world: &mut World) -> Plan {
    let plan = step(world);
    world.done(&plan);
    plan
}

fn record(world: &World) -> lamp_cloud::HealingRecord {
    world.ledger[&parts::auto_scaling_group(TIER)].healing.clone()
}

#[test]
fn a_breaker_closes_only_after_five_calm_minutes_and_outlives_a_restart() {
    let mut world = tier_of(5);
    sicken(&mut world, 1);
    sicken(&mut world, 2);
    turn(&mut world);
    assert!(record(&world).breakers.contains_key("group"));
    // A restart: what is not written down is lost.
    world.memory = crate::Memory::default();
    world.members[2].target = Some(TargetState::Healthy);
    for second in (30..=600).step_by(30) {
        world.now = second;
        let plan = turn(&mut world);
        assert!(replaced(&plan).is_empty(), "one of five is not less than a tenth");
        assert!(lines(&plan).contains("2 of 5 looked sick at once at"), "{}", lines(&plan));
    }
    world.members[1].target = Some(TargetState::Healthy);
    for second in (630..930).step_by(30) {
        world.now = second;
        turn(&mut world);
        assert!(record(&world).breakers.contains_key("group"), "at {second}");
    }
    world.now = 930;
    turn(&mut world);
    assert!(record(&world).breakers.is_empty());
    sicken(&mut world, 1);
    world.now = 960;
    assert_eq!(replaced(&watch(&mut world, 1050)), ["i-1"]);
}

#[test]
fn a_person_closes_a_breaker_unless_it_must_be_open() {
    let mut world = tier_of(5);
    sicken(&mut world, 1);
    sicken(&mut world, 2);
    turn(&mut world);
    world.requested = Some("now".to_owned());
    world.now = 30;
    turn(&mut world);
    assert!(record(&world).breakers.contains_key("group"), "two of five still look sick");
    world.members[2].target = Some(TargetState::Healthy);
    world.now = 60;
    turn(&mut world);
    assert!(record(&world).breakers.contains_key("group"), "it opened again after the request");
    world.requested = Some("later".to_owned());
    world.now = 90;
    assert_eq!(replaced(&turn(&mut world)), ["i-1"]);
}

#[test]
fn a_zone_that_came_back_is_left_alone_for_a_quarter_of_an_hour() {
    let mut world = tier_of(6);
    world.spec.tiers[0].healing.max_unhealthy_percent = 100;
    world.closed_zones.push("b".to_owned());
    sicken(&mut world, 1);
    turn(&mut world);
    world.closed_zones.clear();
    for second in (30..930).step_by(30) {
        world.now = second;
        assert!(replaced(&turn(&mut world)).is_empty(), "at {second}");
    }
    world.now = 930;
    assert_eq!(replaced(&turn(&mut world)), ["i-1"]);
}

#[test]
fn replacements_that_fail_alike_wait_longer_and_then_for_a_person() {
    let mut world = tier_of(4);
    world.spec.tiers[0].healing.max_replacements_per_hour = 10;
    world.spec.tiers[0].healing.grace_period_seconds = 0;
    world.spec.tiers[0].healing.startup_timeout_seconds = 60;
    let mut times: Vec<i64> = Vec::new();
    let mut last = Plan::default();
    for second in (0..14_400).step_by(30) {
        world.now = second;
        sicken(&mut world, 0);
        last = step(&mut world);
        for id in replaced(&last) {
            times.push(second);
            let gone = world.members.iter().position(|one| one.id == id).unwrap();
            world.members[gone] = One { id: format!("i-new-{second}"), launched: second, ..One::healthy(9) };
        }
        world.done(&last);
    }
    assert_eq!(times.len(), 3, "{times:?}");
    assert!(times[1] - times[0] >= 300 && times[2] - times[1] >= 600, "{times:?}");
    let tier = &last.tiers[TIER];
    assert!(tier.needs_person.as_ref().is_some_and(|why| why.contains("lampctl sync shop")), "{tier:?}");
    world.requested = Some("now".to_owned());
    world.now += 30;
    assert_eq!(replaced(&step(&mut world)).len(), 1, "a person has looked");
}

#[test]
fn nothing_is_replaced_while_a_service_that_is_needed_is_in_trouble() {
    for service in [Service::Ec2, Service::AutoScaling, Service::LoadBalancing] {
        let mut world = tier_of(4);
        sicken(&mut world, 1);
        world.troubled.insert(service, "12 of its last 20 calls failed".to_owned());
        let plan = watch(&mut world, 300);
        assert!(replaced(&plan).is_empty() && lines(&plan).contains("does not work"), "{}", lines(&plan));
        world.troubled.clear();
        world.now += 30;
        assert_eq!(replaced(&step(&mut world)), ["i-1"]);
    }
}

#[test]
fn what_falls_sick_after_a_change_waits_and_the_change_is_named() {
    let changed = |at_second: i64| {
        let mut world = tier_of(4);
        let entry = world.ledger.get_mut(&parts::tier_security_group(TIER)).unwrap();
        entry.completed_at = Some(at(-9000));
        let change = Change::SecurityGroup(FirewallChange::AuthorizeIngress(Vec::new()));
        let request = Request::Change { id: "sg-web".to_owned(), token: String::new(), change };
        let reason = "differs in ingress".to_owned();
        let outcome = Outcome::Done;
        entry.last = Some(Finished { request, reason, at: at(at_second), outcome, failures: 0 });
        sicken(&mut world, 1);
        world
    };
    let mut world = changed(-60);
    let plan = watch(&mut world, 810);
    let why =
        "security-group/web was changed at 2027-01-15T07:59:00Z (differs in ingress), which may be the cause";
    assert!(lines(&plan).contains(why), "{}", lines(&plan));
    world.now = 840;
    assert_eq!(replaced(&step(&mut world)), ["i-1"], "a quarter of an hour is over");
    assert_eq!(replaced(&watch(&mut changed(-2000), 90)), ["i-1"], "long before is no cause");
    assert_eq!(replaced(&watch(&mut changed(600), 90)), ["i-1"], "nor is what comes after");
}

#[test]
fn busy_processors_are_overload_whatever_the_tier_scales_by() {
    let mut world = tier_of(4);
    sicken(&mut world, 1);
    for second in (0..=300).step_by(30) {
        world.now = second;
        world.cpu(97.0);
        let plan = step(&mut world);
        assert!(replaced(&plan).is_empty(), "{}", lines(&plan));
    }
    let plan = step(&mut world);
    assert!(lines(&plan).contains("its processors are 97 % busy: overloaded, not sick"), "{}", lines(&plan));
}
