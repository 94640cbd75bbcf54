//! How fast, and how surely, capacity may change.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

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
    #[serde(default)]
    pub scale_up: ScaleUp,

    /// Shrinking. Default: to what was enough in nine tenths of the last 45 minutes, by at most 10 % a minute.
    #[serde(default)]
    pub scale_down: ScaleDown,
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
            scale_up: ScaleUp::default(),
            scale_down: ScaleDown::default(),
        }
    }
}

/// How capacity grows.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleUp {
    /// It grows to what was wanted all the time for so many seconds, 0 to 3600. Default 0: growing is urgent.
    #[serde(default)]
    pub stabilization_window_seconds: u32,

    /// The largest change in a minute, in per cent of the capacity, at least one; 0 forbids growing. Default 100.
    #[serde(default = "default_up_percent")]
    pub percent_per_minute: u32,

    /// A single minute counts at once if the metric is at least so many per cent of its target, 100 to 1000; below
    /// that the median of three minutes does. Default 133: with a target of 60 % that is a CPU at 80 %, from where on
    /// answers become slow.
    #[serde(default = "default_urgent_percent")]
    pub urgent_percent: u32,
}

/// How capacity shrinks.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScaleDown {
    /// It shrinks to what was enough for so many seconds, 0 to 3600. Default 2700: load that comes back within
    /// three quarters of an hour costs more when its capacity was given away than the capacity does.
    #[serde(default = "default_down_window")]
    pub stabilization_window_seconds: u32,

    /// Nothing shrinks for so many seconds after it grew, 0 to 3600. Default 300, as in EC2 Auto Scaling: what was added
    /// for one loud minute has hardly booted before that.
    #[serde(default = "default_cooldown")]
    pub cooldown_seconds: u32,

    /// In so many per cent of the window it must have been enough, 50 to 100. Default 90: a few loud minutes of
    /// otherwise quiet ones hold no capacity. 100 is the rule of the Horizontal Pod Autoscaler.
    #[serde(default = "default_agreement_percent")]
    pub agreement_percent: u32,

    /// The largest change in a minute, in per cent of the capacity, at least one; 0 forbids shrinking. Default 10:
    /// what was a mistake has not gone far when the next minute shows it.
    #[serde(default = "default_down_percent")]
    pub percent_per_minute: u32,
}

fn default_up_percent() -> u32 {
    100
}

fn default_urgent_percent() -> u32 {
    133
}

fn default_down_window() -> u32 {
    2700
}

fn default_cooldown() -> u32 {
    300
}

fn default_agreement_percent() -> u32 {
    90
}

fn default_down_percent() -> u32 {
    10
}

impl Default for ScaleUp {
    fn default() -> Self {
        Self {
            stabilization_window_seconds: 0,
            percent_per_minute: default_up_percent(),
            urgent_percent: default_urgent_percent(),
        }
    }
}

impl Default for ScaleDown {
    fn default() -> Self {
        Self {
            stabilization_window_seconds: default_down_window(),
            cooldown_seconds: default_cooldown(),
            agreement_percent: default_agreement_percent(),
            percent_per_minute: default_down_percent(),
        }
    }
}
