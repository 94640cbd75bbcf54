//! The Horizontal Pod Autoscaler's formula: how many keep a metric at its target.

use lamp_api::v1alpha1::{Metric, ScalingPolicy};

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
    /// Average over those that were measured.
    pub(crate) average: f64,
    /// How many were measured: they serve, and are warmed up.
    pub(crate) measured: u32,
    /// How many serve but gave no usable data: then nothing shrinks.
    pub(crate) missing: u32,
}

/// Room for the error of floating point, so that exactly 3.0 instances are 3 and not 4.
const EPSILON: f64 = 1e-9;

/// How many are wanted: `ceil(measured x average / target)`.
///
/// Those not measured yet count as idle when that would grow the capacity, and as exactly on target when it would
/// shrink it; if this turns the direction round, or falls inside the tolerance, nothing changes.
pub(crate) fn recommend(current: u32, evidence: Evidence, target: f64, tolerance: f64) -> u32 {
    let measured = f64::from(evidence.measured);
    let unmeasured = f64::from(current.saturating_sub(evidence.measured));
    let ratio = evidence.average / target;
    let filled = if ratio < 1.0 { unmeasured } else { 0.0 };
    let wanted = ratio * measured + filled;
    let adjusted = wanted / (measured + unmeasured);
    let turned = (ratio < 1.0) != (adjusted < 1.0);
    if !adjusted.is_finite() || turned || (adjusted - 1.0).abs() <= tolerance + EPSILON {
        return current;
    }
    // A cast to an integer saturates: too large a wish ends at the upper bound.
    let wanted = (wanted - EPSILON).ceil().max(0.0) as u32;
    if ratio < 1.0 { wanted.min(current) } else { wanted.max(current) }
}

impl Finding<'_> {
    /// Whether there was data of everything that serves.
    pub(crate) fn is_complete(&self) -> bool {
        self.evidence.as_ref().is_ok_and(|evidence| evidence.missing == 0)
    }

    /// The finding in a sentence.
    pub(crate) fn sentence(&self) -> String {
        let metric = name(self.policy.metric);
        match &self.evidence {
            Err(silence) => format!("{metric} decides nothing: {silence}"),
            Ok(evidence) => {
                let missing = if evidence.missing == 0 {
                    String::new()
                } else {
                    format!(", {} without data", evidence.missing)
                };
                let (average, target) = (round(evidence.average), round(self.policy.target));
                format!("{metric} {average} against a target of {target} on {}{missing}", evidence.measured)
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
        recommend(current, Evidence { average, measured, missing: 0 }, 60.0, 0.1)
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

    proptest! {
        #[test]
        fn more_load_never_wants_fewer(
            current in 1u32..50, share in 0u32..=50, low in 0.0f64..200.0, more in 0.0f64..200.0, tolerance in 0.0f64..0.5,
        ) {
            let evidence = |average| Evidence { average, measured: share.min(current), missing: 0 };
            let (before, after) = (low, low + more);
            prop_assert!(
                recommend(current, evidence(before), 60.0, tolerance)
                    <= recommend(current, evidence(after), 60.0, tolerance)
            );
        }
    }
}
