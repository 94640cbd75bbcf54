//! Scaling policies of Auto Scaling groups: target tracking, and what others put beside it.

use aws_sdk_autoscaling::types::{
    CustomizedMetricSpecification, MetricDimension, MetricStatistic, MetricType,
    PredefinedMetricSpecification, ScalingPolicy as Row, TargetTrackingConfiguration,
};
use lamp_cloud::kinds::auto_scaling_group::{ScalingPolicy, TrackedMetric};
use lamp_cloud::{Applied, Page, ResourceId};

use crate::AwsCloud;
use crate::answer::{Answer, done, number, page, refused, required};
use crate::errors::failure;

const LIST: &str = "DescribePolicies";
const PUT: &str = "PutScalingPolicy";
const DELETE: &str = "DeletePolicy";
const TARGET_TRACKING: &str = "TargetTrackingScaling";

/// One page of the policies of all groups: AWS filters them by no tag.
pub(crate) async fn list(
    cloud: &AwsCloud,
    from: Option<String>,
) -> Answer<Page<(ResourceId, ScalingPolicy)>> {
    let call = cloud.reads.autoscaling.describe_policies().max_records(100).set_next_token(from);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.scaling_policies().iter().map(shown).collect::<Answer<_>>()?;
    Ok(page(rows, answer.next_token))
}

fn shown(row: &Row) -> Answer<(ResourceId, ScalingPolicy)> {
    let group = required(LIST, "AutoScalingGroupName", row.auto_scaling_group_name.clone())?;
    let name = required(LIST, "PolicyName", row.policy_name.clone())?;
    let tracking = row.target_tracking_configuration();
    let warmup = row.estimated_instance_warmup.and_then(|seconds| seconds.try_into().ok());
    let policy = ScalingPolicy {
        name,
        metric: tracked(row),
        target: tracking.and_then(TargetTrackingConfiguration::target_value).unwrap_or_default(),
        // A policy of any other type may remove instances.
        scales_in: !tracking.and_then(TargetTrackingConfiguration::disable_scale_in).unwrap_or_default(),
        warmup_seconds: warmup,
    };
    Ok((group, policy))
}

fn tracked(row: &Row) -> TrackedMetric {
    let kind = row.policy_type().unwrap_or("SimpleScaling");
    if row.enabled == Some(false) {
        return TrackedMetric::Other(format!("{kind}, disabled"));
    }
    let Some(tracking) = row.target_tracking_configuration().filter(|_| kind == TARGET_TRACKING) else {
        return TrackedMetric::Other(kind.to_owned());
    };
    let predefined = tracking.predefined_metric_specification().and_then(predefined);
    let customized = || tracking.customized_metric_specification().and_then(customized);
    predefined
        .or_else(customized)
        .unwrap_or_else(|| TrackedMetric::Other(format!("{kind} of another metric")))
}

fn predefined(metric: &PredefinedMetricSpecification) -> Option<TrackedMetric> {
    match metric.predefined_metric_type()? {
        MetricType::AsgAverageCpuUtilization => Some(TrackedMetric::AverageCpuUtilization),
        MetricType::AsgAverageNetworkIn => Some(TrackedMetric::AverageNetworkIn),
        MetricType::AsgAverageNetworkOut => Some(TrackedMetric::AverageNetworkOut),
        MetricType::AlbRequestCountPerTarget => {
            Some(TrackedMetric::RequestCountPerTarget { label: metric.resource_label()?.to_owned() })
        }
        _ => None,
    }
}

/// None where it is a formula, or has a period or a unit that ours have not.
fn customized(metric: &CustomizedMetricSpecification) -> Option<TrackedMetric> {
    let is_plain = metric.metrics().is_empty() && metric.unit().is_none() && metric.period().is_none();
    let dimension = |row: &MetricDimension| Some((row.name()?.to_owned(), row.value()?.to_owned()));
    Some(TrackedMetric::Customized {
        namespace: metric.namespace().filter(|_| is_plain)?.to_owned(),
        name: metric.metric_name()?.to_owned(),
        dimensions: metric.dimensions().iter().map(dimension).collect::<Option<_>>()?,
        statistic: metric.statistic()?.as_str().to_owned(),
    })
}

/// Makes the policy, or changes the one of its name.
pub(crate) async fn put(cloud: &AwsCloud, group: &str, policy: &ScalingPolicy) -> Answer<Applied> {
    let call = cloud
        .mutations
        .autoscaling
        .put_scaling_policy()
        .auto_scaling_group_name(group)
        .policy_name(&policy.name)
        .policy_type(TARGET_TRACKING)
        .enabled(true)
        .target_tracking_configuration(configuration(policy)?)
        .set_estimated_instance_warmup(policy.warmup_seconds.map(number));
    let answer = call.send().await.map_err(|error| failure(PUT, error))?;
    Ok(done(&answer))
}

