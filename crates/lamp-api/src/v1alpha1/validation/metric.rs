//! What a scaling policy follows.

use super::bounds::{only, unique, within};
use super::scaling::SubjectKind;
use crate::FieldError;
use crate::v1alpha1::{
    CustomMetric, Formula, Metric, MetricSource, ScalingPolicy, ScalingPolicyType, is_statistic,
};

/// Metrics of one formula; CloudWatch is paid for each.
const MAX_METRICS: usize = 10;
/// CloudWatch's limit of dimensions.
const MAX_DIMENSIONS: usize = 30;

pub(super) fn check(policy: &ScalingPolicy, subject: SubjectKind, path: &str, errors: &mut Vec<FieldError>) {
    match (policy.metric, &policy.custom_metric) {
        (Some(_), Some(_)) => {
            let detail = "set either metric or customMetric, not both";
            errors.push(FieldError::forbidden(format!("{path}.customMetric"), detail));
        }
        (None, None)
            if !matches!(policy.kind, ScalingPolicyType::Scheduled | ScalingPolicyType::Predictive) =>
        {
            errors.push(FieldError::required(format!("{path}.metric"), "set metric or customMetric"));
        }
        _ => {}
    }
    if let Some(metric) = policy.metric {
        named(metric, policy.kind, subject, path, errors);
    }
    statistic(policy, path, errors);
    if let Some(custom) = &policy.custom_metric {
        self::custom(custom, subject, &format!("{path}.customMetric"), errors);
    }
}

fn named(
    metric: Metric,
    kind: ScalingPolicyType,
    subject: SubjectKind,
    path: &str,
    errors: &mut Vec<FieldError>,
) {
    let field = format!("{path}.metric");
    let supported = supported(kind, subject);
    let by_balancer = matches!(metric, Metric::RequestCountPerTarget | Metric::TargetResponseTime);
    if kind == ScalingPolicyType::TargetTracking && !metric.is_proportional() {
        let detail = format!(
            "{} does not fall in proportion to the capacity, so a target says nothing of how much is needed; use a policy of type Step",
            metric.as_str()
        );
        errors.push(FieldError::forbidden(field, detail));
    } else if !supported.contains(&metric) {
        let names: Vec<_> = supported.iter().map(|metric| metric.as_str()).collect();
        errors.push(FieldError::not_supported(field, metric.as_str(), &names));
    } else if by_balancer && matches!(subject, SubjectKind::Tier { balanced: false, .. }) {
        let detail = format!("{} is counted by a load balancer, and this tier has none", metric.as_str());
        errors.push(FieldError::forbidden(field, detail));
    }
}

fn supported(kind: ScalingPolicyType, subject: SubjectKind) -> &'static [Metric] {
    match (subject, kind) {
        (SubjectKind::Tier { .. }, ScalingPolicyType::Predictive) => {
            &[Metric::CPUUtilization, Metric::RequestCountPerTarget]
        }
        (SubjectKind::Tier { .. }, _) => &[
            Metric::CPUUtilization,
            Metric::RequestCountPerTarget,
            Metric::TargetResponseTime,
            Metric::NetworkIn,
            Metric::NetworkOut,
        ],
        (SubjectKind::Replicas, ScalingPolicyType::Predictive) => {
            &[Metric::CPUUtilization, Metric::DatabaseConnections]
        }
        (SubjectKind::Replicas, _) => {
            &[Metric::CPUUtilization, Metric::DatabaseConnections, Metric::ReplicaLag]
        }
    }
}

fn statistic(policy: &ScalingPolicy, path: &str, errors: &mut Vec<FieldError>) {
    let Some(statistic) = &policy.statistic else { return };
    let field = format!("{path}.statistic");
    let counts = matches!(statistic.as_str(), "Sum" | "SampleCount" | "Minimum");
    if policy.metric != Some(Metric::TargetResponseTime) {
        let detail =
            "is for TargetResponseTime alone; the other metrics have theirs, and customMetric has its own";
        errors.push(FieldError::forbidden(field, detail));
    } else if counts || !is_statistic(statistic) {
        let detail = "must be Average, Maximum or a percentile such as p90";
        errors.push(FieldError::invalid(field, statistic, detail));
    }
}

