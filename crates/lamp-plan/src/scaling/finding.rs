//! What one policy found, and what it wants.

use jiff::Timestamp;
use lamp_api::v1alpha1::{CustomMetric, ScalingBehavior, ScalingPolicy, ScalingPolicyType};

use super::measure::Silence;
use super::{adjustment, target_tracking};
use crate::ScalingMemory;

/// What one policy found.
#[derive(Clone, Debug)]
pub(crate) struct Finding<'a> {
    pub(crate) policy: &'a ScalingPolicy,
    pub(crate) evidence: Result<Evidence, Silence>,
}

/// A metric, and whom it speaks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Evidence {
    /// Average over those that were measured, of each of the newest minutes, the newest last; never empty.
    pub(crate) minutes: Vec<f64>,
    /// How many were measured: they serve, and are warmed up.
    pub(crate) measured: u32,
    /// How many serve but gave no usable data: then nothing shrinks.
    pub(crate) missing: u32,
}

impl Evidence {
    /// The median of the newest minutes: unlike an average, one wild minute does not move it at all.
    pub(crate) fn steady(&self) -> f64 {
        let mut sorted = self.minutes.clone();
        sorted.sort_by(f64::total_cmp);
        sorted.get(sorted.len() / 2).copied().unwrap_or(f64::NAN)
    }

    /// The newest minute.
    pub(crate) fn newest(&self) -> f64 {
        self.minutes.last().copied().unwrap_or(f64::NAN)
    }
}

/// What one policy wants of a capacity.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Wish {
    /// What is wanted now; the capacity itself, where nothing is to change.
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

    /// So many, or more.
    pub(crate) fn at_least(capacity: u32) -> Self {
        Self { now: capacity, steady: capacity, minute: capacity }
    }

    /// So many for as long as this is wished: no load needed them, and nothing is held by them afterwards.
    pub(crate) fn while_needed(capacity: u32) -> Self {
        Self { now: capacity, steady: capacity, minute: 0 }
    }

    /// So many fewer that `capacity` are left, without knowing how many would be enough.
    pub(crate) fn down_to(capacity: u32) -> Self {
        Self { now: capacity, steady: 0, minute: 0 }
    }
}

impl Finding<'_> {
    /// Whether there was data of everything that serves.
    pub(crate) fn is_complete(&self) -> bool {
        self.evidence.as_ref().is_ok_and(|evidence| evidence.missing == 0)
    }

    /// What is wanted of the capacity; `None`, if the policy has no say now.
    pub(crate) fn wish(
        &self,
        current: u32,
        behavior: &ScalingBehavior,
        memory: &ScalingMemory,
        now: Timestamp,
    ) -> Option<Wish> {
        let evidence = self.evidence.as_ref().ok()?;
        match self.policy.kind {
            ScalingPolicyType::TargetTracking => {
                Some(target_tracking::wish(current, evidence, self.policy.target?, behavior))
            }
            ScalingPolicyType::Step => adjustment::step(self.policy, current, evidence),
            ScalingPolicyType::Simple => {
                let cools_until = adjustment::cools_until(self.policy, memory);
                let cools = cools_until.is_some_and(|until| now < until);
                adjustment::simple(self.policy, current, evidence, cools)
            }
            ScalingPolicyType::Scheduled | ScalingPolicyType::Predictive => None,
        }
    }

    /// The finding in a sentence.
    pub(crate) fn sentence(&self, behavior: &ScalingBehavior) -> String {
        let metric = label(self.policy);
        let evidence = match &self.evidence {
            Err(silence) => return format!("{metric} decides nothing: {silence}"),
            Ok(evidence) => evidence,
        };
        let missing = match evidence.missing {
            0 => String::new(),
            missing => format!(", {missing} without data"),
        };
        let of = format!("on {}{missing}", evidence.measured);
        match (self.policy.kind, self.policy.target) {
            (ScalingPolicyType::TargetTracking, Some(target)) => {
                let value = if target_tracking::is_urgent(evidence, target, behavior) {
                    format!("{} in the newest minute", round(evidence.newest()))
                } else {
                    round(evidence.steady())
                };
                format!("{metric} {value} against a target of {} {of}", round(target))
            }
            _ => {
                let minutes: Vec<_> = evidence.minutes.iter().map(|value| round(*value)).collect();
                let rule = adjustment::rule(self.policy, evidence);
                format!("{metric} {} in the newest minutes {of}, {rule}", minutes.join(", "))
            }
        }
    }
}

/// What a policy follows, as people know it.
pub(crate) fn label(policy: &ScalingPolicy) -> String {
    match (policy.metric, &policy.custom_metric) {
        (Some(metric), _) => metric.as_str().to_owned(),
        (None, Some(custom)) => custom_label(custom),
        (None, None) => "its metric".to_owned(),
    }
}

fn custom_label(custom: &CustomMetric) -> String {
    match (&custom.expression, custom.metrics.first()) {
        (Some(expression), _) => expression.clone(),
        (None, Some(source)) => format!("{} {}", source.namespace, source.name),
        (None, None) => String::new(),
    }
}

/// A number with at most one decimal, or two digits where it is small, as people read it.
pub(crate) fn round(value: f64) -> String {
    if value != 0.0 && value.abs() < 1.0 {
        let text = format!("{value:.2}");
        return text.trim_end_matches('0').trim_end_matches('.').to_owned();
    }
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map_or(text.clone(), str::to_owned)
}
