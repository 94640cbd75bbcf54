//! The kind that a user writes.

use kube::CustomResource;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::{Breakers, Database, IgnoreRule, LampStackStatus, Network, Tier};

/// The LAMP site that a team wants on AWS: its network, tiers and database, and how they scale and heal.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "lamplighter.dev",
    version = "v1alpha1",
    kind = "LampStack",
    plural = "lampstacks",
    singular = "lampstack",
    shortname = "lamp",
    namespaced,
    status = "LampStackStatus",
    derive = "PartialEq"
)]
#[serde(rename_all = "camelCase")]
pub struct LampStackSpec {
    /// AWS region of the whole site, for example `eu-central-1`. Immutable: a site cannot move.
    pub region: String,

    /// What Lamplighter may do: `Enforce` keeps AWS as written, `Observe` plans and changes nothing, `Paused` does nothing.
    /// Default `Enforce`: who applies a spec wants it carried out.
    #[serde(default)]
    pub mode: Mode,

    /// What becomes of the data when the stack is deleted: `Snapshot` takes a final snapshot, `Retain` leaves the
    /// database and its network, `Delete` deletes it without a snapshot.
    /// Default `Snapshot`: a deletion by mistake can then be undone.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,

    /// The private network of the site.
    #[serde(default)]
    pub network: Network,

    /// Groups of equal instances, keyed by name; order has no meaning.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["name"]))]
    pub tiers: Vec<Tier>,

    /// The MySQL or MariaDB database of the site. Default: none, for a stateless site.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<Database>,

    /// Limits that protect the whole site from Lamplighter itself; those of a tier stand in its `healing`.
    #[serde(default)]
    pub breakers: Breakers,

    /// Fields that somebody else may change, and that are then not put back. Default: none, so that the site is what
    /// the spec says.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub ignore: Vec<IgnoreRule>,
}

/// What Lamplighter may do with a stack.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Mode {
    /// Keep AWS as the spec says.
    #[default]
    Enforce,
    /// Observe and plan, but change nothing.
    Observe,
    /// Do nothing at all.
    Paused,
}

/// What becomes of data when the stack is deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// Take a final snapshot, then delete.
    #[default]
    Snapshot,
    /// Leave the database, and what it stands in, where it is.
    Retain,
    /// Delete without a snapshot.
    Delete,
}
