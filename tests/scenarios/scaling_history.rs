//! What is told of the past: load and capacity as CloudWatch has them.

use lamp_api::v1alpha1::{PlanPhase, ScalingHistoryStatus};
use lamp_sim::{Fault, Load, Moment, Spike};
use serde_json::{Value, json};

use crate::stage::{HOUR, MINUTE, Stage, calm, spec};

/// An hour of load, and an hour of four times as much.
fn grown() -> Stage {
    let mut options = calm(1);
    options.region.load = Load::steady(60.0);
    let mut stage = Stage::up_with(options, spec("whatisthetime", |_| {}));
    stage.run(HOUR);
    let spikes = vec![Spike { from: stage.now(), to: stage.now() + HOUR, factor: 4.0 }];
    stage.world().set_load(Load { spikes, ..Load::steady(60.0) });
    stage.run(40 * MINUTE);
    stage
}

fn ask(stage: &Stage, spec: &Value) -> ScalingHistoryStatus {
    stage.site.ask_scaling_history(spec).unwrap()
}

fn name(stage: &Stage) -> String {
    stage.key.name.clone()
}

#[test]
fn a_history_shows_the_load_apart_from_the_capacity_that_met_it() {
    let stage = grown();
    let mark = stage.mark();
    let history = ask(&stage, &json!({"stack": name(&stage), "tier": "web", "hours": 2}));
    assert_eq!(stage.brief_since(mark), "", "asking changes nothing");
    assert_eq!((history.phase, history.period_seconds), (PlanPhase::Answered, 60));
    assert!(history.points.len() > 90 && history.unread.is_empty(), "{:?}", history.unread);
    let (early, late) = (&history.points[30], &history.points[history.points.len() - 2]);
    assert_eq!((early.capacity, late.capacity), (Some(2.0), Some(f64::from(stage.group("web").desired))));
    let factor = late.load.unwrap() / early.load.unwrap();
    assert!((3.0..4.5).contains(&factor), "the load is four times as high, whatever serves it: {factor}");
    assert!(late.metrics.contains_key("RequestCountPerTarget"), "{late:?}");
    assert!(history.decisions.iter().any(|decision| decision.action == "ScaleUp"), "{:?}", history.decisions);
}

#[test]
fn more_than_a_day_is_told_in_five_minutes_each() {
    let stage = grown();
    let history = ask(&stage, &json!({"stack": name(&stage), "tier": "web", "hours": 336}));
    assert_eq!(history.period_seconds, 300);
    assert!(history.points.iter().all(|point| point.at.0.as_second() % 300 == 0));
}

#[test]
fn what_cannot_be_told_is_said() {
    let stage = grown();
    let failed = |spec: Value| {
        let status = ask(&stage, &spec);
        assert_eq!(status.phase, PlanPhase::Failed);
        status.message.unwrap()
    };
    let stack = name(&stage);
    assert_eq!(
        failed(json!({"stack": "none", "tier": "web"})),
        "there is no stack \"none\" in this namespace"
    );
    let message = failed(json!({"stack": stack, "tier": "app"}));
    assert_eq!(message, "the stack has no tier \"app\"; it has web");
    let message = failed(json!({"stack": stack, "replicas": true}));
    assert_eq!(message, "the stack has no database, and so no read replicas");
}

#[test]
fn metrics_that_are_denied_are_named() {
    let stage = grown();
    let every =
        Moment::Every { operation: "GetMetricData".to_owned(), from: stage.now(), to: stage.now() + HOUR };
    stage.world().faults_mut().script(every, Fault::Denied);
    let history = ask(&stage, &json!({"stack": name(&stage), "tier": "web"}));
    assert!(history.points.is_empty());
    assert_eq!(history.unread.len(), 3, "{:?}", history.unread);
}
