//! One rule that capacity follows.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{CustomMetric, Metric};

/// One rule that capacity follows. Which fields it has depends on its `type`; others are refused.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicy {
    /// Kind of the policy: `TargetTracking`, `Step`, `Simple`, `Scheduled` or `Predictive`. Default `TargetTracking`:
    /// one number says all that it needs.
    #[serde(default, rename = "type")]
    pub kind: ScalingPolicyType,

    /// Who changes the capacity: `Lamplighter`, or `AWS` by a policy of its own (`TargetTracking` of a tier), and then
    /// Lamplighter leaves the capacity alone. Default `Lamplighter`, which knows of incidents, rollouts and the database.
    #[serde(default)]
    pub owner: PolicyOwner,

    /// A metric by name. Tiers: `CPUUtilization`, `RequestCountPerTarget` (a minute), `TargetResponseTime` (seconds),
    /// `NetworkIn`, `NetworkOut` (bytes a minute and instance). Read replicas: `CPUUtilization`, `DatabaseConnections`,
    /// `ReplicaLag` (seconds). All but `Scheduled` need this or `customMetric`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metric: Option<Metric>,

    /// `TargetResponseTime`: the statistic, `Average`, `Maximum` or a percentile such as `p95`. Default `p90`: what nine
    /// in ten visitors wait at most.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub statistic: Option<String>,

    /// Any other metric of CloudWatch, or a formula over several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub custom_metric: Option<CustomMetric>,

    /// `TargetTracking`, `Predictive`: the value to keep the average at: per cent, requests a minute, connections. More
    /// than 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub target: Option<f64>,

    /// `Step`: what to do where the metric is how high; ranges that do not overlap.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub steps: Vec<ScalingStep>,

    /// `Simple`: the value that the metric is compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub threshold: Option<f64>,

    /// `Simple`: how it is compared: `GreaterThanOrEqualToThreshold`, `GreaterThanThreshold`,
    /// `LessThanOrEqualToThreshold` or `LessThanThreshold`. Default `GreaterThanOrEqualToThreshold`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub comparison: Option<Comparison>,

    /// `Simple`: how many more (or fewer, if negative), as `adjustmentType` says.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment: Option<i32>,

    /// `Step`, `Simple`: what an adjustment is: `ChangeInCapacity`, `PercentChangeInCapacity` or `ExactCapacity`.
    /// Default `ChangeInCapacity`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub adjustment_type: Option<AdjustmentType>,

    /// `Simple`: it changes nothing for this long after any change. Default 300, as in EC2 Auto Scaling.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cooldown_seconds: Option<u32>,

    /// `Step`, `Simple`: in how many of the newest `evaluationPeriods` minutes the metric must be so, 1 to 10. Default 2:
    /// one wild minute is none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub datapoints_to_alarm: Option<u32>,

    /// `Step`, `Simple`: how many of the newest minutes are looked at, 1 to 10. Default 3.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub evaluation_periods: Option<u32>,

    /// `Scheduled`: when, as cron has it: minute, hour, day of month, month, day of week (`0 8 * * MON-FRI`). What it sets
    /// stays until a `Scheduled` policy of the same tier or pool fires next.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub schedule: Option<String>,

    /// `Scheduled`: the time zone of `schedule`, such as `Europe/Berlin`. Default `UTC`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub time_zone: Option<String>,

    /// `Scheduled`: stands in place of the smallest capacity. Default: that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<u32>,

    /// `Scheduled`: stands in place of the largest capacity. Default: that stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<u32>,

    /// `Scheduled`: the capacity is set to this once, when it fires; other policies go on from there. Default: it stays.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub desired: Option<u32>,

    /// `Predictive`: `ForecastOnly` says what it would do, `ForecastAndScale` does it. Default `ForecastOnly`, as in EC2
    /// Auto Scaling: a forecast is to be seen before it is believed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mode: Option<PredictiveMode>,

    /// `Predictive`: capacity is there this long before it is needed, 0 to 3600. Default 300 for instances and 900 for
    /// read replicas: what they take to boot or to be restored, and somewhat more.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduling_buffer_seconds: Option<u32>,

    /// What to do where the metric says nothing for long. Default: capacity stays, and does not shrink.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub fallback: Option<Fallback>,
}

impl ScalingPolicy {
    /// Default of `evaluationPeriods`.
    pub const EVALUATION_PERIODS: u32 = 3;
    /// Default of `datapointsToAlarm`.
    pub const DATAPOINTS_TO_ALARM: u32 = 2;
    /// Default of `timeZone`.
    pub const TIME_ZONE: &str = "UTC";
    /// Default of `cooldownSeconds`.
    pub const COOLDOWN_SECONDS: u32 = 300;
    /// Default of `statistic`.
    pub const STATISTIC: &str = "p90";
}

/// Kind of a scaling policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum ScalingPolicyType {
    /// Keeps a metric near its target, as the Horizontal Pod Autoscaler does.
    #[default]
    TargetTracking,
    /// Changes the capacity by so many, where the metric is how high.
    Step,
    /// Changes the capacity by so many where the metric passes a threshold, and then waits.
    Simple,
    /// Changes the bounds, or the capacity, at times.
    Scheduled,
    /// Grows ahead of the load that the last days let expect; it never shrinks.
    Predictive,
}

/// Who changes the capacity.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PolicyOwner {
    #[default]
    Lamplighter,
    /// A policy of EC2 Auto Scaling, which Lamplighter keeps in place.
    #[serde(rename = "AWS")]
    Aws,
}

/// What to do in a range of the metric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingStep {
    /// The range begins with this value. Default: it has no beginning.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub from: Option<f64>,

    /// The range ends before this value. Default: it has no end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub to: Option<f64>,

    /// How many more (or fewer, if negative), as `adjustmentType` says.
    pub adjustment: i32,
}

/// How a metric is compared with a threshold; the words are CloudWatch's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Comparison {
    #[default]
    GreaterThanOrEqualToThreshold,
    GreaterThanThreshold,
    LessThanOrEqualToThreshold,
    LessThanThreshold,
}

/// What an adjustment is; the words are EC2 Auto Scaling's.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdjustmentType {
    /// So many more, or fewer.
    #[default]
    ChangeInCapacity,
    /// So many per cent more, or fewer; at least one.
    PercentChangeInCapacity,
    /// Exactly so many.
    ExactCapacity,
}

/// Whether a forecast is acted upon.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PredictiveMode {
    #[default]
    ForecastOnly,
    ForecastAndScale,
}

/// What to do where a metric says nothing for long.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Fallback {
    /// At least so much capacity while the metric says nothing. More stays: silence never shrinks anything.
    pub capacity: u32,

    /// For how long the metric must have said nothing, 60 to 86400. Default 600: longer than CloudWatch is ever late.
    #[serde(default = "default_after")]
    pub after_seconds: u32,
}

fn default_after() -> u32 {
    600
}
