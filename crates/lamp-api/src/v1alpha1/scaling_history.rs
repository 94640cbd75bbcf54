//! A question to the controller: how did load and capacity of a tier, or of the read replicas, go lately?

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Decision, PlanPhase};

/// Reads from CloudWatch how busy the instances of a tier, or the read replicas, were, and how many there were. Nothing on
/// AWS is changed. The controller answers in `status`; the object is removed after ten minutes.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lamplighter.dev",
    version = "v1alpha1",
    kind = "ScalingHistory",
    plural = "scalinghistories",
    singular = "scalinghistory",
    namespaced,
    status = "ScalingHistoryStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct ScalingHistorySpec {
    /// Name of a LampStack in the same namespace.
    pub stack: String,

    /// Name of the tier; set either this or `replicas`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tier: Option<String>,

    /// The read replicas instead of a tier. Default false.
    #[serde(default)]
    pub replicas: bool,

    /// How far back, in hours, 1 to 336. Default 24: a day shows what a day is like.
    #[serde(default = "default_hours")]
    pub hours: u32,
}

impl ScalingHistorySpec {
    /// CloudWatch keeps minutes for 15 days.
    pub const MAX_HOURS: u32 = 336;
}

fn default_hours() -> u32 {
    24
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingHistoryStatus {
    /// Whether the answer is there.
    #[serde(default)]
    pub phase: PlanPhase,
    /// When CloudWatch was read for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_time: Option<Time>,
    /// Length of the period that each point stands for: 60, or 300 for more than a day.
    #[serde(default)]
    pub period_seconds: u32,
    /// What is known, oldest first; periods without any data are left out.
    #[serde(default)]
    pub points: Vec<ScalingPoint>,
    /// Metrics that CloudWatch did not answer, or not completely.
    #[serde(default)]
    pub unread: Vec<String>,
    /// What was decided of its capacity, newest first, as far as `status.decisions` of the stack goes back.
    #[serde(default)]
    pub decisions: Vec<Decision>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// One period of the past.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ScalingPoint {
    /// When it began.
    pub at: Time,
    /// How many instances or replicas sent metrics.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capacity: Option<f64>,
    /// The load in instances or replicas that it would keep wholly busy: their number times their average CPU. A CPU that is
    /// wholly busy hides what more was asked of it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub load: Option<f64>,
    /// Averages over instances or replicas, by the name of the metric as a policy writes it.
    #[serde(default)]
    pub metrics: BTreeMap<String, f64>,
}
