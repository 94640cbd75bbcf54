//! The same seed and calls give the same life; another seed another one; quiet time costs nothing.

use lamp_cloud::Kind;
use lamp_sim::{Config, Fault, Faults, Lag};

use crate::site::{self, Lab};

fn wild(seed: u64) -> Config {
    Config {
        seed,
        lag: Lag::aws(),
        throttle: true,
        faults: Faults::off().rate(Fault::TimeoutWithEffect, 0.1).rate(Fault::ServerErrorWithoutEffect, 0.1),
        ..Config::default()
    }
}

/// A digest of a run of calls, most of which something goes wrong with.
fn run(seed: u64) -> (u64, String) {
    let lab = Lab::new(wild(seed));
    for index in 0..40 {
        let made = lab.try_create(&format!("vpc/{index}"), site::vpc("10.0.0.0/16"));
        if let Some(id) = made.ok().and_then(|applied| applied.id) {
            let _refused_or_not =
                lab.try_create(&format!("subnet/{index}"), site::subnet(&id, "10.0.0.0/24", "eu-central-1a"));
        }
        lab.pass(1);
    }
    let world = lab.sim.world();
    let ids: Vec<_> = world.resources().map(|resource| resource.id.clone()).collect();
    (world.log_digest(), format!("{ids:?} {:?}", world.call_counts()))
}

#[test]
fn the_same_seed_gives_the_same_log() {
    for seed in 0..20 {
        assert_eq!(run(seed), run(seed));
    }
    assert_ne!(run(1).0, run(2).0);
}

#[test]
fn one_more_resource_changes_no_other_id() {
    let with = |extra: bool| {
        let lab = Lab::calm();
        if extra {
            lab.create("extra", site::vpc("10.9.0.0/16"));
        }
        let site = lab.site();
        lab.pass(900);
        let instances: Vec<_> = lab.sim.world().instances().map(|row| row.id.clone()).collect();
        (site.vpc, site.balancer, instances)
    };
    assert_eq!(with(true), with(false));
}

#[test]
fn a_settled_region_has_nothing_to_do() {
    let lab = Lab::calm();
    lab.site();
    lab.pass(3 * 3600);
    // What is left is the day on which the volume will be nearly full.
    let next = lab.sim.world().next_event();
    let soon = lab.sim.world().now() + std::time::Duration::from_secs(7 * 86_400);
    assert!(next.is_none_or(|at| at > soon), "{next:?}");
}

#[test]
fn it_makes_no_difference_how_often_the_clock_is_looked_at() {
    let lives = |steps: u64| {
        let lab = Lab::calm();
        let site = lab.site();
        for _ in 0..steps {
            lab.pass(1800 / steps);
            assert!(lab.sim.world().violations().is_empty());
        }
        let group = lab.group(&site.web);
        (group.members, lab.get(Kind::DbInstance, &site.primary).map(|found| found.body.clone()))
    };
    assert_eq!(lives(1), lives(1800));
}
