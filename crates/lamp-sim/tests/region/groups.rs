//! Auto Scaling groups keep themselves at their size, evenly spread, whatever happens to their members.

use std::collections::BTreeMap;

use lamp_cloud::kinds::auto_scaling_group::{Change as GroupChange, Settings};
use lamp_cloud::{Change, LifecycleState, Request, TargetState};
use lamp_sim::{BadLaunch, Config, Fate, Shortage};
use proptest::prelude::*;

use crate::site::{Lab, START, Site};

fn in_service(lab: &Lab, site: &Site) -> Vec<(String, String)> {
    let group = lab.group(&site.web);
    let members = group.members.into_iter().filter(|member| member.lifecycle == LifecycleState::InService);
    members.map(|member| (member.instance, member.zone)).collect()
}

fn spread(lab: &Lab, site: &Site) -> BTreeMap<String, usize> {
    let zones = ["eu-central-1a", "eu-central-1b", "eu-central-1c"];
    let mut spread: BTreeMap<String, usize> = zones.into_iter().map(|zone| (zone.to_owned(), 0)).collect();
    for (_, zone) in in_service(lab, site) {
        *spread.entry(zone).or_default() += 1;
    }
    spread
}

fn is_even(spread: &BTreeMap<String, usize>) -> bool {
    spread.values().max().unwrap_or(&0) - spread.values().min().unwrap_or(&0) <= 1
}

fn set_desired(lab: &Lab, site: &Site, desired: u32) {
    lab.change(&site.web, Change::AutoScalingGroup(GroupChange::SetDesired(desired)));
}

fn resize(lab: &Lab, site: &Site, min: u32, max: u32) {
    let settings = Settings { min, max, ..lab.group(&site.web).settings() };
    lab.change(&site.web, Change::AutoScalingGroup(GroupChange::Settings(settings)));
}

#[derive(Clone, Debug)]
enum Step {
    Desired(u32),
    Bounds(u32, u32),
    Kill(usize),
    Stop(usize),
    Impair(usize),
    Replace(usize),
    Wait(u64),
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        (0_u32..10).prop_map(Step::Desired),
        (0_u32..4, 4_u32..10).prop_map(|(min, max)| Step::Bounds(min, max)),
        (0_usize..10).prop_map(Step::Kill),
        (0_usize..10).prop_map(Step::Stop),
        (0_usize..10).prop_map(Step::Impair),
        (0_usize..10).prop_map(Step::Replace),
        (1_u64..600).prop_map(Step::Wait),
    ]
}

fn take(lab: &Lab, site: &Site, step: &Step) {
    let members = in_service(lab, site);
    let pick = |index: usize| members.get(index % members.len().max(1)).map(|(id, _)| id.clone());
    match step {
        Step::Desired(desired) => {
            let group = lab.group(&site.web);
            set_desired(lab, site, (*desired).clamp(group.min, group.max));
        }
        Step::Bounds(min, max) => resize(lab, site, *min, *max),
        Step::Kill(index) => {
            pick(*index).map(|id| lab.sim.world().kill_instance(&id));
        }
        Step::Stop(index) => {
            pick(*index).map(|id| lab.sim.world().stop_instance(&id));
        }
        Step::Impair(index) => {
            pick(*index).map(|id| lab.sim.world().impair_instance(&id));
        }
        Step::Replace(index) => {
            if let Some(instance) = pick(*index) {
                lab.sim.apply_now(&Request::ReplaceInstance { group: site.web.clone(), instance }).unwrap();
            }
        }
        Step::Wait(seconds) => lab.pass(*seconds),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn a_group_comes_to_its_size_evenly_spread(
        steps in prop::collection::vec(step(), 0..20),
        seed in any::<u64>(),
    ) {
        let lab = Lab::new(Config { seed, ..Config::default() });
        let site = lab.site();
        lab.pass(400);
        for step in &steps {
            take(&lab, &site, step);
        }
        lab.pass(3600);
        let group = lab.group(&site.web);
        prop_assert!((group.min..=group.max).contains(&group.desired));
        prop_assert_eq!(in_service(&lab, &site).len(), group.desired as usize);
        let spread = spread(&lab, &site);
        prop_assert!(is_even(&spread), "{:?}", spread);
        let world = lab.sim.world();
        let healthy: Vec<_> = world.targets(&site.targets).map(|row| row.state).collect();
        prop_assert_eq!(healthy, vec![TargetState::Healthy; group.desired as usize]);
    }
}

#[test]
fn bounds_move_the_desired_capacity() {
    let lab = Lab::calm();
    let site = lab.site();
    resize(&lab, &site, 4, 12);
    assert_eq!(lab.group(&site.web).desired, 4);
    resize(&lab, &site, 0, 1);
    assert_eq!(lab.group(&site.web).desired, 1);
}

#[test]
fn a_dead_member_is_noticed_after_a_minute_and_replaced() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(900);
    let (victim, _) = in_service(&lab, &site).remove(0);
    lab.sim.world().kill_instance(&victim);
    lab.pass(50);
    assert_eq!(lab.sim.world().instances().count(), 2, "not noticed yet");
    lab.pass(30);
    assert_eq!(lab.sim.world().instances().count(), 3);
    lab.pass(300);
    assert_eq!(in_service(&lab, &site).len(), 2);
    assert!(in_service(&lab, &site).iter().all(|(id, _)| *id != victim));
}

