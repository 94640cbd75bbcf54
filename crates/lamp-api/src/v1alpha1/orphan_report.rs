//! A question to the controller: what carries the tags of this installation, and belongs to no stack?

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::PlanPhase;

/// Lists what stacks left behind on AWS that are in the store no more. Nothing on AWS is changed. The controller answers
/// in `status`; the object is removed after ten minutes.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lamplighter.dev",
    version = "v1alpha1",
    kind = "OrphanReport",
    plural = "orphanreports",
    singular = "orphanreport",
    namespaced,
    status = "OrphanReportStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct OrphanReportSpec {
    /// Only what belonged to the stack with this `metadata.uid`. Default: everything, as nobody knows uids by heart.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub uid: Option<String>,

    /// The region to look in. Default: the first region of the daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
}

/// The answer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanReportStatus {
    /// Whether the answer is there.
    #[serde(default)]
    pub phase: PlanPhase,
    /// When AWS was observed for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_time: Option<Time>,
    /// What was found, by stack and part.
    #[serde(default)]
    pub orphans: Vec<OrphanedResource>,
    /// Kinds that could not be listed: there may be more of them.
    #[serde(default)]
    pub unread: Vec<String>,
    /// Why there is no answer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// A resource that belongs to no stack.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanedResource {
    /// `metadata.uid` of the stack that it belonged to.
    pub uid: String,
    /// Namespace and name of that stack, `default/shop`.
    pub stack: String,
    /// Name of the part that it was in that stack.
    pub part: String,
    /// Kind of the AWS resource.
    pub kind: String,
    /// AWS's id of it.
    pub id: String,
    pub region: String,
    /// When the daemon first saw it without a stack. A restart counts anew.
    pub seen_since: Time,
    /// Whether it may be deleted: it was seen so for as long as AWS may show what is gone, or hide what is new.
    pub deletable: bool,
}
