//! Mutating calls. Each is one AWS call, complete: the executor and the adapter choose nothing.

use serde::{Deserialize, Serialize};

use crate::{Body, Change, Kind, Part, ResourceId, Service, Tags, Target};

/// One mutating call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[expect(
    clippy::large_enum_variant,
    reason = "there are as many as calls to AWS, each of which costs far more than a copy"
)]
pub enum Request {
    /// Makes a resource with its tags in the same call where AWS allows it. All references in `body` are resolved
    /// as far as the call needs them; what the call does not take is changed afterwards.
    Create {
        part: Part,
        /// The natural key where the kind has one, and the `Name` otherwise.
        name: String,
        tags: Tags,
        /// Client token, for kinds whose call takes one.
        token: String,
        body: Body,
    },
    /// Changes one resource by one call with absolute values.
    Change { id: ResourceId, token: String, change: Change },
    /// Puts our tags back on a resource that lost them.
    Tag { kind: Kind, id: ResourceId, tags: Tags },
    /// Puts our tags back on a member of a group that lost them (`CreateTags`).
    TagInstance { instance: ResourceId, tags: Tags },
    /// Removes a resource.
    Delete { kind: Kind, id: ResourceId, options: DeleteOptions },
    /// Terminates a member of a group, which the group replaces (`TerminateInstanceInAutoScalingGroup`).
    ReplaceInstance { group: ResourceId, instance: ResourceId },
    /// `RegisterTargets`
    RegisterTargets { target_group: ResourceId, targets: Vec<Target> },
    /// `DeregisterTargets`
    DeregisterTargets { target_group: ResourceId, targets: Vec<Target> },
}

/// What goes with a deletion.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct DeleteOptions {
    /// Name of the final snapshot of a primary database. `None` for a primary skips it: only with consent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_snapshot: Option<String>,
    /// Tags of the final snapshot.
    #[serde(default, skip_serializing_if = "Tags::is_empty")]
    pub snapshot_tags: Tags,
    /// Deletes a secret at once instead of keeping it restorable for seven days.
    #[serde(default)]
    pub without_recovery: bool,
}

/// What a mutation gave back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Applied {
    /// AWS's id of what was created.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ResourceId>,
    /// AWS's request id, for the audit.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
}

impl Request {
    /// The AWS service that it goes to.
    pub fn service(&self) -> Service {
        match self {
            Self::Create { body, .. } => body.kind().service(),
            Self::Change { change, .. } => change.kind().service(),
            Self::Tag { kind, .. } | Self::Delete { kind, .. } => kind.service(),
            Self::TagInstance { .. } => Service::Ec2,
            Self::ReplaceInstance { .. } => Service::AutoScaling,
            Self::RegisterTargets { .. } | Self::DeregisterTargets { .. } => Service::LoadBalancing,
        }
    }

    /// Name of the AWS operation, for example `CreateVpc`.
    pub fn operation(&self) -> &'static str {
        match self {
            Self::Create { body, .. } => body.create_operation(),
            Self::Change { change, .. } => change.operation(),
            Self::Tag { kind, .. } => kind.tag_operation(),
            Self::TagInstance { .. } => "CreateTags",
            Self::Delete { kind, .. } => kind.delete_operation(),
            Self::ReplaceInstance { .. } => "TerminateInstanceInAutoScalingGroup",
            Self::RegisterTargets { .. } => "RegisterTargets",
            Self::DeregisterTargets { .. } => "DeregisterTargets",
        }
    }

    /// The resource that it changes or removes; `None` for a creation.
    pub fn target(&self) -> Option<&str> {
        match self {
            Self::Create { .. } => None,
            Self::Change { id, .. } | Self::Tag { id, .. } | Self::Delete { id, .. } => Some(id),
            Self::ReplaceInstance { instance, .. } | Self::TagInstance { instance, .. } => Some(instance),
            Self::RegisterTargets { target_group, .. } | Self::DeregisterTargets { target_group, .. } => {
                Some(target_group)
            }
        }
    }
}
