//! Scaling policies of tiers and of read replicas.

use super::bounds::within;
use crate::FieldError;
use crate::v1alpha1::{Metric, ScaleDown, ScaleUp, Scaling, ScalingPolicy};

/// What is scaled; it decides which metrics exist.
#[derive(Clone, Copy)]
pub(super) enum Subject {
    Tier { balanced: bool },
    Replicas,
}

pub(super) fn check(scaling: &Scaling, subject: Subject, path: &str, errors: &mut Vec<FieldError>) {
    for (index, policy) in scaling.policies.iter().enumerate() {
        let field = format!("{path}.policies[{index}]");
        target(policy, &field, errors);
        metric(policy.metric, subject, &field, errors);
        if scaling.policies[..index].iter().any(|earlier| earlier.metric == policy.metric) {
            errors.push(FieldError::duplicate(format!("{field}.metric"), name(policy.metric)));
        }
    }
    let behavior = &scaling.behavior;
    within(errors, format!("{path}.behavior.tolerance"), behavior.tolerance, 0.0..=0.5);
    within(errors, format!("{path}.behavior.warmupSeconds"), behavior.warmup_seconds, 0..=3600);
    up(&behavior.scale_up, &format!("{path}.behavior.scaleUp"), errors);
    down(&behavior.scale_down, &format!("{path}.behavior.scaleDown"), errors);
}

fn target(policy: &ScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.target");
    let target = policy.target;
    if policy.metric == Metric::CPUUtilization {
        if !(10.0..=100.0).contains(&target) {
            errors.push(FieldError::invalid(field, target, "must be from 10 to 100 per cent of CPU"));
        }
    } else if !(target.is_finite() && target > 0.0) {
        errors.push(FieldError::invalid(field, target, "must be more than 0"));
    }
}

fn metric(metric: Metric, subject: Subject, path: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{path}.metric");
    match (metric, subject) {
        (Metric::RequestCountPerTarget, Subject::Tier { balanced: false }) => {
            let detail = "RequestCountPerTarget is counted by a load balancer, and this tier has none";
            errors.push(FieldError::forbidden(field, detail));
        }
        (Metric::DatabaseConnections, Subject::Tier { .. }) => {
            let supported = ["CPUUtilization", "RequestCountPerTarget"];
            errors.push(FieldError::not_supported(field, name(metric), &supported));
        }
        (Metric::RequestCountPerTarget, Subject::Replicas) => {
            let supported = ["CPUUtilization", "DatabaseConnections"];
            errors.push(FieldError::not_supported(field, name(metric), &supported));
        }
        _ => {}
    }
}

fn name(metric: Metric) -> &'static str {
    match metric {
        Metric::CPUUtilization => "CPUUtilization",
        Metric::RequestCountPerTarget => "RequestCountPerTarget",
        Metric::DatabaseConnections => "DatabaseConnections",
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
    within(errors, format!("{path}.agreementPercent"), rules.agreement_percent, 50..=100);
    within(errors, format!("{path}.percentPerMinute"), rules.percent_per_minute, 0..=1000);
}
