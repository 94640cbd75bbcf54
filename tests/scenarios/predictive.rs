//! Capacity that is there before the load is, where the last days let expect it; and nothing but words where they do not.

use jiff::Timestamp;
use lamp_sim::{Load, MetricSpell, MetricTrouble, Spike};
use serde_json::json;

use crate::stage::{DAY, HOUR, MINUTE, QUIET_STEP, STEP, Stage, calm, spec};

/// Hour at which the offices open, and for how long.
const OPENS: u32 = 8;
const OPEN_HOURS: u32 = 10;

/// Midnight of the day, UTC.
fn midnight(at: Timestamp) -> Timestamp {
    Timestamp::from_second(at.as_second().div_euclid(86_400) * 86_400).unwrap()
}

/// Every day from eight to six there are so many times the visitors: some days more, some days fewer.
fn office_hours(stage: &Stage, load: Load, factor: f64) {
    let first = midnight(stage.now());
    let spike = |day: u32| {
        let from = first + DAY * day + HOUR * OPENS;
        let busy = [1.0, 1.2, 0.95, 1.1, 0.9][day as usize % 5];
        Spike { from, to: from + HOUR * OPEN_HOURS, factor: factor * busy }
    };
    let spikes = (0..10).map(spike).collect();
    stage.world().set_load(Load { spikes, ..load });
}

/// Time goes on to a moment, in the steps of a quiet day.
fn run_to(stage: &mut Stage, moment: Timestamp) {
    let span = moment.duration_since(stage.now()).unsigned_abs();
    stage.site.run_for(QUIET_STEP, span).unwrap().unwrap();
}

/// Minutes in which the busiest tier had more to do than 80 %.
fn overloaded(stage: &Stage, from: Timestamp, minutes: u32) -> usize {
    let uid = stage.object()["metadata"]["uid"].as_str().unwrap().to_owned();
    let busiest = |minute: u32| {
        let load = stage.world().site_load(&uid, from + MINUTE * minute);
        load.cpu.values().copied().fold(0.0, f64::max)
    };
    (0..minutes).filter(|minute| busiest(*minute) > 80.0).count()
}

fn forecast(stage: &Stage, part: &str) -> String {
    let decisions = stage.status().unwrap().decisions;
    let made = decisions.iter().filter(|decision| decision.part == part && decision.action == "Forecast");
    let made: Vec<_> = made.map(|decision| decision.reason.clone()).collect();
    assert!(made.len() <= 1, "{made:?}");
    made.into_iter().next().unwrap_or_default()
}

/// Sixty requests a second at night.
fn web(mode: Option<&str>) -> Stage {
    let predictive = mode
        .map(|mode| json!({"type": "Predictive", "metric": "CPUUtilization", "target": 50, "mode": mode}));
    let stage = Stage::up_with(
        calm(1),
        spec("whatisthetime", |spec| {
            let policies = spec["spec"]["tiers"][0]["scaling"]["policies"].as_array_mut().unwrap();
            policies.extend(predictive);
        }),
    );
    office_hours(&stage, Load::steady(60.0), 4.0);
    stage
}

/// The fourth morning: how many instances serve when the offices open, and how many minutes are overloaded.
fn fourth_morning(stage: &mut Stage) -> (usize, usize) {
    let opens = midnight(stage.now()) + DAY * 4 + HOUR * OPENS;
    run_to(stage, opens - HOUR);
    stage.run(HOUR);
    let ready = stage.healthy("web");
    stage.run(HOUR);
    (ready, overloaded(stage, opens, 60))
}

