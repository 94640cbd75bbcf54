//! Target tracking policies of a group, as a spec says them: they are AWS's, and stay so.

use std::collections::BTreeMap;

use lamp_api::v1alpha1::{CustomMetric, Metric, MetricSource, PolicyOwner, Scaling, ScalingPolicy as Policy};
use lamp_cloud::Reference;
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, ScalingPolicy, TrackedMetric};

/// What the group of a tier follows. What a spec cannot say (steps, schedules, what only grows) is left out: it stays on the
/// group, and is reported there.
pub(super) fn read(group: &AutoScalingGroup) -> Scaling {
    let all = || group.policies.iter().flatten().chain(&group.foreign_policies);
    let mut policies: Vec<Policy> = Vec::new();
    for policy in all().filter_map(|policy| expressed(group, policy)) {
        let same =
            |other: &Policy| (other.metric, &other.custom_metric) == (policy.metric, &policy.custom_metric);
        if !policies.iter().any(same) {
            policies.push(policy);
        }
    }
    let warmup = all().filter_map(|policy| policy.warmup_seconds).max();
    let mut scaling = Scaling { policies, ..Scaling::default() };
    if let Some(seconds) = warmup.filter(|_| !scaling.policies.is_empty()) {
        scaling.behavior.warmup_seconds = seconds.min(3600);
    }
    scaling
}

fn expressed(group: &AutoScalingGroup, policy: &ScalingPolicy) -> Option<Policy> {
    let (metric, custom_metric) = match &policy.metric {
        TrackedMetric::AverageCpuUtilization => (Some(Metric::CPUUtilization), None),
        TrackedMetric::AverageNetworkIn => (Some(Metric::NetworkIn), None),
        TrackedMetric::AverageNetworkOut => (Some(Metric::NetworkOut), None),
        TrackedMetric::RequestCountPerTarget { label } if is_of(group, label) => {
            (Some(Metric::RequestCountPerTarget), None)
        }
        TrackedMetric::Customized { namespace, name, dimensions, statistic } => {
            (None, Some(custom(namespace, name, dimensions, statistic)))
        }
        TrackedMetric::RequestCountPerTarget { .. } | TrackedMetric::Other(_) => return None,
    };
    policy.scales_in.then(|| Policy {
        owner: PolicyOwner::Aws,
        metric,
        custom_metric,
        target: Some(policy.target),
        ..Policy::default()
    })
}

/// Whether a label is of the target group that the tier has: the first one of its group.
fn is_of(group: &AutoScalingGroup, label: &str) -> bool {
    let first = group.target_groups.first().and_then(Reference::as_id);
    first.and_then(|arn| arn.rsplit(':').next()).is_some_and(|end| label.ends_with(end))
}

fn custom(
    namespace: &str,
    name: &str,
    dimensions: &BTreeMap<String, String>,
    statistic: &str,
) -> CustomMetric {
    let source = MetricSource {
        id: "m".to_owned(),
        namespace: namespace.to_owned(),
        name: name.to_owned(),
        dimensions: dimensions.clone(),
        statistic: statistic.to_owned(),
    };
    CustomMetric { metrics: vec![source], ..CustomMetric::default() }
}

#[cfg(test)]
mod tests {
    use lamp_cloud::kinds::auto_scaling_group::EC2;
    use serde_json::json;

    use super::*;

    fn group(policies: Vec<ScalingPolicy>) -> AutoScalingGroup {
        AutoScalingGroup {
            template: Reference::id("lt-1"),
            template_version: 1,
            subnets: Vec::new(),
            target_groups: vec![Reference::id("arn:aws:elasticloadbalancing:r:1:targetgroup/web/2")],
            min: 1,
            max: 4,
            desired: 2,
            instance_types: Vec::new(),
            grace_seconds: 60,
            health_check_type: EC2.to_owned(),
            members: Vec::new(),
            suspended: Vec::new(),
            policies: Some(Vec::new()),
            foreign_policies: policies,
        }
    }

    fn policy(metric: TrackedMetric, target: f64) -> ScalingPolicy {
        let name = format!("{}-{target}", metric.name());
        ScalingPolicy { name, metric, target, scales_in: true, warmup_seconds: Some(90) }
    }

    fn imported(policies: Vec<ScalingPolicy>) -> serde_json::Value {
        let scaling = serde_json::to_value(read(&group(policies))).unwrap();
        json!([scaling["policies"], scaling["behavior"]["warmupSeconds"]])
    }

    #[test]
    fn target_tracking_is_read_as_a_policy_of_aws() {
        let requests = |label: &str| TrackedMetric::RequestCountPerTarget { label: label.to_owned() };
        let policies = vec![
            policy(TrackedMetric::AverageCpuUtilization, 45.0),
            policy(TrackedMetric::AverageCpuUtilization, 55.0),
            policy(requests("app/web/1/targetgroup/web/2"), 900.0),
            policy(requests("app/web/1/targetgroup/other/3"), 800.0),
        ];
        let expected = json!([
            {"type": "TargetTracking", "owner": "AWS", "metric": "CPUUtilization", "target": 45.0},
            {"type": "TargetTracking", "owner": "AWS", "metric": "RequestCountPerTarget", "target": 900.0},
        ]);
        assert_eq!(imported(policies), json!([expected, 90]));
    }

    #[test]
    fn what_a_spec_cannot_say_is_left_out() {
        let only_out =
            ScalingPolicy { scales_in: false, ..policy(TrackedMetric::AverageCpuUtilization, 45.0) };
        let steps = policy(TrackedMetric::Other("StepScaling".to_owned()), 0.0);
        assert_eq!(imported(vec![only_out, steps]), json!([[], 180]));
    }
}
