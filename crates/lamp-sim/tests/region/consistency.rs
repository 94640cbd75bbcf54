//! Stale readings: a resource comes late, may flicker, and is certain after the longest lag.

use std::time::Duration;

use lamp_cloud::{ErrorClass, Kind};
use lamp_sim::{Config, Lag};

use crate::site::{self, Lab};

fn stale(seed: u64, lag: Lag) -> Lab {
    Lab::new(Config { seed, lag, ..Config::default() })
}

fn listings() -> Lag {
    Lag { unknown_references: 0.0, ..Lag::aws() }
}

#[test]
fn a_new_resource_shows_late_flickers_and_stays() {
    let (mut late, mut flickers) = (0, 0);
    for seed in 0..100 {
        let lab = stale(seed, listings());
        lab.create("vpc", site::vpc("10.0.0.0/16"));
        let mut seen: Vec<bool> = Vec::new();
        for _ in 0..300 {
            seen.push(!lab.list(Kind::Vpc).is_empty());
            lab.pass(1);
        }
        late += usize::from(!seen[0]);
        let first = seen.iter().position(|there| *there).unwrap();
        flickers += usize::from(seen[first..].contains(&false));
        lab.pass(1);
        for _ in 0..50 {
            assert!(!lab.list(Kind::Vpc).is_empty(), "after five minutes every reading is true");
        }
    }
    assert!(late > 90, "{late}");
    assert!(flickers > 20, "a later reading may be older: {flickers}");
}

#[test]
fn a_deleted_resource_shows_for_a_while() {
    let lab = stale(7, listings());
    let id = lab.create("vpc", site::vpc("10.0.0.0/16"));
    lab.pass(400);
    lab.delete(Kind::Vpc, &id);
    let ghosts = (0..100).filter(|_| !lab.list(Kind::Vpc).is_empty()).count();
    assert!(ghosts > 50, "{ghosts}");
    lab.pass(301);
    assert!((0..50).all(|_| lab.list(Kind::Vpc).is_empty()));
}

#[test]
fn a_call_may_not_know_a_young_resource_yet() {
    let lag = Lag { unknown_references: 1.0, median: Duration::from_secs(20), ..Lag::aws() };
    let lab = stale(3, lag);
    let vpc = lab.create("vpc", site::vpc("10.0.0.0/16"));
    let body = site::subnet(&vpc, "10.0.0.0/24", "eu-central-1a");
    let early = lab.try_create("subnet", body.clone()).unwrap_err();
    assert_eq!((early.class, early.code.as_str()), (ErrorClass::NotFound, "InvalidVpcID.NotFound"));
    lab.pass(301);
    lab.create("subnet", body);
}
