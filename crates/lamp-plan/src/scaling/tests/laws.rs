//! The laws of scaling, over random specs, random load, and random gaps and lies in the data (S-S1 to S-S3 of the
//! reliability study).

use jiff::Timestamp;
use lamp_cloud::{Series, TargetState};
use proptest::prelude::*;
use serde_json::{Value, json};

use super::step;
use crate::world::{One, World, at};

const MIN: u32 = 2;
const MAX: u32 = 12;

/// One minute of the life of a tier.
#[derive(Clone, Debug)]
struct Minute {
    /// In instances that are busy.
    load: f64,
    /// What CloudWatch says in the place of the truth; none: nothing.
    lie: Option<Option<f64>>,
    /// Whether two instances look sick.
    trouble: bool,
}

fn minute() -> impl Strategy<Value = Minute> {
    let lie = prop_oneof![
        8 => Just(None),
        1 => Just(Some(None)),
        1 => prop_oneof![Just(f64::NAN), Just(f64::INFINITY), Just(-5.0), Just(1e18), 0.0f64..100.0]
            .prop_map(|value| Some(Some(value))),
    ];
    let load = prop_oneof![4 => 1.0f64..6.0, 1 => 0.0f64..14.0];
    (load, lie, prop::bool::weighted(0.05)).prop_map(|(load, lie, trouble)| Minute { load, lie, trouble })
}

fn policy() -> impl Strategy<Value = Value> {
    prop_oneof![
        (20.0f64..90.0).prop_map(|target| json!({"metric": "CPUUtilization", "target": target})),
        (40.0f64..90.0, 1i32..4, -3i32..0).prop_map(|(high, up, down)| json!({
            "type": "Step", "metric": "CPUUtilization",
            "steps": [{"from": high, "adjustment": up}, {"to": high / 2.0, "adjustment": down}],
        })),
        (50.0f64..90.0, 10i32..100).prop_map(|(threshold, share)| json!({
            "type": "Simple", "metric": "CPUUtilization", "threshold": threshold, "adjustment": share,
            "adjustmentType": "PercentChangeInCapacity",
        })),
        (5.0f64..30.0).prop_map(|threshold| json!({
            "type": "Simple", "metric": "CPUUtilization", "threshold": threshold, "adjustment": -1,
            "comparison": "LessThanThreshold",
        })),
    ]
}

fn scaling() -> impl Strategy<Value = Value> {
    let window = prop_oneof![Just(0u32), Just(300), Just(2700)];
    (prop::collection::vec(policy(), 1..4), window, 5u32..=50, 20u32..=200).prop_map(
        |(policies, window, down, up)| {
            json!({"policies": policies, "behavior": {
                "scaleDown": {"stabilizationWindowSeconds": window, "percentPerMinute": down},
                "scaleUp": {"percentPerMinute": up},
            }})
        },
    )
}

/// A tier that lives; new instances serve after a minute.
struct Life {
    world: World,
    points: Vec<(Timestamp, f64)>,
    /// The capacity of each minute.
    capacities: Vec<u32>,
}

impl Life {
    fn new(scaling: &Value) -> Self {
        let tier = json!({"capacity": {"min": MIN, "max": MAX}, "scaling": scaling});
        Self { world: World::with_tier(tier, 4), points: Vec::new(), capacities: vec![4] }
    }

    /// Lives a minute, and tells the capacity before and after it.
    fn live(&mut self, minute: &Minute) -> (u32, u32) {
        let world = &mut self.world;
        world.now += 60;
        let serving = world.members.iter().filter(|one| one.launched <= world.now - 60).count();
        let truth = (minute.load / serving.max(1) as f64 * 100.0).min(100.0);
        if let Some(value) = minute.lie.unwrap_or(Some(truth)) {
            self.points.push((at(world.now - 60), value));
        }
        world.cpu(0.0);
        let points = self.points.clone();
        world
            .signals
            .values_mut()
            .for_each(|series| *series = Series { points: points.clone(), incomplete: false });
        for (number, one) in world.members.iter_mut().enumerate() {
            let sick = minute.trouble && number < 2;
            one.target = Some(if sick { TargetState::Unhealthy } else { TargetState::Healthy });
        }
        let before = world.desired;
        let desired = step(world).1;
        let there = u32::try_from(world.members.len()).unwrap();
        for number in there..desired {
            world.members.push(One { launched: world.now, ..One::healthy(number) });
        }
        world.members.truncate(usize::try_from(desired).unwrap());
        world.desired = desired;
        self.capacities.push(desired);
        (before, desired)
    }

    /// How many of the newest datapoints are possible, fresh, and close together.
    fn good(&self) -> usize {
        let Some((last, _)) = self.points.last() else { return 0 };
        let fresh = at(self.world.now).duration_since(*last).as_secs() <= 300;
        let close = |time: &Timestamp| last.duration_since(*time).as_secs() <= 240;
        let newest = self.points.iter().rev().take(3);
        newest.filter(|(time, value)| fresh && close(time) && (0.0..=100.5).contains(value)).count()
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 96, ..ProptestConfig::default() })]

    #[test]
    fn the_laws_hold_in_any_life(
        scaling in scaling(), minutes in prop::collection::vec(minute(), 60..160),
    ) {
        let up = scaling["behavior"]["scaleUp"]["percentPerMinute"].as_u64().unwrap();
        let down = scaling["behavior"]["scaleDown"]["percentPerMinute"].as_u64().unwrap();
        let mut life = Life::new(&scaling);
        let mut grown_at = -1000;
        for minute in &minutes {
            let (before, after) = life.live(minute);
            let (from, to) = (u64::from(before), u64::from(after));
            // S-S1: no decision without fresh, complete, possible data.
            prop_assert!(after == before || life.good() == 3, "{before} -> {after} on {} datapoints", life.good());
            // S-S2: within the bounds, at the rates, and never in an incident.
            prop_assert!((MIN..=MAX).contains(&after));
            prop_assert!(to <= from + (from * up).div_ceil(100).max(1), "{before} -> {after}");
            prop_assert!(to + (from * down / 100).max(1) >= from, "{before} -> {after}");
            prop_assert!(after >= before || !minute.trouble, "{before} -> {after} while instances look sick");
            if after > before {
                grown_at = life.world.now;
            }
            prop_assert!(after >= before || life.world.now - grown_at >= 300, "{before} -> {after} in the cooldown");
        }
    }

    /// What a schedule and a fallback do without data stays within the bounds too.
    #[test]
    fn without_any_data_only_schedules_and_fallbacks_move_it(
        desired in MIN..=MAX, fallback in 1u32..=MAX, minutes in 1usize..60,
    ) {
        let scaling = json!({"policies": [
            {"type": "Scheduled", "schedule": "30 8 * * *", "desired": desired},
            {"metric": "CPUUtilization", "target": 60, "fallback": {"capacity": fallback}},
        ]});
        let mut life = Life::new(&scaling);
        let quiet = Minute { load: 1.0, lie: Some(None), trouble: false };
        for _ in 0..minutes {
            let (before, after) = life.live(&quiet);
            let silent_for = life.world.now - 60;
            let by_fallback = silent_for >= 600 && after > before && after <= fallback.max(MIN);
            let by_schedule = life.world.now >= 1800 && after == desired;
            prop_assert!(after == before || by_fallback || by_schedule, "{before} -> {after} at {}", life.world.now);
        }
    }
}