fn configuration(policy: &ScalingPolicy) -> Answer<TargetTrackingConfiguration> {
    let predefined = |kind, label: Option<&str>| {
        let label = label.map(str::to_owned);
        PredefinedMetricSpecification::builder()
            .predefined_metric_type(kind)
            .set_resource_label(label)
            .build()
    };
    let builder = TargetTrackingConfiguration::builder()
        .target_value(policy.target)
        .disable_scale_in(!policy.scales_in);
    let builder = match &policy.metric {
        TrackedMetric::AverageCpuUtilization => {
            builder.predefined_metric_specification(predefined(MetricType::AsgAverageCpuUtilization, None))
        }
        TrackedMetric::AverageNetworkIn => {
            builder.predefined_metric_specification(predefined(MetricType::AsgAverageNetworkIn, None))
        }
        TrackedMetric::AverageNetworkOut => {
            builder.predefined_metric_specification(predefined(MetricType::AsgAverageNetworkOut, None))
        }
        TrackedMetric::RequestCountPerTarget { label } => builder
            .predefined_metric_specification(predefined(MetricType::AlbRequestCountPerTarget, Some(label))),
        TrackedMetric::Customized { namespace, name, dimensions, statistic } => {
            let dimension = |(name, value): (&String, &String)| {
                MetricDimension::builder().name(name).value(value).build()
            };
            let metric = CustomizedMetricSpecification::builder()
                .namespace(namespace)
                .metric_name(name)
                .set_dimensions(Some(dimensions.iter().map(dimension).collect()))
                .statistic(MetricStatistic::from(statistic.as_str()));
            builder.customized_metric_specification(metric.build())
        }
        TrackedMetric::Other(words) => {
            return Err(refused(PUT, "NoTargetTracking", format!("{words} is no target tracking")));
        }
    };
    Ok(builder.build())
}

pub(crate) async fn delete(cloud: &AwsCloud, group: &str, name: &str) -> Answer<Applied> {
    let call = cloud.mutations.autoscaling.delete_policy().auto_scaling_group_name(group).policy_name(name);
    let answer = call.send().await.map_err(|error| failure(DELETE, error))?;
    Ok(done(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(policy: &ScalingPolicy) -> Row {
        Row::builder()
            .auto_scaling_group_name("web")
            .policy_name(&policy.name)
            .policy_type(TARGET_TRACKING)
            .target_tracking_configuration(configuration(policy).expect("a configuration"))
            .set_estimated_instance_warmup(policy.warmup_seconds.map(number))
            .build()
    }

    fn policy(metric: TrackedMetric, scales_in: bool, warmup_seconds: Option<u32>) -> ScalingPolicy {
        ScalingPolicy { name: "lamplighter-web".to_owned(), metric, target: 62.5, scales_in, warmup_seconds }
    }

    #[test]
    fn policies_survive_the_way_to_aws_and_back() {
        let label = "app/web/1/targetgroup/web/2".to_owned();
        let customized = TrackedMetric::Customized {
            namespace: "AWS/SQS".to_owned(),
            name: "ApproximateNumberOfMessagesVisible".to_owned(),
            dimensions: [("QueueName".to_owned(), "jobs".to_owned())].into(),
            statistic: "Sum".to_owned(),
        };
        let metrics = [
            TrackedMetric::AverageCpuUtilization,
            TrackedMetric::AverageNetworkIn,
            TrackedMetric::AverageNetworkOut,
            TrackedMetric::RequestCountPerTarget { label },
            customized,
        ];
        for metric in metrics {
            for (scales_in, warmup_seconds) in [(true, None), (false, Some(120))] {
                let policy = policy(metric.clone(), scales_in, warmup_seconds);
                assert_eq!(shown(&row(&policy)).expect("shown"), ("web".to_owned(), policy));
            }
        }
    }

    #[test]
    fn what_is_no_plain_target_tracking_is_shown_in_words_and_may_shrink() {
        let simple = Row::builder().auto_scaling_group_name("web").policy_name("mine").build();
        let (_, shown_simple) = shown(&simple).expect("shown");
        assert_eq!(shown_simple.metric, TrackedMetric::Other("SimpleScaling".to_owned()));
        assert!(shown_simple.scales_in);
        let tracking = policy(TrackedMetric::AverageCpuUtilization, false, None);
        let mut disabled = row(&tracking);
        disabled.enabled = Some(false);
        let (_, shown_disabled) = shown(&disabled).expect("shown");
        assert_eq!(shown_disabled.metric, TrackedMetric::Other("TargetTrackingScaling, disabled".to_owned()));
    }

    #[test]
    fn what_cannot_be_said_is_not_sent() {
        assert!(configuration(&policy(TrackedMetric::Other("StepScaling".to_owned()), true, None)).is_err());
    }
}
