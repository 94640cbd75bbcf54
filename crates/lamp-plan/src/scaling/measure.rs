//! What a metric says, or why it says nothing that a decision may rest on.

use std::ops::RangeInclusive;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{Metric, ScalingPolicy, ScalingPolicyType};
use lamp_cloud::Series;

/// Length of the period that every metric is read with.
const PERIOD: SignedDuration = SignedDuration::from_secs(60);
/// The newest datapoints that a target is compared with: their median counts.
const DATAPOINTS: u32 = 3;
/// Three periods, and two more that CloudWatch takes to gather and publish a minute.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(5 * 60);

/// What is asked of a metric.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Demand {
    /// How many of the newest minutes are needed. They may lie within two more.
    minutes: u32,
    /// What a true value is not outside of.
    possible: RangeInclusive<f64>,
    /// Whether nothing at all is no evidence.
    counts_traffic: bool,
}

impl Demand {
    /// What a policy asks.
    pub(crate) fn of(policy: &ScalingPolicy) -> Self {
        let by_minutes = matches!(policy.kind, ScalingPolicyType::Step | ScalingPolicyType::Simple);
        let periods = policy.evaluation_periods.unwrap_or(ScalingPolicy::EVALUATION_PERIODS);
        Self {
            minutes: if by_minutes { periods } else { DATAPOINTS },
            possible: possible(policy),
            counts_traffic: policy.metric == Some(Metric::RequestCountPerTarget),
        }
    }

    /// What is asked of the CPU of a group.
    pub(crate) fn cpu() -> Self {
        Self { minutes: DATAPOINTS, possible: named(Metric::CPUUtilization), counts_traffic: false }
    }

    fn span(&self) -> SignedDuration {
        SignedDuration::from_mins(i64::from(self.minutes) + 1)
    }
}

/// Of a metric of the user's own only what cannot be compared is impossible; below nothing no target lies.
fn possible(policy: &ScalingPolicy) -> RangeInclusive<f64> {
    match policy.metric {
        Some(metric) => named(metric),
        None if policy.kind == ScalingPolicyType::TargetTracking => 0.0..=f64::MAX,
        None => f64::MIN..=f64::MAX,
    }
}

/// From nothing to what no machine exceeds.
pub(crate) fn named(metric: Metric) -> RangeInclusive<f64> {
    let most = match metric {
        Metric::CPUUtilization => 100.5,
        // Far above what one instance answers, sends or receives, or one database keeps open.
        Metric::RequestCountPerTarget => 1e9,
        Metric::DatabaseConnections => 1e6,
        Metric::NetworkIn | Metric::NetworkOut => 1e14,
        // A target that has not answered for a day does not answer.
        Metric::TargetResponseTime => 86_400.0,
        Metric::ReplicaLag => 1e8,
    };
    0.0..=most
}

/// Why a metric decides nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Silence {
    #[error("CloudWatch gave no complete answer")]
    Unanswered,
    #[error("CloudWatch has no data of it; where that stays so, look at its name and dimensions")]
    Nothing,
    #[error("there are {there} complete minutes of data, {needed} are needed")]
    TooFew { there: usize, needed: u32 },
    #[error("the newest data is of {0}")]
    Stale(Timestamp),
    #[error("there are gaps since {0}")]
    Gaps(Timestamp),
    #[error("the value {value} at {at} is impossible")]
    Impossible { value: f64, at: Timestamp },
    #[error("no request was counted, and an unreachable site looks the same")]
    NoTraffic,
    #[error("{0} is not there yet")]
    Unresolved(String),
    #[error("nothing is warmed up and ready to be measured")]
    NobodyMeasured,
}

/// Reads the newest minutes, the newest last.
///
/// A minute that is not over is left out, because its sum is still growing. Zero requests are no evidence of low
/// load: a broken load balancer or name counts zero as well.
pub(crate) fn measure(series: Option<&Series>, demand: &Demand, now: Timestamp) -> Result<Vec<f64>, Silence> {
    let series = series.filter(|series| !series.incomplete).ok_or(Silence::Unanswered)?;
    let points = newest(series, demand, now)?;
    if let Some((at, value)) = points.iter().find(|(_, value)| !demand.possible.contains(value)) {
        return Err(Silence::Impossible { value: *value, at: *at });
    }
    let values: Vec<f64> = points.iter().map(|(_, value)| *value).collect();
    let idle = values.iter().filter(|value| **value <= 0.0).count();
    let no_traffic = demand.counts_traffic && idle * 2 > values.len();
    if no_traffic { Err(Silence::NoTraffic) } else { Ok(values) }
}

