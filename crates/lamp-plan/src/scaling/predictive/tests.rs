use expect_test::expect;
use lamp_api::v1alpha1::PredictiveMode;
use lamp_cloud::{History, HistoryMetric, HistoryQuery};
use proptest::prelude::*;
use serde_json::json;

use super::*;
use crate::parts;
use crate::scaling::forecast::noise;
use crate::scaling::tier_capacity;
use crate::world::{World, at, lines};

const SCOPE: Scope = Scope { min: 2, max: 100, buffer_seconds: TIER_BUFFER_SECONDS };

fn policy(mode: PredictiveMode) -> ScalingPolicy {
    ScalingPolicy {
        kind: ScalingPolicyType::Predictive,
        metric: Some(Metric::RequestCountPerTarget),
        target: Some(100.0),
        mode: Some(mode),
        ..ScalingPolicy::default()
    }
}

/// Quarter hours from 1970 on, each with its load.
fn load(values: impl IntoIterator<Item = f64>) -> Load {
    Load::new(values.into_iter().enumerate().map(|(period, value)| (period as i64, value)).collect())
}

/// A wave from 200 at midnight to 1000 at noon, with noise.
fn wave(period: usize) -> f64 {
    let turn = period as f64 / DAY as f64 * std::f64::consts::TAU;
    600.0 - 400.0 * turn.cos() + noise(period, 40)
}

fn days(count: usize) -> Load {
    load((0..count * DAY).map(wave))
}

fn moment(day: i64, minute: i64) -> Timestamp {
    Timestamp::from_second(day * 86_400 + minute * 60).unwrap()
}

fn judge(load: &Load, mode: PredictiveMode, now: Timestamp) -> Verdict {
    Prediction::new(load, now).judge(&policy(mode), SCOPE, now)
}

