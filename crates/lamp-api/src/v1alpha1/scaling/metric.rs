//! What capacity can follow: metrics by name, and any other of CloudWatch.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A CloudWatch metric that capacity can follow, by name.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Metric {
    /// Average CPU in per cent.
    CPUUtilization,
    /// Requests that each target served in a minute.
    RequestCountPerTarget,
    /// Seconds that a target took to answer.
    TargetResponseTime,
    /// Bytes that an instance received in a minute.
    NetworkIn,
    /// Bytes that an instance sent in a minute.
    NetworkOut,
    /// Open connections to each replica.
    DatabaseConnections,
    /// Seconds that a replica is behind.
    ReplicaLag,
}

impl Metric {
    /// The name, as the spec writes it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CPUUtilization => "CPUUtilization",
            Self::RequestCountPerTarget => "RequestCountPerTarget",
            Self::TargetResponseTime => "TargetResponseTime",
            Self::NetworkIn => "NetworkIn",
            Self::NetworkOut => "NetworkOut",
            Self::DatabaseConnections => "DatabaseConnections",
            Self::ReplicaLag => "ReplicaLag",
        }
    }

    /// Whether twice the capacity halves it: then it tells how much capacity would keep it at a target.
    pub fn is_proportional(self) -> bool {
        !matches!(self, Self::TargetResponseTime | Self::ReplicaLag)
    }
}

/// A metric of CloudWatch by namespace and dimensions, or a formula over several.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct CustomMetric {
    /// What is read from CloudWatch, 1 to 10 metrics.
    pub metrics: Vec<MetricSource>,

    /// A formula over the metrics' ids, minute by minute: `+ - * / ^`, parentheses, `min`, `max`, `abs` and numbers.
    /// Default: the one metric itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub expression: Option<String>,

    /// What the value is of: `PerInstance`, an average, or `Total`, which all instances or replicas share. Default
    /// `PerInstance`.
    #[serde(default)]
    pub scope: MetricScope,
}

/// One metric that is read.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct MetricSource {
    /// Its name in `expression`: a lower-case letter, then letters, digits or `_`. Default `m`, which suits one metric.
    #[serde(default = "default_id")]
    pub id: String,

    /// CloudWatch namespace, such as `AWS/SQS` or `CWAgent`.
    pub namespace: String,

    /// Name of the metric, such as `ApproximateNumberOfMessagesVisible`.
    pub name: String,

    /// Dimensions, at most 30. These values stand for what this stack has: `${autoScalingGroup}`, `${targetGroup}`,
    /// `${loadBalancer}` of the tier, and `${database}`. Default: none.
    #[serde(default)]
    pub dimensions: BTreeMap<String, String>,

    /// `Average`, `Sum`, `Minimum`, `Maximum`, `SampleCount` or a percentile such as `p99.9`, of each minute. Default
    /// `Average`.
    #[serde(default = "default_statistic")]
    pub statistic: String,
}

fn default_id() -> String {
    "m".to_owned()
}

fn default_statistic() -> String {
    "Average".to_owned()
}

/// What the value of a metric is of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum MetricScope {
    /// The average of the instances or replicas.
    #[default]
    PerInstance,
    /// One value that all share, such as the length of a queue; it is divided by their number.
    Total,
}
