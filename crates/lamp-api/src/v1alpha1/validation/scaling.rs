//! Scaling of tiers and of read replicas: the policies together, and how fast they may act.

use super::bounds::within;
use super::policy;
use crate::FieldError;
use crate::v1alpha1::{PolicyOwner, ScaleDown, ScaleUp, Scaling, ScalingPolicyType};

/// What is scaled; it decides which metrics exist, and bounds what a schedule may set.
#[derive(Clone, Copy)]
pub(super) struct Subject {
    pub(super) kind: SubjectKind,
    pub(super) min: u32,
    pub(super) max: u32,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum SubjectKind {
    Tier { balanced: bool, database: bool },
    Replicas,
}

pub(super) fn check(scaling: &Scaling, subject: Subject, path: &str, errors: &mut Vec<FieldError>) {
    for (index, policy) in scaling.policies.iter().enumerate() {
        let field = format!("{path}.policies[{index}]");
        policy::check(policy, subject, &field, errors);
        let same = |earlier: &&crate::v1alpha1::ScalingPolicy| {
            let tracked = policy.kind == ScalingPolicyType::TargetTracking;
            (tracked || policy.kind == ScalingPolicyType::Predictive) && earlier.kind == policy.kind
        };
        let earlier = scaling.policies[..index].iter().filter(same);
        if let Some(metric) =
            policy.metric.filter(|metric| earlier.clone().any(|it| it.metric == Some(*metric)))
        {
            errors.push(FieldError::duplicate(format!("{field}.metric"), metric.as_str()));
        }
    }
    one_owner(scaling, path, errors);
    let behavior = &scaling.behavior;
    within(errors, format!("{path}.behavior.tolerance"), behavior.tolerance, 0.0..=0.5);
    within(errors, format!("{path}.behavior.warmupSeconds"), behavior.warmup_seconds, 0..=3600);
    up(&behavior.scale_up, &format!("{path}.behavior.scaleUp"), errors);
    down(&behavior.scale_down, &format!("{path}.behavior.scaleDown"), errors);
}

/// Two who change one capacity undo each other's work.
fn one_owner(scaling: &Scaling, path: &str, errors: &mut Vec<FieldError>) {
    if !scaling.is_owned_by_aws() {
        return;
    }
    for (index, policy) in scaling.policies.iter().enumerate() {
        let field = format!("{path}.policies[{index}]");
        let scheduled = policy.kind == ScalingPolicyType::Scheduled;
        if scheduled && policy.desired.is_some() {
            let detail = "AWS owns the capacity, by another policy; a schedule can set min and max";
            errors.push(FieldError::forbidden(format!("{field}.desired"), detail));
        } else if !scheduled && policy.owner != PolicyOwner::Aws {
            let detail = "must be AWS like that of the other policies: two owners of one capacity undo each other's work";
            errors.push(FieldError::invalid(format!("{field}.owner"), "Lamplighter", detail));
        }
    }
}

fn up(rules: &ScaleUp, path: &str, errors: &mut Vec<FieldError>) {
    let window = rules.stabilization_window_seconds;
    within(errors, format!("{path}.stabilizationWindowSeconds"), window, 0..=3600);
    within(errors, format!("{path}.percentPerMinute"), rules.percent_per_minute, 0..=1000);
    within(errors, format!("{path}.urgentPercent"), rules.urgent_percent, 100..=1000);
}

fn down(rules: &ScaleDown, path: &str, errors: &mut Vec<FieldError>) {
    let window = rules.stabilization_window_seconds;
    within(errors, format!("{path}.stabilizationWindowSeconds"), window, 0..=3600);
    within(errors, format!("{path}.cooldownSeconds"), rules.cooldown_seconds, 0..=3600);
    within(errors, format!("{path}.agreementPercent"), rules.agreement_percent, 50..=100);
    within(errors, format!("{path}.percentPerMinute"), rules.percent_per_minute, 0..=1000);
}
