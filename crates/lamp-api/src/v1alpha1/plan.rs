//! A question to the controller: what would be done to AWS, and why?

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::LampStackSpec;

/// A candidate spec in, the plan out. The controller answers in `status`; the object is removed after ten minutes.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lamplighter.dev",
    version = "v1alpha1",
    kind = "Plan",
    plural = "plans",
    singular = "plan",
    namespaced,
    status = "PlanStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct PlanSpec {
    /// Name of the stack in the same namespace; it need not exist yet.
    pub stack: String,

    /// The spec to plan for. Default: the stack's own, which answers "what would be done right now?".
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub candidate: Option<LampStackSpec>,

    /// Plans the deletion of the stack instead.
    #[serde(default)]
    pub delete: bool,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStatus {
    /// Whether the answer is there.
    #[serde(default)]
    pub phase: PlanPhase,
    /// When AWS was observed for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_time: Option<Time>,
    /// Everything that would be done, in order; destroys and replacements last.
    #[serde(default)]
    pub steps: Vec<PlanStep>,
    /// What could not be planned, and why.
    #[serde(default)]
    pub blocked: Vec<super::Waiting>,
    /// What differs from the spec, and would be left so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_alone: Vec<super::LeftAlone>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Whether a plan is answered.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PlanPhase {
    #[default]
    Pending,
    Answered,
    Failed,
}

/// One change to AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PlanStep {
    pub part: String,
    /// Kind of the AWS resource.
    pub kind: String,
    pub effect: PlanEffect,
    /// The AWS call.
    pub call: String,
    /// Why.
    pub reason: String,
    /// The fields that change: `name: old -> new`.
    #[serde(default)]
    pub changes: Vec<String>,
}

/// What a step does to a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum PlanEffect {
    Create,
    Update,
    Replace,
    Delete,
}
