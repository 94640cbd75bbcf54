//! What is wrong for a while, rather than with one call.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Series, Service};

use super::Fault;
use crate::dice::Dice;

/// A service, or all, that fails for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct BrownOut {
    /// `None` is every service.
    pub service: Option<Service>,
    pub from: Timestamp,
    pub to: Timestamp,
    /// Share of its calls that fail.
    pub share: f64,
}

/// A fault that strikes the calls of a service, or all, for a while.
#[derive(Clone, Debug, PartialEq)]
pub struct Spell {
    pub fault: Fault,
    /// `None` is every service.
    pub service: Option<Service>,
    pub from: Timestamp,
    pub to: Timestamp,
    /// Share of the calls that it fits and strikes.
    pub share: f64,
}

/// No room for an instance type in a zone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Shortage {
    /// `None` is every zone.
    pub zone: Option<String>,
    /// `None` is every type.
    pub instance_type: Option<String>,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// The subnets of a zone have no address left.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Crowding {
    /// `None` is every zone.
    pub zone: Option<String>,
    pub from: Timestamp,
    pub to: Timestamp,
}

impl Crowding {
    pub(super) fn fills(&self, zone: &str, now: Timestamp) -> bool {
        self.zone.as_deref().is_none_or(|name| name == zone) && self.from <= now && now < self.to
    }
}

/// Metrics that are not what they should be, for a while.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MetricSpell {
    pub trouble: MetricTrouble,
    pub from: Timestamp,
    pub to: Timestamp,
}

/// What is wrong with metrics.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MetricTrouble {
    /// There are no datapoints.
    Missing,
    /// Datapoints come so much later.
    Delayed(Duration),
    /// Half of the metrics are said to be incomplete.
    Partial,
    NotANumber,
    Negative,
    /// More than anything can be.
    Huge,
    /// The same value again and again.
    Stuck,
    /// The newest datapoint is a hundred times what it should be.
    Spike,
}

impl MetricSpell {
    pub(crate) fn is_on(&self, now: Timestamp) -> bool {
        self.from <= now && now < self.to
    }

    /// What is told instead of the truth.
    pub(crate) fn spoil(&self, resource: &str, series: &mut Series, now: Timestamp, dice: Dice) {
        let first = series.points.first().map_or(0.0, |(_, value)| *value);
        let every = |series: &mut Series, value: fn(f64) -> f64| {
            series.points.iter_mut().for_each(|point| point.1 = value(point.1));
        };
        match self.trouble {
            MetricTrouble::Missing => series.points.clear(),
            MetricTrouble::Delayed(by) => series.points.retain(|(at, _)| *at + by <= now),
            MetricTrouble::Partial => {
                series.incomplete |= dice.share(&["partial", resource], 0) < 0.5;
            }
            MetricTrouble::NotANumber => every(series, |_| f64::NAN),
            MetricTrouble::Negative => every(series, |value| -value - 1.0),
            MetricTrouble::Huge => every(series, |_| 1e18),
            MetricTrouble::Stuck => series.points.iter_mut().for_each(|point| point.1 = first),
            MetricTrouble::Spike => {
                series.points.last_mut().into_iter().for_each(|point| point.1 *= 100.0);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn told(trouble: MetricTrouble) -> Vec<f64> {
        let at = |second| Timestamp::from_second(1_800_000_000 + i64::from(second)).unwrap();
        let points = vec![(at(0), 1.0), (at(60), 2.0), (at(120), 3.0)];
        let mut series = Series { points, incomplete: false };
        let spell = MetricSpell { trouble, from: at(0), to: at(600) };
        spell.spoil("web", &mut series, at(200), Dice::new(1));
        series.points.into_iter().map(|(_, value)| value).collect()
    }

    #[test]
    fn metrics_lie_in_many_ways() {
        assert_eq!(told(MetricTrouble::Missing), Vec::<f64>::new());
        assert_eq!(told(MetricTrouble::Delayed(Duration::from_secs(120))), [1.0, 2.0]);
        assert_eq!(told(MetricTrouble::Negative), [-2.0, -3.0, -4.0]);
        assert_eq!(told(MetricTrouble::Stuck), [1.0, 1.0, 1.0]);
        assert_eq!(told(MetricTrouble::Spike), [1.0, 2.0, 300.0]);
        assert_eq!(told(MetricTrouble::Huge), [1e18; 3]);
        assert!(told(MetricTrouble::NotANumber).iter().all(|value| value.is_nan()));
    }
}
