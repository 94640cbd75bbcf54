//! `Step` and `Simple` policies: so many more, or fewer, where a metric is how high.
//!
//! The rules are those of EC2 Auto Scaling:
//! <https://docs.aws.amazon.com/autoscaling/ec2/userguide/as-scaling-simple-step.html>.

use std::cmp::Ordering;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{AdjustmentType, Comparison, ScalingPolicy, ScalingStep};

use super::finding::{Evidence, Wish, round};
use crate::ScalingMemory;

/// What the steps want. Capacity that is warming counts as added already, so that one breach does not add twice; while
/// any is warming, nothing is removed.
pub(super) fn step(policy: &ScalingPolicy, current: u32, evidence: &Evidence) -> Option<Wish> {
    let warm = evidence.measured.min(current);
    let up = chosen(policy, evidence, current, Ordering::Greater);
    let more = up.map(|step| adjusted(policy, step.adjustment, warm)).filter(|more| *more > current);
    if let Some(more) = more {
        return Some(Wish::at_least(more));
    }
    let down = chosen(policy, evidence, current, Ordering::Less).filter(|_| up.is_none() && warm == current);
    match down.map(|step| adjusted(policy, step.adjustment, current)) {
        Some(fewer) if fewer < current => Some(Wish::down_to(fewer)),
        _ => can_shrink(policy).then(|| Wish::at_least(current)),
    }
}

/// What a `Simple` policy wants, unless it cools down from the last change.
pub(super) fn simple(policy: &ScalingPolicy, current: u32, evidence: &Evidence, cools: bool) -> Option<Wish> {
    let wanted = policy.adjustment.map(|adjustment| adjusted(policy, adjustment, current));
    match wanted.filter(|_| is_breached(policy, evidence) && !cools) {
        Some(more) if more > current => Some(Wish::at_least(more)),
        Some(fewer) if fewer < current => Some(Wish::down_to(fewer)),
        _ => can_shrink(policy).then(|| Wish::at_least(current)),
    }
}

/// Until when a `Simple` policy changes nothing.
pub(super) fn cools_until(policy: &ScalingPolicy, memory: &ScalingMemory) -> Option<Timestamp> {
    let seconds = policy.cooldown_seconds.unwrap_or(ScalingPolicy::COOLDOWN_SECONDS);
    memory.changed_at?.saturating_add(SignedDuration::from_secs(i64::from(seconds))).ok()
}

/// The rule that holds, in words.
pub(super) fn rule(policy: &ScalingPolicy, evidence: &Evidence) -> String {
    if let Some(threshold) = policy.threshold {
        let breached = if is_breached(policy, evidence) { "" } else { "not " };
        let words = words(policy.comparison.unwrap_or_default());
        return format!("{breached}{words} {}", round(threshold));
    }
    let holds = |way| chosen(policy, evidence, evidence.measured, way);
    match holds(Ordering::Greater).or_else(|| holds(Ordering::Less)) {
        Some(step) => format!("step {}", range(step)),
        None => "no step".to_owned(),
    }
}

/// The value that at least as many of the newest minutes reach as must, seen from above or from below.
fn agreed(policy: &ScalingPolicy, evidence: &Evidence, way: Ordering) -> Option<f64> {
    let needed = policy.datapoints_to_alarm.unwrap_or(ScalingPolicy::DATAPOINTS_TO_ALARM);
    let mut sorted = evidence.minutes.clone();
    sorted.sort_by(f64::total_cmp);
    if way == Ordering::Greater {
        sorted.reverse();
    }
    sorted.get(usize::try_from(needed).ok()?.checked_sub(1)?).copied()
}

/// The step that holds, of those that make the capacity larger or smaller.
fn chosen<'p>(
    policy: &'p ScalingPolicy,
    evidence: &Evidence,
    current: u32,
    way: Ordering,
) -> Option<&'p ScalingStep> {
    let value = agreed(policy, evidence, way)?;
    let goes = |step: &&ScalingStep| adjusted(policy, step.adjustment, current).cmp(&current) == way;
    let holds = |step: &&ScalingStep| {
        step.from.is_none_or(|from| value >= from) && step.to.is_none_or(|to| value < to)
    };
    policy.steps.iter().filter(goes).find(holds)
}

fn is_breached(policy: &ScalingPolicy, evidence: &Evidence) -> bool {
    let Some(threshold) = policy.threshold else { return false };
    let (way, or_equal) = match policy.comparison.unwrap_or_default() {
        Comparison::GreaterThanOrEqualToThreshold => (Ordering::Greater, true),
        Comparison::GreaterThanThreshold => (Ordering::Greater, false),
        Comparison::LessThanOrEqualToThreshold => (Ordering::Less, true),
        Comparison::LessThanThreshold => (Ordering::Less, false),
    };
    let value = agreed(policy, evidence, way);
    value
        .and_then(|value| value.partial_cmp(&threshold))
        .is_some_and(|order| order == way || (or_equal && order == Ordering::Equal))
}

/// The capacity after an adjustment. A share is at least one, and rounded towards the capacity.
fn adjusted(policy: &ScalingPolicy, adjustment: i32, from: u32) -> u32 {
    let (from, adjustment) = (i64::from(from), i64::from(adjustment));
    let wanted = match policy.adjustment_type.unwrap_or_default() {
        AdjustmentType::ExactCapacity => adjustment,
        AdjustmentType::ChangeInCapacity => from + adjustment,
        AdjustmentType::PercentChangeInCapacity => {
            let share = from * adjustment / 100;
            from + if share == 0 { adjustment.signum() } else { share }
        }
    };
    u32::try_from(wanted.max(0)).unwrap_or(u32::MAX)
}

/// Whether the policy is one that makes the capacity smaller: then it has a say in that.
fn can_shrink(policy: &ScalingPolicy) -> bool {
    let exact = policy.adjustment_type == Some(AdjustmentType::ExactCapacity);
    let mut all = policy.steps.iter().map(|step| step.adjustment).chain(policy.adjustment);
    all.any(|adjustment| exact || adjustment < 0)
}

fn words(comparison: Comparison) -> &'static str {
    match comparison {
        Comparison::GreaterThanOrEqualToThreshold => "at least",
        Comparison::GreaterThanThreshold => "more than",
        Comparison::LessThanOrEqualToThreshold => "at most",
        Comparison::LessThanThreshold => "less than",
    }
}

fn range(step: &ScalingStep) -> String {
    match (step.from, step.to) {
        (Some(from), Some(to)) => format!("from {} to {}", round(from), round(to)),
        (Some(from), None) => format!("from {}", round(from)),
        (None, Some(to)) => format!("below {}", round(to)),
        (None, None) => "of everything".to_owned(),
    }
}

#[cfg(test)]
#[path = "adjustment/tests.rs"]
mod tests;
