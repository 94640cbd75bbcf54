//! How capacity follows load: the Horizontal Pod Autoscaler's rules, for instances and read replicas.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Policies, and how fast they may act. Capacity grows if any policy wants it, and shrinks only if all agree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// What the capacity follows. Default: nothing; capacity stays as the spec says.
    #[serde(default)]
    pub policies: Vec<ScalingPolicy>,

    /// How fast, and how surely, capacity may change.
    #[serde(default)]
    pub behavior: ScalingBehavior,
}

/// One rule that capacity follows.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPolicy {
    /// Kind of the policy: `TargetTracking` keeps a metric near its target. Default `TargetTracking`.
    #[serde(default, rename = "type")]
    pub kind: ScalingPolicyType,

    /// The CloudWatch metric. Tiers: `CPUUtilization`, `RequestCountPerTarget` (a minute).
    /// Read replicas: `CPUUtilization`, `DatabaseConnections`.
    pub metric: Metric,

    /// The value to keep the average at: per cent, requests a minute, or connections. More than 0.
    pub target: f64,
}

/// Kind of a scaling policy.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum ScalingPolicyType {
    /// Keeps a metric near its target, as the Horizontal Pod Autoscaler does.
    #[default]
    TargetTracking,
}

/// A CloudWatch metric that capacity can follow.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum Metric {
    /// Average CPU in per cent.
    CPUUtilization,
    /// Requests that each target served in a minute.
    RequestCountPerTarget,
    /// Open connections to each replica.
    DatabaseConnections,
}

/// How fast, and how surely, capacity may change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingBehavior {
    /// Nothing changes while the metric is within this share of its target. Default 0.1, as in Kubernetes.
    #[serde(default = "default_tolerance")]
    pub tolerance: f64,

    /// Capacity just added is not counted in metrics for this long. Default 180: boot and first requests.
    #[serde(default = "default_warmup")]
    pub warmup_seconds: u32,

    /// Growing. Default: at once, and by at most 100 % a minute.
    #[serde(default = "ScalingRules::up")]
    pub scale_up: ScalingRules,

    /// Shrinking. Default: to the highest recommendation of the last 300 seconds, by at most 10 % a minute.
    #[serde(default = "ScalingRules::down")]
    pub scale_down: ScalingRules,
}

fn default_tolerance() -> f64 {
    0.1
}

fn default_warmup() -> u32 {
    180
}

impl Default for ScalingBehavior {
    fn default() -> Self {
        Self {
            tolerance: default_tolerance(),
            warmup_seconds: default_warmup(),
            scale_up: ScalingRules::up(),
            scale_down: ScalingRules::down(),
        }
    }
}

/// The rules of one direction.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingRules {
    /// The most cautious recommendation of this many seconds counts, 0 to 3600.
    #[serde(default)]
    pub stabilization_window_seconds: u32,

    /// The largest change in a minute, in per cent of the capacity, at least one; 0 forbids this direction.
    #[serde(default = "default_percent_per_minute")]
    pub percent_per_minute: u32,
}

fn default_percent_per_minute() -> u32 {
    100
}

impl ScalingRules {
    fn up() -> Self {
        Self { stabilization_window_seconds: 0, percent_per_minute: 100 }
    }

    fn down() -> Self {
        Self { stabilization_window_seconds: 300, percent_per_minute: 10 }
    }
}
