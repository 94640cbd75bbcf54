//! How the scaling of a running stack went, as a person and as a program reads it.

use lamp_api::v1alpha1::{Metric, ScalingPolicy};
use serde_json::{Value, json};

use super::replay::{decisions, number, rounded};
use crate::plot::{Curve, Panel, Picture, terminal};
use crate::printer::style;
use crate::replay::candidate::sentence;
use crate::replay::{History, Scaled};

/// What there is to know, the plots, and so many of the newest decisions.
pub(crate) fn text(picture: &Picture, history: &History, most: usize) -> String {
    let mut out = String::new();
    for remark in &picture.remarks {
        out.push_str(&format!("{remark}\n"));
    }
    out.push_str(&format!("\n{}", terminal::text(picture)));
    let all = history.decisions();
    let shown = if most == 0 { all.len() } else { most.min(all.len()) };
    let title = if all.is_empty() { "Last decisions: none" } else { "Last decisions" };
    out.push_str(&format!("\n{}\n", style::heading(title)));
    out + &decisions(all.get(all.len() - shown..).unwrap_or_default())
}

/// A panel for each metric that a policy follows, and one for the capacity.
pub(crate) fn picture(stack: &str, scaled: &Scaled, history: &History) -> Picture {
    let capacity = history.capacity();
    let followed = followed(scaled);
    let metrics = followed.iter().map(|(metric, level)| metric_panel(*metric, *level, history));
    let unit = scaled.unit().to_owned();
    let steps = Some(Curve { name: "capacity".to_owned(), values: capacity.clone() });
    let title = format!("Capacity, {} to {} {unit}", scaled.min, scaled.max);
    let own = Panel { title, unit, area: None, steps, level: None, marks: None };
    let remarks = [format!(
        "{} of {stack}: {}, {} to {} {}",
        scaled.name(),
        sentence(&scaled.scaling),
        scaled.min,
        scaled.max,
        scaled.unit()
    )];
    Picture {
        title: format!("Scaling of {stack}, {}", scaled.name()),
        remarks: remarks.into_iter().chain(history.remarks().iter().cloned()).collect(),
        began: history.began(),
        minutes: capacity.len(),
        panels: metrics.chain([own]).collect(),
    }
}

/// The metrics that policies follow, each with the value that it is compared with; the CPU if there is none.
fn followed(scaled: &Scaled) -> Vec<(Metric, Option<(&'static str, f64)>)> {
    let level = |policy: &ScalingPolicy| {
        policy.target.map(|target| ("target", target)).or(policy.threshold.map(|it| ("threshold", it)))
    };
    let mut found: Vec<(Metric, _)> = Vec::new();
    for policy in &scaled.scaling.policies {
        if let Some(metric) = policy.metric
            && !found.iter().any(|(known, _)| *known == metric)
        {
            found.push((metric, level(policy)));
        }
    }
    if found.is_empty() {
        found.push((Metric::CPUUtilization, None));
    }
    found
}

fn metric_panel(metric: Metric, level: Option<(&'static str, f64)>, history: &History) -> Panel {
    let values = history.metric(metric);
    let known = values.iter().any(|value| value.is_finite());
    let against = level.map(|(name, value)| format!(" against a {name} of {}", number(value)));
    let missing = if known { "" } else { ": no data here; its policies may have some" };
    Panel {
        title: format!("{}{}{missing}", metric.as_str(), against.unwrap_or_default()),
        unit: unit(metric).to_owned(),
        area: Some(Curve { name: metric.as_str().to_owned(), values }),
        steps: None,
        level: level.map(|(name, value)| (format!("{name} {}", number(value)), value)),
        marks: None,
    }
}

fn unit(metric: Metric) -> &'static str {
    match metric {
        Metric::CPUUtilization => "per cent",
        Metric::RequestCountPerTarget => "requests a minute",
        Metric::TargetResponseTime | Metric::ReplicaLag => "seconds",
        Metric::NetworkIn | Metric::NetworkOut => "bytes a minute",
        Metric::DatabaseConnections => "connections",
    }
}

/// Everything, for programs.
pub(crate) fn json(stack: &str, scaled: &Scaled, history: &History) -> Value {
    let known = |values: Vec<f64>| -> Vec<Option<f64>> {
        values.into_iter().map(|value| value.is_finite().then(|| rounded(value))).collect()
    };
    let metrics = followed(scaled).into_iter();
    let metrics: serde_json::Map<String, Value> = metrics
        .map(|(metric, level)| {
            let level = level.map(|(name, value)| json!({"name": name, "value": value}));
            (metric.as_str().to_owned(), json!({"level": level, "minutes": known(history.metric(metric))}))
        })
        .collect();
    let decision =
        |it: crate::replay::Decided| json!({"time": it.at, "action": it.action, "reason": it.reason});
    json!({
        "stack": stack,
        "tier": scaled.tier,
        "policies": sentence(&scaled.scaling),
        "min": scaled.min,
        "max": scaled.max,
        "began": history.began(),
        "capacity": known(history.capacity()),
        "metrics": metrics,
        "decisions": history.decisions().into_iter().map(decision).collect::<Vec<_>>(),
        "notes": history.remarks(),
    })
}
