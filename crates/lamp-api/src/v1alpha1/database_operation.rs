//! An order to the controller: let the standby, or a read replica, take over.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Does something to the database of a stack that interrupts it or changes which instance is the primary. It is checked
/// before anything is done, and refused with the reason. One is worked on at a time, the oldest first. It is removed a day
/// after it ended.
#[derive(CustomResource, Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lamplighter.dev",
    version = "v1alpha1",
    kind = "DatabaseOperation",
    plural = "databaseoperations",
    singular = "databaseoperation",
    namespaced,
    status = "DatabaseOperationStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseOperationSpec {
    /// Name of the LampStack, in the same namespace.
    pub stack: String,
    /// What to do: `Failover` or `Promote`.
    pub operation: OperationKind,
    /// Of `Promote`: the replica, by its part, `replica/1`. Default: the one that was least behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub replica: Option<String>,
    /// Of `Promote`, with `replica`: also while the primary serves, and whatever the replica lacks. Default false: no
    /// write is lost without somebody having said so.
    #[serde(default)]
    pub force: bool,
}

/// What is done to a database.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OperationKind {
    /// The standby of a Multi-AZ primary takes over.
    Failover,
    /// A read replica takes the place of a primary that is lost.
    Promote,
}

impl OperationKind {
    /// As in `lampctl`.
    pub fn verb(self) -> &'static str {
        match self {
            Self::Failover => "failover",
            Self::Promote => "promote",
        }
    }
}

/// How it goes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseOperationStatus {
    #[serde(default)]
    pub phase: OperationPhase,
    /// When it was accepted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_time: Option<Time>,
    /// When it ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_time: Option<Time>,
    /// A sentence for a person.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
}

/// Where an order is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum OperationPhase {
    /// Nobody looked at it yet, or it waits for another one.
    #[default]
    Pending,
    /// It was accepted, and is under way.
    Running,
    /// It was done.
    Done,
    /// Nothing was done, or nothing more is; `message` says why.
    Refused,
}

impl OperationPhase {
    /// Whether nothing more is done.
    pub fn has_ended(self) -> bool {
        matches!(self, Self::Done | Self::Refused)
    }
}
