//! The Horizontal Pod Autoscaler's formula: how many keep a metric at its target.

use lamp_api::v1alpha1::ScalingBehavior;

use super::finding::{Evidence, Wish};

/// Room for the error of floating point, so that exactly 3.0 instances are 3 and not 4.
pub(crate) const EPSILON: f64 = 1e-9;

/// Whether the newest minute counts by itself.
pub(super) fn is_urgent(evidence: &Evidence, target: f64, behavior: &ScalingBehavior) -> bool {
    let newest = evidence.newest();
    newest > evidence.steady() && newest / target >= f64::from(behavior.scale_up.urgent_percent) / 100.0
}

/// What a policy wants: by the median of the newest minutes, or, where the newest one is urgent, by that.
pub(super) fn wish(current: u32, evidence: &Evidence, target: f64, behavior: &ScalingBehavior) -> Wish {
    let by = |value| recommend(current, evidence.measured, value / target, behavior.tolerance);
    let steady = by(evidence.steady());
    let urgent = is_urgent(evidence, target, behavior);
    let now = if urgent { steady.max(by(evidence.newest())) } else { steady };
    let need = |value| needed(current, evidence.measured, value / target).0;
    Wish { now, steady: need(evidence.steady()), minute: need(evidence.newest()) }
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

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn evidence(minutes: [f64; 3], measured: u32) -> Evidence {
        Evidence { minutes: minutes.to_vec(), measured, missing: 0 }
    }

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
        let of = |newest| wish(4, &evidence([50.0, 50.0, newest], 4), 50.0, &behavior);
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
                wish(current, &evidence([value; 3], share.min(current)), 60.0, &behavior)
            };
            let (before, after) = (wish(low), wish(low + more));
            prop_assert!(before.now <= after.now && before.minute <= after.minute, "{before:?} {after:?}");
        }
    }
}
