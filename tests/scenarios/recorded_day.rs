//! A day of recorded load on the site of `specs/lamp.yaml`: Wednesday the 12th of July 1995 on the web server of NASA's
//! Kennedy Space Center, minute by minute (Internet Traffic Archive), with so many times the visitors.

use jiff::Timestamp;
use lamp_sim::{Load, Recorded};
use serde_json::{Value, json};

use crate::stage::{MINUTE, Stage, calm, spec};

const DAY: &str = include_str!("nasa-1995-07-12.csv");
/// Requests a second for one that was recorded a minute: 330 at the peak.
const FACTOR: f64 = 330.0 / 193.0;
/// Connections that one instance of `app` opens to the read replicas, and how many each replica may have.
const EACH: u32 = 40;
const ALLOWED: u32 = 300;

fn day(from: Timestamp) -> Load {
    let minutes = DAY.lines().map(|line| line.parse::<f64>().unwrap() * FACTOR).collect();
    Load { recorded: Some(Recorded { from, minutes }), queries: 10.0, ..Load::default() }
}

/// What was there in a minute.
#[derive(Clone, Copy, Debug)]
struct Minute {
    web: u32,
    app: u32,
    replicas: u32,
    served: f64,
    offered: f64,
}

/// Changes of a capacity: minute, before, after.
fn changes(capacities: impl Iterator<Item = u32>) -> Vec<(usize, u32, u32)> {
    let all: Vec<u32> = capacities.collect();
    let pairs = all.windows(2).enumerate().filter(|(_, pair)| pair[0] != pair[1]);
    pairs.map(|(minute, pair)| (minute, pair[0], pair[1])).collect()
}

/// Whether something was removed within the five minutes after it was added.
fn flaps(changes: &[(usize, u32, u32)]) -> bool {
    let up_and_down = |two: &[(usize, u32, u32)]| two[0].2 > two[0].1 && two[1].2 < two[1].1;
    changes.windows(2).any(|two| up_and_down(two) && two[1].0 - two[0].0 < 5)
}

#[test]
fn a_day_of_recorded_load_is_followed_by_web_php_and_replicas_without_flapping() {
    let mut options = calm(1);
    // The region begins at eight; the site is up well before ten.
    let midnight: Timestamp = "2027-01-15T10:00:00Z".parse().unwrap();
    options.region.load = day(midnight);
    let change = |spec: &mut Value| {
        spec["spec"]["tiers"][1]["databaseConnections"] = json!({"primary": 10, "replicas": EACH});
        spec["spec"]["database"]["connections"] = json!({"max": 400});
    };
    let mut stage = Stage::up_with(options, spec("lamp", change));
    stage.run(midnight.duration_since(stage.now()).unsigned_abs());
    let mut minutes = Vec::new();
    for _ in 0..24 * 60 {
        stage.run(MINUTE);
        minutes.push(look(&stage));
    }
    let largest = |of: fn(&Minute) -> u32| minutes.iter().map(of).max().unwrap();
    let (web, app, replicas) = (largest(|it| it.web), largest(|it| it.app), largest(|it| it.replicas));
    assert!(
        (5..=12).contains(&web) && (7..=12).contains(&app) && (2..=5).contains(&replicas),
        "{web} {app} {replicas}"
    );
    let served: f64 = minutes.iter().map(|it| it.served).sum();
    let offered: f64 = minutes.iter().map(|it| it.offered).sum();
    assert!(served >= 0.999 * offered, "{served} of {offered}");
    let bound = minutes.iter().find(|it| it.app * EACH > ALLOWED * it.replicas.max(1));
    assert!(bound.is_none(), "{bound:?}");
    for (name, changes) in [
        ("web", changes(minutes.iter().map(|it| it.web))),
        ("app", changes(minutes.iter().map(|it| it.app))),
        ("replicas", changes(minutes.iter().map(|it| it.replicas))),
    ] {
        assert!(!flaps(&changes) && changes.len() <= 40, "{name}: {changes:?}");
    }
    stage.nothing_unlawful();
    let night = minutes.last().unwrap();
    assert!(night.web < web && night.app < app, "{night:?}");
}

fn look(stage: &Stage) -> Minute {
    let replicas = stage.status().unwrap().database.map_or(0, |database| database.replicas_ready);
    let uid = stage.object()["metadata"]["uid"].as_str().unwrap().to_owned();
    let load = stage.world().site_load(&uid, stage.now());
    Minute {
        web: stage.group("web").desired,
        app: stage.group("app").desired,
        replicas,
        served: load.served,
        offered: load.offered,
    }
}
