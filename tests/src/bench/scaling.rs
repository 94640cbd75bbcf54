//! `cargo xtask bench scaling [DIR]`: recorded load through target tracking of AWS, the Horizontal Pod Autoscaler, and
//! the defaults of ours, with the same model of capacity and the same minutes of metrics.

mod others;
pub mod predictive;

use std::fmt::Write;
use std::path::Path;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use lamp_api::v1alpha1::{Metric, Scaling, ScalingPolicy};
use lamp_plan::replay::trace::{self, percentile};
use lamp_plan::replay::{CapacityModel, Production, Scaler, Summary, replay};

use self::others::{PodAutoscaler, TargetTracking};
use super::Figures;

/// The policy that each of them has: CPU near 60 %.
const TARGET: f64 = 0.6;
/// EC2, Apache and a health check.
const BOOT_MINUTES: u32 = 2;
/// Instances that the 99th percentile of the load needs at the target.
const SIZES: [u32; 2] = [6, 20];

/// A load of the past.
#[derive(Clone, Debug)]
struct Trace {
    name: String,
    began: Timestamp,
    loads: Vec<f64>,
}

impl Trace {
    fn read(path: &Path) -> Result<Self> {
        let text =
            std::fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        let name = path.file_stem().unwrap_or_default().to_string_lossy().into_owned();
        let trace = trace::parse(&text).with_context(|| path.display().to_string())?;
        Ok(Self { name, began: trace.began, loads: trace.loads })
    }
}

/// What each scaler made of a trace with a fleet of one size.
#[derive(Clone, Debug)]
pub struct Comparison {
    trace: String,
    size: u32,
    target_tracking: Summary,
    hpa: Summary,
    lamplighter: Summary,
}

/// Replays every trace of a folder.
///
/// # Errors
/// A folder without traces, or a file that is none.
pub fn replay_all(folder: &Path) -> Result<Vec<Comparison>> {
    let traces = traces(folder)?;
    Ok(traces.iter().flat_map(|trace| SIZES.map(|size| compare(trace, size))).collect())
}

/// One row for each trace and size.
///
/// # Errors
/// None in memory.
pub fn table(all: &[Comparison]) -> Result<String> {
    let mut table = String::from(
        "| trace | instances | target tracking | Horizontal Pod Autoscaler | Lamplighter | hours | overload |\n|---|---|---|---|---|---|---|\n",
    );
    for one in all {
        let (aws, ours) = (one.target_tracking, one.lamplighter);
        writeln!(
            table,
            "| {} | {} | {} | {} | {} | {:.2} | {:.2} |",
            one.trace,
            one.size,
            cell(aws),
            cell(one.hpa),
            cell(ours),
            ours.instance_hours / aws.instance_hours,
            // One more in both: a trace without any overload is a tie.
            (ours.overloaded_minutes + 1) as f64 / (aws.overloaded_minutes + 1) as f64,
        )?;
    }
    Ok(table)
}

/// `scaling.TRACE.ALGORITHM.…` for the larger fleet, whose steps are finer, and `scaling.TRACE.SIZE.ALGORITHM.…` for all.
pub fn figures(all: &[Comparison]) -> Figures {
    let mut figures = Figures::default();
    for one in all {
        let mut names = vec![format!("scaling.{}.{}", one.trace, one.size)];
        if Some(&one.size) == SIZES.last() {
            names.push(format!("scaling.{}", one.trace));
        }
        let scalers =
            [("lamplighter", one.lamplighter), ("target_tracking", one.target_tracking), ("hpa", one.hpa)];
        for (name, (scaler, outcome)) in names.iter().flat_map(|name| scalers.map(|scaler| (name, scaler))) {
            figures.add(format!("{name}.{scaler}.overloaded_minutes"), outcome.overloaded_minutes as f64);
            figures.add(format!("{name}.{scaler}.instance_hours"), outcome.instance_hours);
            figures.add(format!("{name}.{scaler}.changes"), outcome.changes as f64);
        }
    }
    figures
}

/// The traces of a folder, by their names.
fn traces(folder: &Path) -> Result<Vec<Trace>> {
    let mut traces = Vec::new();
    let entries = std::fs::read_dir(folder).with_context(|| format!("cannot read {}", folder.display()))?;
    for entry in entries {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "csv") {
            traces.push(Trace::read(&path)?);
        }
    }
    ensure!(!traces.is_empty(), "{} has no .csv files", folder.display());
    traces.sort_by(|one, other| one.name.cmp(&other.name));
    Ok(traces)
}

fn cell(outcome: Summary) -> String {
    format!("{} min, {:.0} h, {}", outcome.overloaded_minutes, outcome.instance_hours, outcome.changes)
}

fn compare(trace: &Trace, size: u32) -> Comparison {
    let model = model(trace, size);
    let scaling = ours(model.per_instance * TARGET);
    let run =
        |mut scaler: Box<dyn Scaler + '_>| Summary::of(&replay(&mut *scaler, model, &trace.loads, TARGET));
    Comparison {
        trace: trace.name.clone(),
        size,
        target_tracking: run(Box::new(TargetTracking::new(TARGET))),
        hpa: run(Box::new(PodAutoscaler::new(TARGET))),
        lamplighter: run(Box::new(Production::new(&scaling, trace.began))),
    }
}

/// The same for all: `size` instances serve the 99th percentile of the load at the target.
fn model(trace: &Trace, size: u32) -> CapacityModel {
    let per_instance = percentile(&trace.loads, 0.99) / (f64::from(size) * TARGET);
    CapacityModel { per_instance, boot_minutes: BOOT_MINUTES, min: 2, max: size * 4 }
}

/// One policy, all defaults. Like the others it sees how much more than everything was asked of an instance, which its
/// CPU would not say.
fn ours(target: f64) -> Scaling {
    let policy = ScalingPolicy {
        metric: Some(Metric::RequestCountPerTarget),
        target: Some(target),
        ..ScalingPolicy::default()
    };
    Scaling { policies: vec![policy], ..Scaling::default() }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A day with a morning, a lunch break and an evening, and the noise of few visitors.
    fn day() -> Trace {
        let noise = |minute: u32| f64::from((minute.wrapping_mul(2_654_435_761) >> 16) % 21) - 10.0;
        let hour = |minute: u32| (f64::from(minute) / 1440.0 * std::f64::consts::TAU).sin();
        let loads = (0..2880).map(|minute| 100.0 + 60.0 * hour(minute) + noise(minute));
        Trace { name: "day".to_owned(), began: Timestamp::UNIX_EPOCH, loads: loads.collect() }
    }

    #[test]
    fn on_a_day_with_noise_ours_costs_no_more_and_overloads_less_than_target_tracking() {
        let Comparison { target_tracking: aws, lamplighter: ours, .. } = compare(&day(), 12);
        assert!(ours.instance_hours <= aws.instance_hours * 1.02, "{ours:?} {aws:?}");
        assert!(ours.overloaded_minutes <= aws.overloaded_minutes, "{ours:?} {aws:?}");
        assert!(ours.changes <= aws.changes * 2, "{ours:?} {aws:?}");
    }
}
