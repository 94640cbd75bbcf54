//! The past of metrics, quarter of an hour by quarter of an hour: what forecasts are made from.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ResourceId;

/// Length of the periods that a history has.
pub const HISTORY_PERIOD: Duration = Duration::from_secs(900);

/// How far back a history reaches: two weeks, so that each day of the week is in it twice.
pub const HISTORY_DAYS: u32 = 14;

/// A metric whose past is read, and the resource that it is of.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct HistoryQuery {
    pub metric: HistoryMetric,
    /// Group name, target group ARN or database identifier. What was deleted still has a past.
    pub resource: ResourceId,
    /// The load balancer's ARN, where the metric has it as its second dimension.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load_balancer: Option<ResourceId>,
}

/// Metrics whose past is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum HistoryMetric {
    /// `AWS/EC2 CPUUtilization` by `AutoScalingGroupName`, average, per cent.
    GroupCpu,
    /// The same, number of samples: with detailed monitoring one for each instance and minute.
    GroupCpuSamples,
    /// `AWS/ApplicationELB RequestCount` by `TargetGroup` and `LoadBalancer`, sum.
    Requests,
    /// `AWS/RDS CPUUtilization` by `DBInstanceIdentifier`, average, per cent.
    DatabaseCpu,
    /// `AWS/RDS DatabaseConnections` by `DBInstanceIdentifier`, average.
    DatabaseConnections,
}

/// The past of one metric.
#[derive(Clone, Debug, PartialEq)]
pub struct History {
    /// When it was read.
    pub read_at: Timestamp,
    /// Start of each period, and its value; oldest first.
    pub points: Vec<(Timestamp, f64)>,
}

/// What was read of the past of each metric; a query that is missing here was not answered.
pub type Histories = BTreeMap<HistoryQuery, Arc<History>>;
