//! What a metric says, or why it says nothing that a decision may rest on.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Metric;
use lamp_cloud::Series;

/// Length of the period that every metric is read with.
const PERIOD: SignedDuration = SignedDuration::from_secs(60);
/// The newest datapoints that a measure is made of.
const DATAPOINTS: usize = 3;
/// The newest datapoints lie within this many periods: 3 of 5.
const SPAN: SignedDuration = SignedDuration::from_secs(4 * 60);
/// Three periods, and two more that CloudWatch takes to gather and publish a minute.
const MAX_AGE: SignedDuration = SignedDuration::from_secs(5 * 60);

/// Why a metric decides nothing.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Silence {
    #[error("CloudWatch gave no complete answer")]
    Unanswered,
    #[error("there are {0} complete minutes of data, {DATAPOINTS} are needed")]
    TooFew(usize),
    #[error("the newest data is of {0}")]
    Stale(Timestamp),
    #[error("there are gaps since {0}")]
    Gaps(Timestamp),
    #[error("the value {value} at {at} is impossible")]
    Impossible { value: f64, at: Timestamp },
    #[error("no request was counted, and an unreachable site looks the same")]
    NoTraffic,
    #[error("nothing is warmed up and ready to be measured")]
    NobodyMeasured,
}

/// What a metric says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Measure {
    /// Of the newest three minutes: unlike an average, one wild minute does not move it at all.
    pub(crate) median: f64,
    /// Of the newest minute.
    pub(crate) newest: f64,
}

/// Reads the newest three minutes.
///
/// A minute that is not over is left out, because its sum is still growing. Zero requests are no evidence of low
/// load: a broken load balancer or name counts zero as well.
pub(crate) fn measure(series: Option<&Series>, metric: Metric, now: Timestamp) -> Result<Measure, Silence> {
    let series = series.filter(|series| !series.incomplete).ok_or(Silence::Unanswered)?;
    let points = newest(series, now)?;
    if let Some((at, value)) = points.iter().find(|(_, value)| !is_possible(metric, *value)) {
        return Err(Silence::Impossible { value: *value, at: *at });
    }
    let mut values = points.map(|(_, value)| value);
    let newest = values[DATAPOINTS - 1];
    values.sort_by(f64::total_cmp);
    let median = values[DATAPOINTS / 2];
    let no_traffic = metric == Metric::RequestCountPerTarget && median <= 0.0;
    if no_traffic { Err(Silence::NoTraffic) } else { Ok(Measure { median, newest }) }
}

/// The newest datapoints of complete minutes, if they are fresh and close together.
fn newest(series: &Series, now: Timestamp) -> Result<[(Timestamp, f64); DATAPOINTS], Silence> {
    let mut points: Vec<_> =
        series.points.iter().filter(|(start, _)| now.duration_since(*start) >= PERIOD).copied().collect();
    points.sort_by_key(|(start, _)| *start);
    points.dedup_by_key(|(start, _)| *start);
    let Some(newest) = points.last_chunk::<DATAPOINTS>().copied() else {
        return Err(Silence::TooFew(points.len()));
    };
    let (first, last) = (newest[0].0, newest[DATAPOINTS - 1].0);
    if now.duration_since(last) > MAX_AGE {
        return Err(Silence::Stale(last));
    }
    if last.duration_since(first) > SPAN {
        return Err(Silence::Gaps(first));
    }
    Ok(newest)
}

/// Whether a value can be true at all: finite, not negative, and below what no machine exceeds.
fn is_possible(metric: Metric, value: f64) -> bool {
    let most = match metric {
        Metric::CPUUtilization => 100.5,
        // Far above what one instance answers, or one database keeps open.
        Metric::RequestCountPerTarget => 1e9,
        Metric::DatabaseConnections => 1e6,
    };
    value.is_finite() && (0.0..=most).contains(&value)
}

#[cfg(test)]
mod tests {
    use super::*;

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
        measure(Some(&series(points)), Metric::CPUUtilization, at(now)).map(|measure| measure.median)
    }

    #[test]
    fn the_newest_minute_is_told_beside_the_median() {
        let points = series(&[(0, 40.0), (60, 42.0), (120, 100.0)]);
        let measure = measure(Some(&points), Metric::CPUUtilization, at(200));
        assert_eq!(measure, Ok(Measure { median: 42.0, newest: 100.0 }));
    }

    #[test]
    fn the_median_of_three_minutes_ignores_one_spike() {
        assert_eq!(cpu(&[(0, 40.0), (60, 100.0), (120, 42.0)], 200), Ok(42.0));
        assert_eq!(cpu(&[(0, 40.0), (60, 0.0), (120, 42.0)], 200), Ok(40.0));
    }

    #[test]
    fn a_minute_that_is_not_over_does_not_count() {
        assert_eq!(cpu(&[(0, 40.0), (60, 41.0), (120, 42.0), (180, 1.0)], 200), Ok(41.0));
        assert_eq!(cpu(&[(60, 41.0), (120, 42.0), (180, 1.0)], 200), Err(Silence::TooFew(2)));
    }

    #[test]
    fn old_sparse_impossible_and_missing_data_say_nothing() {
        let good = [(0, 40.0), (60, 41.0), (120, 42.0)];
        assert!(cpu(&good, 420).is_ok());
        assert_eq!(cpu(&good, 421), Err(Silence::Stale(at(120))));
        assert_eq!(cpu(&[(0, 1.0), (60, 1.0), (300, 1.0)], 400), Err(Silence::Gaps(at(0))));
        for value in [f64::INFINITY, -1.0, 1e18, 100.6] {
            let bad = cpu(&[(0, 40.0), (60, value), (120, 42.0)], 200);
            assert_eq!(bad, Err(Silence::Impossible { value, at: at(60) }));
        }
        assert!(matches!(cpu(&[(0, f64::NAN), (60, 1.0), (120, 1.0)], 200), Err(Silence::Impossible { .. })));
        assert_eq!(measure(None, Metric::CPUUtilization, at(0)), Err(Silence::Unanswered));
        let partial = Series { incomplete: true, ..series(&good) };
        assert_eq!(measure(Some(&partial), Metric::CPUUtilization, at(200)), Err(Silence::Unanswered));
    }

    #[test]
    fn no_requests_are_no_evidence() {
        let zero = series(&[(0, 0.0), (60, 0.0), (120, 0.0)]);
        assert_eq!(measure(Some(&zero), Metric::RequestCountPerTarget, at(200)), Err(Silence::NoTraffic));
        let none = Measure { median: 0.0, newest: 0.0 };
        assert_eq!(measure(Some(&zero), Metric::DatabaseConnections, at(200)), Ok(none));
    }
}