/// The newest datapoints of complete minutes, if they are fresh and close together.
fn newest(series: &Series, demand: &Demand, now: Timestamp) -> Result<Vec<(Timestamp, f64)>, Silence> {
    let mut points: Vec<_> =
        series.points.iter().filter(|(start, _)| now.duration_since(*start) >= PERIOD).copied().collect();
    points.sort_by_key(|(start, _)| *start);
    points.dedup_by_key(|(start, _)| *start);
    let Some(last) = points.last().map(|(start, _)| *start) else { return Err(Silence::Nothing) };
    if now.duration_since(last) > MAX_AGE {
        return Err(Silence::Stale(last));
    }
    let needed = usize::try_from(demand.minutes).unwrap_or(usize::MAX);
    let Some(surplus) = points.len().checked_sub(needed) else {
        return Err(Silence::TooFew { there: points.len(), needed: demand.minutes });
    };
    let newest = points.split_off(surplus);
    let first = newest.first().map_or(last, |(start, _)| *start);
    if last.duration_since(first) > demand.span() { Err(Silence::Gaps(first)) } else { Ok(newest) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scaling::finding::Evidence;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    fn series(points: &[(i64, f64)]) -> Series {
        Series {
            points: points.iter().map(|(second, value)| (at(*second), *value)).collect(),
            incomplete: false,
        }
    }

    fn cpu(points: &[(i64, f64)], now: i64) -> Result<f64, Silence> {
        let minutes = measure(Some(&series(points)), &Demand::cpu(), at(now))?;
        Ok(Evidence { minutes, measured: 1, missing: 0 }.steady())
    }

    #[test]
    fn the_newest_minutes_are_told_the_newest_last() {
        let points = series(&[(0, 40.0), (60, 42.0), (120, 100.0)]);
        assert_eq!(measure(Some(&points), &Demand::cpu(), at(200)), Ok(vec![40.0, 42.0, 100.0]));
        let policy = ScalingPolicy {
            kind: ScalingPolicyType::Step,
            evaluation_periods: Some(2),
            ..ScalingPolicy::default()
        };
        assert_eq!(measure(Some(&points), &Demand::of(&policy), at(200)), Ok(vec![42.0, 100.0]));
    }

    #[test]
    fn the_median_of_three_minutes_ignores_one_spike() {
        assert_eq!(cpu(&[(0, 40.0), (60, 100.0), (120, 42.0)], 200), Ok(42.0));
        assert_eq!(cpu(&[(0, 40.0), (60, 0.0), (120, 42.0)], 200), Ok(40.0));
    }

    #[test]
    fn a_minute_that_is_not_over_does_not_count() {
        assert_eq!(cpu(&[(0, 40.0), (60, 41.0), (120, 42.0), (180, 1.0)], 200), Ok(41.0));
        let few = cpu(&[(60, 41.0), (120, 42.0), (180, 1.0)], 200);
        assert_eq!(few, Err(Silence::TooFew { there: 2, needed: 3 }));
    }

    #[test]
    fn old_sparse_impossible_and_missing_data_say_nothing() {
        let good = [(0, 40.0), (60, 41.0), (120, 42.0)];
        assert!(cpu(&good, 420).is_ok());
        assert_eq!(cpu(&good, 421), Err(Silence::Stale(at(120))));
        assert_eq!(cpu(&[], 200), Err(Silence::Nothing));
        assert_eq!(cpu(&[(0, 1.0), (60, 1.0), (300, 1.0)], 400), Err(Silence::Gaps(at(0))));
        for value in [f64::INFINITY, -1.0, 1e18, 100.6] {
            let bad = cpu(&[(0, 40.0), (60, value), (120, 42.0)], 200);
            assert_eq!(bad, Err(Silence::Impossible { value, at: at(60) }));
        }
        assert!(matches!(cpu(&[(0, f64::NAN), (60, 1.0), (120, 1.0)], 200), Err(Silence::Impossible { .. })));
        assert_eq!(measure(None, &Demand::cpu(), at(0)), Err(Silence::Unanswered));
        let partial = Series { incomplete: true, ..series(&good) };
        assert_eq!(measure(Some(&partial), &Demand::cpu(), at(200)), Err(Silence::Unanswered));
    }

    #[test]
    fn a_metric_of_ones_own_may_be_anything_that_a_step_compares() {
        let below = series(&[(0, -5.0), (60, -5.0), (120, 1e30)]);
        let of = |kind| Demand::of(&ScalingPolicy { kind, ..ScalingPolicy::default() });
        assert!(measure(Some(&below), &of(ScalingPolicyType::Step), at(200)).is_ok());
        let tracked = measure(Some(&below), &of(ScalingPolicyType::TargetTracking), at(200));
        assert_eq!(tracked, Err(Silence::Impossible { value: -5.0, at: at(0) }));
    }

    #[test]
    fn no_requests_are_no_evidence() {
        let zero = series(&[(0, 0.0), (60, 0.0), (120, 0.0)]);
        let of = |metric| Demand::of(&ScalingPolicy { metric: Some(metric), ..ScalingPolicy::default() });
        let requests = measure(Some(&zero), &of(Metric::RequestCountPerTarget), at(200));
        assert_eq!(requests, Err(Silence::NoTraffic));
        assert_eq!(measure(Some(&zero), &of(Metric::DatabaseConnections), at(200)), Ok(vec![0.0; 3]));
    }
}