fn custom(metric: &CustomMetric, subject: SubjectKind, path: &str, errors: &mut Vec<FieldError>) {
    if metric.metrics.is_empty() {
        errors.push(FieldError::required(format!("{path}.metrics"), "at least one metric"));
        return;
    }
    within(errors, format!("{path}.metrics"), metric.metrics.len(), 1..=MAX_METRICS);
    for (index, source) in metric.metrics.iter().enumerate() {
        self::source(source, subject, &format!("{path}.metrics[{index}]"), errors);
    }
    let ids = metric.metrics.iter().map(|source| source.id.as_str());
    unique(errors, ids, |index| format!("{path}.metrics[{index}].id"));
    if let Err(detail) = Formula::parse(metric) {
        let field = format!("{path}.expression");
        errors.push(match &metric.expression {
            Some(text) => FieldError::invalid(field, text, detail),
            None => FieldError::required(field, detail),
        });
    }
}

fn source(source: &MetricSource, subject: SubjectKind, path: &str, errors: &mut Vec<FieldError>) {
    let is_id = only(&source.id, |c| c.is_ascii_alphanumeric() || c == '_')
        && source.id.starts_with(|c: char| c.is_ascii_lowercase());
    if !is_id || source.id.len() > 64 {
        let detail = "must be a lower-case letter, then letters, digits or '_'";
        errors.push(FieldError::invalid(format!("{path}.id"), &source.id, detail));
    }
    for (name, text) in [("namespace", &source.namespace), ("name", &source.name)] {
        if !only(text, |c| c.is_ascii_graphic() || c == ' ') || text.len() > 255 || text.starts_with(':') {
            let detail = "must be 1 to 255 printable ASCII characters, and not begin with ':'";
            errors.push(FieldError::invalid(format!("{path}.{name}"), text, detail));
        }
    }
    if !is_statistic(&source.statistic) {
        let detail = "must be Average, Sum, Minimum, Maximum, SampleCount or a percentile such as p99.9";
        errors.push(FieldError::invalid(format!("{path}.statistic"), &source.statistic, detail));
    }
    dimensions(source, subject, &format!("{path}.dimensions"), errors);
}

fn dimensions(source: &MetricSource, subject: SubjectKind, path: &str, errors: &mut Vec<FieldError>) {
    within(errors, path, source.dimensions.len(), 0..=MAX_DIMENSIONS);
    for (name, value) in &source.dimensions {
        let field = format!("{path}[{name}]");
        let fits = |text: &str, most: usize| {
            text.len() <= most && only(text, |c| c.is_ascii_graphic() || c == ' ') && !text.starts_with(':')
        };
        if !fits(name, 255) || !fits(value, 1024) {
            let detail = "must be printable ASCII characters, 255 in the name and 1024 in the value at most";
            errors.push(FieldError::invalid(field, value, detail));
        } else if value.starts_with("${") && !known(subject).contains(&value.as_str()) {
            errors.push(FieldError::not_supported(field, value, &known(subject)));
        }
    }
}

/// What stands for something of the stack.
fn known(subject: SubjectKind) -> Vec<&'static str> {
    match subject {
        SubjectKind::Replicas => vec!["${database}"],
        SubjectKind::Tier { balanced, database } => {
            let of_balancer: &[_] = if balanced { &["${targetGroup}", "${loadBalancer}"] } else { &[] };
            let of_database: &[_] = if database { &["${database}"] } else { &[] };
            [&["${autoScalingGroup}"][..], of_balancer, of_database].concat()
        }
    }
}
