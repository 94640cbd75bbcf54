//! Mutating calls. Each is one AWS call, complete: the executor and the adapter choose nothing.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::operation::calls;
use crate::{Body, Change, Kind, Operation, Part, ResourceId, Service, Tags, Target};

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
    calls! {
        constant {
            Self::TagInstance { .. } => Ec2 "CreateTags",
            Self::ReplaceInstance { .. } => AutoScaling "TerminateInstanceInAutoScalingGroup",
            Self::RegisterTargets { .. } => LoadBalancing "RegisterTargets",
            Self::DeregisterTargets { .. } => LoadBalancing "DeregisterTargets",
        }
        asked {
            Self::Create { body, .. } => Operation::new(body.kind().service(), body.create_operation()),
            Self::Change { change, .. } => Operation::new(change.kind().service(), change.operation()),
            Self::Tag { kind, .. } => Operation::new(kind.service(), kind.tag_operation()),
            Self::Delete { kind, .. } => Operation::new(kind.service(), kind.delete_operation()),
        }
    }

    /// Every operation that a mutating call can be.
    pub fn operations() -> BTreeSet<Operation> {
        let of_kind = |kind: &Kind| {
            let service = kind.service();
            let names = kind.create_operations().iter().chain(kind.change_operations()).copied();
            let names = names.chain([kind.tag_operation(), kind.delete_operation()]);
            names.map(move |name| Operation::new(service, name)).collect::<Vec<_>>()
        };
        Kind::ALL.iter().flat_map(of_kind).chain(Self::CONSTANT.iter().copied()).collect()
    }

    /// The AWS service that it goes to.
    pub fn service(&self) -> Service {
        self.called().service
    }

    /// Name of the AWS operation, for example `CreateVpc`.
    pub fn operation(&self) -> &'static str {
        self.called().name
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