#[test]
fn the_floor_is_what_the_window_ahead_needs() {
    let now = moment(5, 7 * 60 + 40);
    let verdict = judge(&days(5), PredictiveMode::ForecastAndScale, now);
    expect!["Predictive wants 8 at 07:45 UTC for RequestCountPerTarget 775.6 in all, 100 each"]
        .assert_eq(&verdict.floor.unwrap().reason);
    expect![[r#"Predictive wants 8 at 07:45 UTC for RequestCountPerTarget 775.6 in all, 100 each: its error over the last day was 3.2 %, that of "as yesterday" 4.4 %"#]].assert_eq(&verdict.sentence);
    let noon = judge(&days(5), PredictiveMode::ForecastAndScale, moment(5, 12 * 60));
    let night = judge(&days(5), PredictiveMode::ForecastAndScale, moment(5, 0));
    let (noon, night) = (noon.floor.unwrap().capacity, night.floor.unwrap().capacity);
    assert!(noon >= 10 && night <= 3, "{noon} {night}");
}

#[test]
fn capacity_is_wanted_so_long_before_it_is_needed() {
    let ahead = |seconds| {
        let policy = ScalingPolicy {
            scheduling_buffer_seconds: Some(seconds),
            ..policy(PredictiveMode::ForecastAndScale)
        };
        let now = moment(5, 6 * 60);
        Prediction::new(&days(5), now).judge(&policy, SCOPE, now).floor.unwrap().capacity
    };
    assert!(ahead(0) < ahead(3600), "{} {}", ahead(0), ahead(3600));
}

#[test]
fn a_forecast_only_is_said_and_not_done() {
    let verdict = judge(&days(5), PredictiveMode::ForecastOnly, moment(5, 7 * 60 + 40));
    assert_eq!(verdict.floor, None);
    expect![[r#"Predictive would want 8 at 07:45 UTC for RequestCountPerTarget 775.6 in all, 100 each (its mode is ForecastOnly): its error over the last day was 3.2 %, that of "as yesterday" 4.4 %"#]].assert_eq(&verdict.sentence);
}

#[test]
fn less_than_a_day_forecasts_nothing() {
    let verdict = judge(&load((0..59).map(wave)), PredictiveMode::ForecastAndScale, moment(0, 900));
    assert_eq!(verdict.floor, None);
    assert_eq!(verdict.sentence, "Predictive stays off: it has 14 hours of history, needs 24");
    let none = judge(&Load::default(), PredictiveMode::ForecastAndScale, moment(0, 900));
    assert_eq!(none.sentence, "Predictive stays off: it has 0 hours of history, needs 24");
}

#[test]
fn a_forecast_that_is_no_better_than_yesterday_stays_off_and_says_both_errors() {
    let same = load((0..4 * DAY).map(|period| if period % DAY < 30 { 100.0 } else { 500.0 }));
    let verdict = judge(&same, PredictiveMode::ForecastAndScale, moment(4, 0));
    assert_eq!(verdict.floor, None);
    expect![[r#"Predictive stays off: its error over the last day was 0 %, that of "as yesterday" 0 %"#]]
        .assert_eq(&verdict.sentence);
}

#[test]
fn a_forecast_ends_after_two_days_without_history() {
    let prediction = Prediction::new(&days(5), moment(5, 0));
    let at =
        |day, minute| prediction.judge(&policy(PredictiveMode::ForecastAndScale), SCOPE, moment(day, minute));
    assert!(at(6, 1439).floor.is_some());
    assert_eq!(
        at(7, 0).sentence,
        "Predictive stays off: its history ends at 1970-01-06T00:00:00Z, and a forecast reaches two days"
    );
}

#[test]
fn a_floor_stays_within_the_bounds_and_below_twice_the_highest_load() {
    let scope = Scope { max: 7, ..SCOPE };
    let now = moment(5, 12 * 60);
    let verdict = Prediction::new(&days(5), now).judge(&policy(PredictiveMode::ForecastAndScale), scope, now);
    assert_eq!(verdict.floor.unwrap().capacity, 7);
    let outlook = Outlook {
        first: 0,
        values: vec![5000.0],
        highest: 1000.0,
        backtest: Backtest { steps: DAY, error: 0.1, naive: 0.2, yardstick: Yardstick::Yesterday },
    };
    let need = outlook.need(100.0, SignedDuration::from_secs(900), moment(0, 0)).unwrap();
    assert_eq!(need.capacity, 20, "fifty would do");
}

proptest! {
    #[test]
    fn no_history_asks_for_more_than_twice_the_highest_load(
        values in proptest::collection::vec(prop_oneof![0.0f64..1e6, Just(0.0), 0.0f64..10.0], 0..800),
        holes in proptest::collection::vec(0usize..800, 0..50),
        minute in 0i64..3000,
    ) {
        let points = values.iter().enumerate().filter(|(period, _)| !holes.contains(period));
        let load = Load::new(points.map(|(period, value)| (period as i64, *value)).collect());
        let now = Timestamp::from_second(load.next() * 900 + minute * 60).unwrap();
        let scope = Scope { min: 1, max: u32::MAX, ..SCOPE };
        let verdict = Prediction::new(&load, now).judge(&policy(PredictiveMode::ForecastAndScale), scope, now);
        if let Some(floor) = verdict.floor {
            let most = 2.0 * (load.highest() / 100.0).ceil();
            prop_assert!(f64::from(floor.capacity) <= most.max(1.0), "{floor:?} {most}");
        }
    }
}

/// A tier with target tracking and a forecast, and the past of its processors.
fn tier(mode: &str, instances: u32) -> World {
    let predictive = json!({"type": "Predictive", "metric": "CPUUtilization", "target": 50, "mode": mode});
    let tracking = json!({"metric": "CPUUtilization", "target": 50});
    let scaling = json!({"policies": [tracking, predictive]});
    let mut world =
        World::with_tier(json!({"capacity": {"min": 2, "max": 12}, "scaling": scaling}), instances);
    remember(&mut world, 5);
    world
}

/// The group was five on average, and its processors had what the wave says.
fn remember(world: &mut World, days: i64) {
    let end = at(world.now).as_second().div_euclid(PERIOD_SECONDS);
    let periods = (end - days * DAY as i64)..end;
    let start = |period: i64| Timestamp::from_second(period * PERIOD_SECONDS).unwrap();
    let group = crate::world::GROUP.to_owned();
    for (metric, value) in [(HistoryMetric::GroupCpu, None), (HistoryMetric::GroupCpuSamples, Some(75.0))] {
        let value = |period: i64| value.unwrap_or_else(|| wave(period as usize) / 20.0);
        let points = periods.clone().map(|period| (start(period), value(period))).collect();
        let query = HistoryQuery { metric, resource: group.clone(), load_balancer: None };
        world.histories.insert(query, Arc::new(History { read_at: at(world.now), points }));
    }
}

fn step(world: &mut World) -> (crate::Plan, u32) {
    let tier = world.tier();
    world.plan(|draft| {
        let view = crate::live::tier_view::TierView::of(draft.input.inventory, &tier);
        let observed = view.map(|view| view.body.clone());
        tier_capacity(draft, &tier, observed.as_ref())
    })
}

#[test]
fn a_tier_grows_to_what_will_be_needed_and_says_so() {
    let mut world = tier("ForecastAndScale", 2);
    world.cpu(50.0);
    let (plan, desired) = step(&mut world);
    expect![[r#"
        Forecast auto-scaling-group/web: Predictive wants 5 at 08:15 UTC for CPUUtilization 207.2 in all, 50 each: its error over the last day was 3.7 %, that of "as yesterday" 4.3 %
        ScaleUp auto-scaling-group/web: 2 -> 4: CPUUtilization 50 against a target of 50 on 2; Predictive wants 5 at 08:15 UTC for CPUUtilization 207.2 in all, 50 each
        tier: 4 wanted, 0 there, 0 ready; -
    "#]].assert_eq(&lines(&plan));
    assert!(desired > 2);
    let mut only = tier("ForecastOnly", 2);
    only.cpu(50.0);
    let (plan, desired) = step(&mut only);
    expect![[r#"
        Forecast auto-scaling-group/web: Predictive would want 5 at 08:15 UTC for CPUUtilization 207.2 in all, 50 each (its mode is ForecastOnly): its error over the last day was 3.7 %, that of "as yesterday" 4.3 %
        tier: 2 wanted, 0 there, 0 ready; -
    "#]].assert_eq(&lines(&plan));
    assert_eq!(desired, 2);
}

#[test]
fn a_floor_holds_what_would_shrink_and_takes_nothing_away() {
    for instances in [4, 5, 6, 12] {
        let mut world = tier("ForecastAndScale", instances);
        let mut smallest = instances;
        for second in (0..4000).step_by(15) {
            world.now = second;
            world.cpu(5.0);
            smallest = smallest.min(step(&mut world).1);
        }
        let mut alone = tier("ForecastAndScale", instances);
        alone.spec.tiers[0].scaling.policies.remove(0);
        alone.cpu(5.0);
        assert!(step(&mut alone).1 >= instances, "alone it never shrinks");
        assert!(smallest >= 4.min(instances), "{instances} {smallest}");
    }
}

#[test]
fn a_forecast_is_made_once_for_each_reading() {
    let mut world = tier("ForecastAndScale", 2);
    let made = |world: &mut World| {
        step(world);
        let part = parts::auto_scaling_group("web");
        Arc::clone(&world.memory.predictions[&part][&Metric::CPUUtilization])
    };
    let first = made(&mut world);
    world.now = 600;
    assert!(Arc::ptr_eq(&first, &made(&mut world)));
    remember(&mut world, 5);
    assert!(!Arc::ptr_eq(&first, &made(&mut world)));
    world.histories.clear();
    step(&mut world);
    assert_eq!(world.memory.predictions.len(), 1, "it is remembered while it is read again");
    world.spec.tiers[0].scaling.policies.pop();
    step(&mut world);
    assert!(world.memory.predictions.is_empty());
}
