//! The number of instances follows the load: at once upwards, late downwards, and never on a guess.

use std::time::Duration;

use expect_test::expect;
use lamp_sim::{Fault, Load, Moment, Spike};

use crate::stage::{HOUR, MINUTE, Stage, calm, spec};

/// 60 requests a second: a third of what two instances can do.
fn steady() -> Stage {
    let mut options = calm(1);
    options.region.load = Load::steady(60.0);
    Stage::up_with(options, spec("whatisthetime", |_| {}))
}

/// Spans of time from now on, one after the other, with so many times the load.
fn spikes(stage: &Stage, spans: &[(Duration, f64)]) {
    let mut from = stage.now();
    let mut spikes = Vec::new();
    for (span, factor) in spans {
        spikes.push(Spike { from, to: from + *span, factor: *factor });
        from += *span;
    }
    stage.world().set_load(Load { spikes, ..Load::steady(60.0) });
}

fn spike(stage: &Stage, factor: f64, span: Duration) {
    spikes(stage, &[(span, factor)]);
}

fn desired(stage: &Stage) -> u32 {
    stage.group("web").desired
}

#[test]
fn a_spike_makes_the_tier_grow_and_it_shrinks_after_the_window() {
    let mut stage = steady();
    let mark = stage.mark();
    spike(&stage, 4.0, HOUR);
    let took = stage.until("grown", 15 * MINUTE, |stage| desired(stage) > 2);
    assert!(took <= 5 * MINUTE, "{took:?}");
    stage.run(50 * MINUTE);
    assert!((5..=6).contains(&desired(&stage)), "240 requests a second at 50 % are five instances");
    stage.until("shrunk", 3 * HOUR, |stage| desired(stage) == 2);
    stage.settles();
    let calls = stage.calls_since(mark);
    assert!(calls.iter().all(|call| call == "SetDesiredCapacity auto-scaling-group/web"), "{calls:#?}");
    assert!(calls.len() <= 8, "{} changes for one spike", calls.len());
    let decisions: Vec<String> = stage
        .status()
        .unwrap()
        .decisions
        .iter()
        .filter(|decision| decision.action.starts_with("Scale"))
        .map(|decision| format!("{}: {}", decision.action, decision.reason))
        .rev()
        .collect();
    expect![[r#"
        ScaleUp: 2 -> 4: CPUUtilization 100 in the newest minute against a target of 50 on 2
        ScaleUp: 4 -> 6: CPUUtilization 100 against a target of 50 on 4
        ScaleDown: 6 -> 5: CPUUtilization 12.8 against a target of 50 on 6
        ScaleDown: 5 -> 4: CPUUtilization 12.9 against a target of 50 on 5
        ScaleDown: 4 -> 3: CPUUtilization 15.1 against a target of 50 on 4
        ScaleDown: 3 -> 2: CPUUtilization 17.9 against a target of 50 on 3"#]]
    .assert_eq(&decisions.join("\n"));
}

#[test]
fn a_dip_shorter_than_the_window_changes_nothing() {
    let mut stage = steady();
    spikes(&stage, &[(HOUR, 4.0), (30 * MINUTE, 1.0), (HOUR, 4.0)]);
    stage.run(50 * MINUTE);
    let (grown, mark) = (desired(&stage), stage.mark());
    stage.run(70 * MINUTE);
    assert_eq!(stage.brief_since(mark), "");
    assert_eq!(desired(&stage), grown);
    stage.run(HOUR);
    stage.settles();
}

#[test]
fn nothing_scales_while_metrics_are_missing() {
    let mut stage = steady();
    spike(&stage, 4.0, 24 * HOUR);
    stage.run(HOUR);
    let grown = desired(&stage);
    let (from, to) = (stage.now(), stage.now() + 6 * HOUR);
    let every = Moment::Every { operation: "GetMetricData".to_owned(), from, to };
    stage.world().faults_mut().script(every, Fault::Denied);
    let mark = stage.mark();
    stage.world().set_load(Load::steady(60.0));
    stage.run(5 * HOUR);
    assert_eq!(stage.brief_since(mark), "");
    assert_eq!(desired(&stage), grown, "capacity stays");
    stage.run(3 * HOUR);
    assert_eq!(desired(&stage), 2, "it goes on without a restart");
    stage.settles();
}

#[test]
fn metrics_that_are_empty_scale_nothing_either() {
    let mut stage = steady();
    spike(&stage, 4.0, 24 * HOUR);
    stage.run(HOUR);
    let (from, to) = (stage.now(), stage.now() + 6 * HOUR);
    let every = Moment::Every { operation: "GetMetricData".to_owned(), from, to };
    stage.world().faults_mut().script(every, Fault::EmptySuccess);
    let mark = stage.mark();
    stage.world().set_load(Load::steady(60.0));
    stage.run(5 * HOUR);
    assert_eq!(stage.brief_since(mark), "");
    stage.run(3 * HOUR);
    stage.settles();
}

/// The window is history that a restart forgets: it is waited for anew.
#[test]
fn after_a_restart_nothing_shrinks_before_the_window_is_covered() {
    let mut stage = steady();
    spikes(&stage, &[(HOUR, 4.0)]);
    stage.run(HOUR);
    let grown = desired(&stage);
    // The load is over, and two thirds of the window of 45 minutes are.
    stage.run(30 * MINUTE);
    assert_eq!(desired(&stage), grown);
    stage.site.restart().unwrap();
    let mark = stage.mark();
    stage.run(40 * MINUTE);
    assert_eq!(stage.brief_since(mark), "");
    stage.until("shrunk", HOUR, |stage| desired(stage) < grown);
    stage.run(HOUR);
    stage.settles();
}

#[test]
fn capacity_stays_within_its_bounds_whatever_the_load() {
    let mut stage = steady();
    spike(&stage, 50.0, 3 * HOUR);
    stage.run(2 * HOUR);
    assert_eq!(desired(&stage), 6);
    assert_eq!(stage.healthy("web"), 6);
    stage.run(3 * HOUR);
    assert_eq!(desired(&stage), 2);
    stage.settles();
}

/// The application tier follows requests and processors, the front only processors: each its own.
#[test]
fn the_tiers_of_a_site_scale_each_by_its_own_metrics() {
    let mut options = calm(1);
    options.region.load = Load::steady(50.0);
    let mut stage = Stage::up_with(options, spec("lamp", |_| {}));
    assert_eq!((stage.group("web").desired, stage.group("app").desired), (2, 2));
    stage.world().set_load(Load::steady(100.0));
    stage.until("grown", 30 * MINUTE, |stage| stage.group("app").desired >= 3);
    stage.run(HOUR);
    assert_eq!(stage.group("web").desired, 2, "half busy is below its target");
    stage.settles();
}
