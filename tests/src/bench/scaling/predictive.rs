//! What a forecast adds: target tracking of ours, and the same beside a policy of type `Predictive`.

use std::fmt::Write;
use std::path::Path;

use anyhow::Result;
use lamp_api::v1alpha1::{PredictiveMode, Scaling, ScalingPolicy, ScalingPolicyType};
use lamp_plan::replay::{Production, Summary, replay};

use super::{SIZES, TARGET, Trace, cell, model, ours, traces};

/// Replays every trace of a folder with and without a forecast, and prints a table.
///
/// # Errors
/// A folder without traces, or a file that is none.
pub fn table(folder: &Path) -> Result<String> {
    let mut table = String::from(
        "| trace | instances | Lamplighter | Lamplighter with Predictive | hours | overload |\n|---|---|---|---|---|---|\n",
    );
    for trace in &traces(folder)? {
        for size in SIZES {
            let (without, with) = compare(trace, size);
            writeln!(
                table,
                "| {} | {size} | {} | {} | {:.2} | {:.2} |",
                trace.name,
                cell(without),
                cell(with),
                with.instance_hours / without.instance_hours,
                (with.overloaded_minutes + 1) as f64 / (without.overloaded_minutes + 1) as f64,
            )?;
        }
    }
    Ok(table)
}

fn compare(trace: &Trace, size: u32) -> (Summary, Summary) {
    let model = model(trace, size);
    let without = ours(model.per_instance * TARGET);
    let with = predictive(&without);
    let run = |scaling: &Scaling| {
        Summary::of(&replay(&mut Production::new(scaling, trace.began), model, &trace.loads, TARGET))
    };
    (run(&without), run(&with))
}

/// Each policy once more, as a forecast.
fn predictive(scaling: &Scaling) -> Scaling {
    let forecasts = scaling.policies.iter().map(|policy| ScalingPolicy {
        kind: ScalingPolicyType::Predictive,
        mode: Some(PredictiveMode::ForecastAndScale),
        ..policy.clone()
    });
    let forecasts: Vec<_> = forecasts.collect();
    let mut both = scaling.clone();
    both.policies.extend(forecasts);
    both
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Five days on which everybody comes at eight, some days more of them.
    fn office() -> Trace {
        let busy = [1.0, 1.2, 0.9, 1.1, 1.0];
        let load = |minute: usize| match (minute / 1440, minute % 1440) {
            (day, 480..1080) => 500.0 * busy[day],
            _ => 100.0,
        };
        Trace {
            name: "office".to_owned(),
            began: jiff::Timestamp::UNIX_EPOCH,
            loads: (0..5 * 1440).map(load).collect(),
        }
    }

    #[test]
    fn a_morning_that_comes_every_day_is_met_with_capacity() {
        let (without, with) = compare(&office(), 10);
        assert!(with.overloaded_minutes * 2 <= without.overloaded_minutes, "{with:?} {without:?}");
        assert!(with.instance_hours <= without.instance_hours * 1.1, "{with:?} {without:?}");
    }
}