#[test]
fn on_the_fourth_morning_capacity_is_there_before_the_load_is() {
    let mut without = web(None);
    let (ready, overload) = fourth_morning(&mut without);
    assert!(ready == 2 && overload >= 4, "{ready} {overload}");
    let mut with = web(Some("ForecastAndScale"));
    let (ready, overload) = fourth_morning(&mut with);
    assert!(ready >= 4 && overload == 0, "{ready} {overload}: {}", with.story());
    let told = with.status().unwrap().decisions;
    let grown = told.iter().find(|decision| decision.action == "ScaleUp").unwrap();
    assert!(grown.reason.contains("Predictive wants"), "{told:#?}");
    assert!(forecast(&with, "auto-scaling-group/web").starts_with("Predictive wants"), "{told:#?}");
    // The offices close, and it shrinks as ever.
    with.world().set_load(Load::steady(60.0));
    with.until("shrunk", 12 * HOUR, |stage| stage.group("web").desired == 2);
    with.nothing_unlawful();
}

#[test]
fn a_forecast_only_says_what_it_would_do() {
    let mut stage = web(Some("ForecastOnly"));
    let opens = midnight(stage.now()) + DAY * 3 + HOUR * OPENS;
    run_to(&mut stage, opens - HOUR);
    let mark = stage.mark();
    stage.run(HOUR - STEP * 2);
    assert_eq!(stage.brief_since(mark), "");
    let said = forecast(&stage, "auto-scaling-group/web");
    assert!(said.starts_with("Predictive would want") && said.contains("its mode is ForecastOnly"), "{said}");
    assert!(said.contains("its error over the last 1"), "{said}");
    stage.nothing_unlawful();
}

#[test]
fn a_site_that_is_new_has_too_short_a_past_and_is_told_so() {
    let mut stage = web(Some("ForecastAndScale"));
    assert_eq!(
        forecast(&stage, "auto-scaling-group/web"),
        "Predictive stays off: it has 0 hours of history, needs 24"
    );
    let later = stage.now() + 13 * HOUR;
    run_to(&mut stage, later);
    let said = forecast(&stage, "auto-scaling-group/web");
    assert_eq!(said, "Predictive stays off: it has 12 hours of history, needs 24");
    stage.nothing_unlawful();
}

#[test]
fn a_past_that_lies_is_no_reason_for_anything() {
    for trouble in
        [MetricTrouble::Huge, MetricTrouble::NotANumber, MetricTrouble::Missing, MetricTrouble::Spike]
    {
        let mut stage = web(Some("ForecastAndScale"));
        let (from, to) = (stage.now() + 3 * HOUR, stage.now() + 40 * HOUR);
        stage.world().set_load(Load::steady(60.0));
        stage.world().faults_mut().metrics.push(MetricSpell { trouble, from, to });
        let mark = stage.mark();
        run_to(&mut stage, to - HOUR);
        assert_eq!(stage.brief_since(mark), "", "{trouble:?}");
        stage.nothing_unlawful();
    }
}

/// A replica takes ten minutes to be restored: the pool grows a quarter of an hour ahead.
#[test]
fn replicas_are_ready_before_they_are_needed() {
    let policies = json!([
        {"type": "TargetTracking", "metric": "CPUUtilization", "target": 65},
        {"type": "Predictive", "metric": "CPUUtilization", "target": 65, "mode": "ForecastAndScale"},
    ]);
    let spec = spec("lamp", |spec| spec["spec"]["database"]["replicas"]["scaling"]["policies"] = policies);
    let mut stage = Stage::up_with(calm(1), spec);
    office_hours(&stage, Load { database_capacity: 300.0, ..Load::steady(40.0) }, 2.0);
    let opens = midnight(stage.now()) + DAY * 3 + HOUR * OPENS;
    run_to(&mut stage, opens - HOUR);
    let before = stage.status().unwrap().database.unwrap().replicas_ready;
    stage.run(HOUR - 10 * MINUTE);
    let ready = stage.status().unwrap().database.unwrap().replicas_ready;
    assert!(ready > before, "{before} {ready}: {}", stage.story());
    assert!(forecast(&stage, "replicas").starts_with("Predictive wants"), "{}", stage.story());
    stage.run(2 * HOUR);
    stage.nothing_unlawful();
}
