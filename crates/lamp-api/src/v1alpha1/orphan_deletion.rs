//! An order to the controller: delete these resources, which belong to no stack.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Blocker, PartStatus};

/// Deletes what a stack left behind that is in the store no more: exactly the resources that are named, in the order of
/// their dependencies, protection lifted first and databases with a final snapshot. A name that is no orphan, and nothing
/// is done. Deleting the order stops it. It is removed a day after it ended.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lamplighter.dev",
    version = "v1alpha1",
    kind = "OrphanDeletion",
    plural = "orphandeletions",
    singular = "orphandeletion",
    namespaced,
    status = "OrphanDeletionStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct OrphanDeletionSpec {
    /// `metadata.uid` of the stack that they belonged to.
    pub uid: String,
    /// The region that they are in. Default: the first region of the daemon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub region: Option<String>,
    /// What to delete, as an `OrphanReport` lists it.
    pub resources: Vec<DoomedResource>,
}

/// A resource to delete.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DoomedResource {
    /// Kind of the AWS resource.
    pub kind: String,
    /// AWS's id of it.
    pub id: String,
}

/// How it goes.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct OrphanDeletionStatus {
    #[serde(default)]
    pub phase: OrphanDeletionPhase,
    /// Namespace and name of the stack that they belonged to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack: Option<String>,
    /// When it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_time: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_time: Option<Time>,
    /// What was named and is there still, and what it waits for.
    #[serde(default)]
    pub remaining: Vec<PartStatus>,
    /// What keeps it from being deleted.
    #[serde(default)]
    pub blockers: Vec<Blocker>,
    /// The final snapshots that databases leave.
    #[serde(default)]
    pub final_snapshots: Vec<String>,
    /// What was named and may not be deleted so, and why.
    #[serde(default)]
    pub refused: Vec<RefusedResource>,
    /// A sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OrphanDeletionPhase {
    /// Nobody looked at it yet.
    #[default]
    Pending,
    /// It was accepted, and is under way.
    Deleting,
    /// Nothing that was named is left.
    Deleted,
    /// Nothing, or nothing more, is done; `refused` or `message` says why.
    Refused,
}

/// A resource that is not deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct RefusedResource {
    pub kind: String,
    pub id: String,
    pub why: String,
}
