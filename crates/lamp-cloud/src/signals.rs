//! CloudWatch metrics, as decisions need them.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ResourceId;

/// A metric and the resource that it is of. Namespace, dimensions and statistic follow from the name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct MetricQuery {
    pub metric: MetricName,
    /// Group name, target group ARN (with the load balancer's for request counts) or database identifier. Empty for
    /// [`MetricName::Other`], whose dimensions say what it is of.
    pub resource: ResourceId,
    /// The second dimension, where the metric has one: the load balancer's ARN.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<ResourceId>,
}

/// Metrics that are read, each with a period of 60 seconds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum MetricName {
    /// `AWS/EC2 CPUUtilization` by `AutoScalingGroupName`, average, per cent.
    GroupCpuUtilization,
    /// `AWS/EC2 CPUUtilization` by `AutoScalingGroupName`, sample count: with detailed monitoring each instance gives one a
    /// minute, so that it counts them.
    GroupCpuSamples,
    /// `AWS/EC2 NetworkIn` by `AutoScalingGroupName`, average, bytes a minute and instance.
    GroupNetworkIn,
    /// `AWS/EC2 NetworkOut` by `AutoScalingGroupName`, average, bytes a minute and instance.
    GroupNetworkOut,
    /// `AWS/ApplicationELB RequestCountPerTarget` by `TargetGroup` and `LoadBalancer`, sum, requests a minute.
    RequestCountPerTarget,
    /// `AWS/ApplicationELB TargetResponseTime` by `TargetGroup` and `LoadBalancer`, the named statistic, seconds.
    TargetResponseTime(String),
    /// `AWS/ApplicationELB UnHealthyHostCount` by `TargetGroup` and `LoadBalancer`, maximum.
    UnhealthyHostCount,
    /// `AWS/RDS CPUUtilization` by `DBInstanceIdentifier`, average, per cent.
    DatabaseCpuUtilization,
    /// `AWS/RDS DatabaseConnections` by `DBInstanceIdentifier`, average.
    DatabaseConnections,
    /// `AWS/RDS ReplicaLag` by `DBInstanceIdentifier`, average, seconds; -1 when replication is broken.
    ReplicaLag,
    /// `AWS/RDS FreeStorageSpace` by `DBInstanceIdentifier`, minimum, bytes.
    FreeStorageSpace,
    /// Any other, by its own dimensions.
    Other(Box<OtherMetric>),
}

/// A metric that a user named.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct OtherMetric {
    pub namespace: String,
    pub name: String,
    pub dimensions: BTreeMap<String, String>,
    /// `Average`, `p90`, …
    pub statistic: String,
}

/// Datapoints of one metric, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Series {
    /// Start of the minute, and its value.
    pub points: Vec<(Timestamp, f64)>,
    /// Whether AWS said that more exists (`PartialData`) or failed: then the series decides nothing.
    pub incomplete: bool,
}

impl Series {
    /// The newest datapoint.
    pub fn latest(&self) -> Option<(Timestamp, f64)> {
        self.points.last().copied()
    }
}

/// What was read of each metric; a query that is missing here was not answered.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Signals {
    /// When the reading began.
    pub read_at: Option<Timestamp>,
    pub series: BTreeMap<MetricQuery, Series>,
}

impl Signals {
    /// The series of a metric, if it was answered completely.
    pub fn get(&self, query: &MetricQuery) -> Option<&Series> {
        self.series.get(query).filter(|series| !series.incomplete)
    }
}
