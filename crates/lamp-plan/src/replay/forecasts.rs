//! Predictive policies of a replay: they know of the load what was published, as they would have then.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{Metric, Scaling, ScalingPolicy, ScalingPolicyType};

use super::{CapacityModel, ReplayedMinute};
use crate::Prediction;
use crate::scaling::evaluation::Floor;
use crate::scaling::load::Load;
use crate::scaling::predictive::{Scope, TIER_BUFFER_SECONDS};

/// Minutes between two readings of the past.
const REFRESH: usize = 360;
/// Minutes of a period.
const PERIOD: i64 = 15;

/// What was expected last, by metric.
#[derive(Debug, Default)]
pub(super) struct Forecasts {
    made_at: Option<usize>,
    predictions: BTreeMap<Metric, Prediction>,
}

impl Forecasts {
    /// The floors of a minute, which began at `now`.
    pub(super) fn floors(
        &mut self,
        scaling: &Scaling,
        model: CapacityModel,
        (minute, now): (usize, Timestamp),
        past: &[ReplayedMinute],
        loads: &[f64],
    ) -> Vec<Floor> {
        let policies: Vec<_> = scaling.policies.iter().filter_map(predictive).collect();
        if !policies.is_empty() && self.made_at.is_none_or(|made_at| minute - made_at >= REFRESH) {
            self.made_at = Some(minute);
            let elapsed = SignedDuration::from_mins(i64::try_from(minute).unwrap_or(i64::MAX / 60));
            let began = now.saturating_sub(elapsed).unwrap_or(now);
            for (_, metric) in &policies {
                let load = load(*metric, began, past, loads);
                self.predictions.insert(*metric, Prediction::new(&load, now));
            }
        }
        let scope = Scope { min: model.min, max: model.max, buffer_seconds: TIER_BUFFER_SECONDS };
        let verdict = |(policy, metric): (&ScalingPolicy, Metric)| {
            self.predictions.get(&metric)?.judge(policy, scope, now).floor
        };
        policies.into_iter().filter_map(verdict).collect()
    }
}

fn predictive(policy: &ScalingPolicy) -> Option<(&ScalingPolicy, Metric)> {
    (policy.kind == ScalingPolicyType::Predictive).then_some((policy, policy.metric?))
}

/// The load of all instances in the quarter hours that are over. What is not known of a minute is left out.
fn load(metric: Metric, began: Timestamp, past: &[ReplayedMinute], loads: &[f64]) -> Load {
    let mut periods: BTreeMap<i64, (f64, f64)> = BTreeMap::new();
    let begun = began.as_second().div_euclid(60);
    let known = past.iter().zip(loads).zip(begun..).filter(|((_, load), _)| load.is_finite());
    for ((minute, load), at) in known {
        let (sum, count) = periods.entry(at.div_euclid(PERIOD)).or_default();
        *sum += of_all(metric, minute, *load);
        *count += 1.0;
    }
    // The newest one is not over yet.
    let minutes = i64::try_from(past.len()).unwrap_or(i64::MAX);
    periods.split_off(&begun.saturating_add(minutes).div_euclid(PERIOD));
    Load::new(periods.into_iter().map(|(period, (sum, count))| (period, sum / count)).collect())
}

fn of_all(metric: Metric, minute: &ReplayedMinute, load: f64) -> f64 {
    match metric {
        Metric::CPUUtilization => (minute.utilisation * 100.0).min(100.0) * f64::from(minute.serving),
        _ => load,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minutes(count: usize) -> Vec<ReplayedMinute> {
        let minute = ReplayedMinute { capacity: 4, serving: 4, utilisation: 0.5, decision: None };
        vec![minute; count]
    }

    #[test]
    fn the_past_of_a_replay_is_what_was_published_in_whole_quarter_hours() {
        let began = Timestamp::from_second(900 * 10 - 5 * 60).unwrap();
        let mut loads = vec![100.0; 40];
        loads[7] = f64::NAN;
        loads[8] = 156.0;
        let expected = |values: &[(i64, f64)]| Load::new(values.iter().copied().collect());
        let requests = load(Metric::RequestCountPerTarget, began, &minutes(40), &loads);
        assert_eq!(requests, expected(&[(9, 100.0), (10, 104.0), (11, 100.0)]));
        let processors = load(Metric::CPUUtilization, began, &minutes(40), &loads);
        assert_eq!(processors, expected(&[(9, 200.0), (10, 200.0), (11, 200.0)]));
    }
}
