//! The Horizontal Pod Autoscaler's formula: how many keep a metric at its target.

use lamp_api::v1alpha1::{Metric, ScalingBehavior, ScalingPolicy};

use super::measure::Silence;

/// What one policy found.
#[derive(Clone, Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) policy: &'a ScalingPolicy,
    pub(crate) evidence: Result<Evidence, Silence>,
}

/// A metric, and whom it speaks for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Evidence {
    /// Average over those that were measured, of the median of the newest minutes.
    pub(crate) average: f64,
    /// The same of the newest minute alone.
    pub(crate) newest: f64,
    /// How many were measured: they serve, and are warmed up.
    pub(crate) measured: u32,
    /// How many serve but gave no usable data: then nothing shrinks.
    pub(crate) missing: u32,
}

impl Evidence {
    /// Whether the newest minute counts by itself.
    fn is_urgent(self, target: f64, behavior: &ScalingBehavior) -> bool {
        self.newest > self.average
            && self.newest / target >= f64::from(behavior.scale_up.urgent_percent) / 100.0
    }
}

/// What one policy wants of a capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// What is wanted now; the capacity itself, within the tolerance.
    pub(crate) now: u32,
    /// What the median of the newest minutes needs, to the instance.
    pub(crate) steady: u32,
    /// What the newest minute needs, to the instance.
    pub(crate) minute: u32,
}

impl Wish {
    /// The larger of two in each respect.
    pub(crate) fn max(self, other: Self) -> Self {
        Self {
            now: self.now.max(other.now),
            steady: self.steady.max(other.steady),
            minute: self.minute.max(other.minute),
        }
    }

    /// The wish to stay as it is.
    pub(crate) fn stay(current: u32) -> Self {
        Self { now: current, steady: current, minute: current }
    }
}

/// Room for the error of floating point, so that exactly 3.0 instances are 3 and not 4.
pub(crate) const EPSILON: f64 = 1e-9;

/// What a policy wants: by the median of the newest minutes, or, where the newest one is urgent, by that.
pub(crate) fn wish(current: u32, evidence: Evidence, target: f64, behavior: &ScalingBehavior) -> Wish {
    let by = |value| recommend(current, evidence.measured, value / target, behavior.tolerance);
    let steady = by(evidence.average);
    let now = if evidence.is_urgent(target, behavior) { steady.max(by(evidence.newest)) } else { steady };
    let need = |value| needed(current, evidence.measured, value / target).0;
    Wish { now, steady: need(evidence.average), minute: need(evidence.newest) }
}

/// `ceil(measured x average / target)`, and what part of the capacity that is.
///
/// Those not measured yet count as idle when that would grow the capacity, and as exactly on target when it would
/// shrink it. They never turn the direction round.
fn needed(current: u32, measured: u32, ratio: f64) -> (u32, f64) {
    let (measured, unmeasured) = (f64::from(measured), f64::from(current.saturating_sub(measured)));
    let filled = if ratio < 1.0 { unmeasured } else { 0.0 };
    let wanted = ratio * measured + filled;
    let adjusted = wanted / (measured + unmeasured);
    if !adjusted.is_finite() || (ratio < 1.0) != (adjusted < 1.0) {
        return (current, 1.0);
    }
    // A cast to an integer saturates: too large a wish ends at the upper bound.
    let whole = (wanted - EPSILON).ceil().max(0.0) as u32;
    (if ratio < 1.0 { whole.min(current) } else { whole.max(current) }, adjusted)
}

/// How many are wanted: as many as there are, inside the tolerance.
fn recommend(current: u32, measured: u32, ratio: f64, tolerance: f64) -> u32 {
    let (wanted, adjusted) = needed(current, measured, ratio);
    if (adjusted - 1.0).abs() <= tolerance + EPSILON { current } else { wanted }
}

impl Finding<'_> {
    /// Whether there was data of everything that serves.
    pub(crate) fn is_complete(&self) -> bool {
        self.evidence.as_ref().is_ok_and(|evidence| evidence.missing == 0)
    }

    /// The finding in a sentence.
    pub(crate) fn sentence(&self, behavior: &ScalingBehavior) -> String {
        let metric = name(self.policy.metric);
        match &self.evidence {
            Err(silence) => format!("{metric} decides nothing: {silence}"),
            Ok(evidence) => {
                let missing = if evidence.missing == 0 {
                    String::new()
                } else {
                    format!(", {} without data", evidence.missing)
                };
                let value = if evidence.is_urgent(self.policy.target, behavior) {
                    format!("{} in the newest minute", round(evidence.newest))
                } else {
                    round(evidence.average)
                };
                let target = round(self.policy.target);
                format!("{metric} {value} against a target of {target} on {}{missing}", evidence.measured)
            }
        }
    }
}

/// The metric's name, as the spec writes it.
fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::CPUUtilization => "CPUUtilization",
        Metric::RequestCountPerTarget => "RequestCountPerTarget",
        Metric::DatabaseConnections => "DatabaseConnections",
    }
}

/// A number with at most one decimal, as people read it.
fn round(value: f64) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn at(current: u32, measured: u32, average: f64) -> u32 {
        recommend(current, measured, average / 60.0, 0.1)
    }

    #[test]
    fn the_formula_of_the_horizontal_pod_autoscaler() {
        // current, measured, average of a target of 60 -> wanted
        let table = [
            (4, 4, 90.0, 6),
            (4, 4, 60.0, 4),
            (4, 4, 65.9, 4), // inside the tolerance
            (4, 4, 66.1, 5),
            (4, 4, 54.1, 4), // inside the tolerance
            (4, 4, 30.0, 2),
            (4, 4, 0.0, 0),
            (3, 3, 40.0, 2), // exactly 2.0
            (4, 2, 90.0, 4), // two are warming and idle: 3 would do, 4 are coming
            (4, 2, 100.0, 4),
            (4, 2, 240.0, 8),
            (4, 2, 30.0, 3), // two are warming and on target: 1 + 2
            (5, 0, 30.0, 5), // nobody measured
        ];
        for (current, measured, average, wanted) in table {
            assert_eq!(at(current, measured, average), wanted, "{current} {measured} {average}");
        }
    }

    #[test]
    fn one_urgent_minute_counts_at_once_and_a_lesser_one_waits_for_another() {
        let behavior = ScalingBehavior::default();
        let of = |newest| {
            let evidence = Evidence { average: 50.0, newest, measured: 4, missing: 0 };
            wish(4, evidence, 50.0, &behavior)
        };
        assert_eq!(of(66.0), Wish { now: 4, steady: 4, minute: 6 });
        assert_eq!(of(67.0), Wish { now: 6, steady: 4, minute: 6 });
        assert_eq!(of(51.0), Wish { now: 4, steady: 4, minute: 5 }, "the minute is counted to the instance");
        assert_eq!(of(10.0), Wish { now: 4, steady: 4, minute: 1 });
    }

    proptest! {
        #[test]
        fn more_load_never_wants_fewer(
            current in 1u32..50, share in 0u32..=50, low in 0.0f64..200.0, more in 0.0f64..200.0, tolerance in 0.0f64..0.5,
        ) {
            let behavior = ScalingBehavior { tolerance, ..ScalingBehavior::default() };
            let wish = |value| {
                let evidence = Evidence { average: value, newest: value, measured: share.min(current), missing: 0 };
                wish(current, evidence, 60.0, &behavior)
            };
            let (before, after) = (wish(low), wish(low + more));
            prop_assert!(before.now <= after.now && before.minute <= after.minute, "{before:?} {after:?}");
        }
    }
}
