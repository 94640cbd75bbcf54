//! A day of recorded load on the site of `specs/lamp.yaml`: Wednesday the 12th of July 1995 on the web server of NASA's
//! Kennedy Space Center, minute by minute (Internet Traffic Archive), with so many times the visitors.

use jiff::{SignedDuration, Timestamp};
use lamp_cloud::kinds::auto_scaling_group::Change as Setting;
use lamp_cloud::{Change, Request};
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

/// Whether something was removed from a tier within the five minutes after it was added: by the calls, as a look each
/// minute does not tell their times well enough.
fn flaps(stage: &Stage, tier: &str) -> bool {
    let group = stage.id(&format!("auto-scaling-group/{tier}"));
    let world = stage.world();
    let set: Vec<(Timestamp, u32)> = world
        .log()
        .iter()
        .filter_map(|call| match call.request()? {
            Request::Change { id, change: Change::AutoScalingGroup(Setting::SetDesired(to)), .. } => {
                (*id == group).then_some((call.at, *to))
            }
            _ => None,
        })
        .collect();
    let five_minutes = SignedDuration::from_mins(5);
    let up_and_down = |three: &[(Timestamp, u32)]| three[0].1 < three[1].1 && three[1].1 > three[2].1;
    assert!(set.windows(3).any(up_and_down), "{tier} went up and down in a day: {set:?}");
    set.windows(3).any(|three| up_and_down(three) && three[2].0.duration_since(three[1].0) < five_minutes)
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
        assert!(changes.len() <= 40, "{name}: {changes:?}");
    }
    assert!(!flaps(&stage, "web") && !flaps(&stage, "app"));
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