#[test]
fn a_zone_without_room_is_left_out_and_filled_later() {
    let mut config = Config::default();
    let from = jiff::Timestamp::from_second(START).unwrap();
    config.faults.shortages.push(Shortage {
        zone: Some("eu-central-1b".into()),
        instance_type: None,
        from,
        to: from + std::time::Duration::from_secs(7200),
    });
    let lab = Lab::new(config);
    let site = lab.site();
    set_desired(&lab, &site, 6);
    lab.pass(3600);
    assert_eq!(in_service(&lab, &site).len(), 6);
    assert_eq!(spread(&lab, &site)["eu-central-1b"], 0);
    lab.pass(2 * 3600);
    assert!(is_even(&spread(&lab, &site)), "{:?}", spread(&lab, &site));
    assert_eq!(in_service(&lab, &site).len(), 6);
}

#[test]
fn a_type_without_room_gives_way_to_the_next() {
    let mut config = Config::default();
    let from = jiff::Timestamp::from_second(START).unwrap();
    config.faults.shortages.push(Shortage {
        zone: None,
        instance_type: Some("t3.small".into()),
        from,
        to: from + std::time::Duration::from_secs(7200),
    });
    let lab = Lab::new(config);
    let site = lab.site();
    lab.pass(600);
    let group = lab.group(&site.web);
    assert!(group.members.iter().all(|member| member.instance_type == "t3a.small"));
    assert_eq!(group.members.len(), 2);
}

#[test]
fn suspended_processes_rest() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(900);
    lab.sim.world().suspend_processes(&site.web, &["Launch"]);
    set_desired(&lab, &site, 5);
    lab.pass(1800);
    assert_eq!(in_service(&lab, &site).len(), 2);
    let resume = GroupChange::ResumeProcesses(vec!["Launch".into()]);
    lab.change(&site.web, Change::AutoScalingGroup(resume));
    lab.pass(300);
    assert_eq!(in_service(&lab, &site).len(), 5);
}

#[test]
fn a_scaled_in_member_finishes_its_requests_first() {
    let lab = Lab::calm();
    let site = lab.site();
    lab.pass(900);
    set_desired(&lab, &site, 1);
    lab.pass(60);
    let states: Vec<_> = lab.sim.world().targets(&site.targets).map(|row| row.state).collect();
    assert!(states.contains(&TargetState::Draining) && states.contains(&TargetState::Healthy), "{states:?}");
    assert!(lab.sim.world().instances().all(|row| row.state == lamp_cloud::InstanceState::Running));
    lab.pass(400);
    assert_eq!(lab.sim.world().targets(&site.targets).count(), 1);
}

#[test]
fn members_of_a_zone_that_fails_are_replaced_elsewhere() {
    let lab = Lab::calm();
    let site = lab.site();
    set_desired(&lab, &site, 6);
    lab.pass(1200);
    lab.sim.world().fail_zone("eu-central-1a", std::time::Duration::from_secs(3600));
    lab.pass(1200);
    let during = spread(&lab, &site);
    assert_eq!((during["eu-central-1a"], during.values().sum::<usize>()), (0, 6), "{during:?}");
    lab.pass(7200);
    assert!(is_even(&spread(&lab, &site)), "{:?}", spread(&lab, &site));
}

/// What is launched from a bad user data never serves, dies, or hangs; the group knows of the dead alone.
#[test]
fn what_is_launched_badly_ends_as_it_must() {
    let minutes = |minutes: u64| std::time::Duration::from_secs(60 * minutes);
    let after = |fate: Fate, seconds: u64| {
        let mut config = Config::default();
        config.faults.bad_launches.push(BadLaunch { launches: "#!/bin/sh".to_owned(), fate });
        let lab = Lab::new(config);
        let site = lab.site();
        let mut ids = std::collections::BTreeSet::new();
        let mut served = false;
        for _ in 0..seconds / 10 {
            lab.pass(10);
            ids.extend(in_service(&lab, &site).into_iter().map(|(id, _)| id));
            served |= lab.sim.world().targets(&site.targets).any(|row| row.state == TargetState::Healthy);
        }
        let states: Vec<_> = lab.sim.world().targets(&site.targets).map(|row| row.state).collect();
        (ids.len(), served, states.contains(&TargetState::Healthy))
    };
    assert_eq!(after(Fate::NeverServes, 1800), (2, false, false));
    assert_eq!(after(Fate::Hangs(minutes(10)), 1800), (2, true, false));
    let (launched, served, _) = after(Fate::Dies(minutes(5)), 1800);
    assert!(launched >= 6 && served, "{launched}, {served}");
}
