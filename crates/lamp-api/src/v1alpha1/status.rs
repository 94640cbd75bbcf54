//! The controller's last word on a stack.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// What Lamplighter last saw and did. Rebuilt from observation; never an input to planning.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LampStackStatus {
    /// The generation of the spec that this status speaks for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,

    /// When AWS was last observed for this status.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub observed_time: Option<Time>,

    /// When the site was Ready for the first time; until then it comes up, and nothing can be missing yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub first_ready_time: Option<Time>,

    /// One sentence for a person.
    #[serde(default)]
    pub summary: String,

    /// Facts about the stack: `Ready`, `Progressing`, `Degraded`, `Stalled`, `Paused`, and one per part.
    #[serde(default)]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,

    /// The address of the site, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,

    /// One entry per tier.
    #[serde(default)]
    pub tiers: Vec<TierStatus>,

    /// The database and its replicas.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database: Option<DatabaseStatus>,

    /// Every part of the site on AWS, with its state.
    #[serde(default)]
    pub parts: Vec<PartStatus>,

    /// What must wait, and for what.
    #[serde(default)]
    pub waiting: Vec<Waiting>,

    /// How the deletion of the stack goes, once it was asked for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub deletion: Option<DeletionStatus>,

    /// Instances that run in the site's network and are none of its own. They are reported, and never touched.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub strangers: Vec<Stranger>,

    /// Fields that are not as the spec says, and are left so.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub left_alone: Vec<LeftAlone>,

    /// The last decisions, newest first, at most 20.
    #[serde(default)]
    pub decisions: Vec<Decision>,

    /// The value of the `reconcile-requested-at` annotation that was last acted upon.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_handled_reconcile_at: Option<String>,
}

/// A tier as observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct TierStatus {
    pub name: String,
    /// Instances wanted right now.
    pub desired: u32,
    /// Instances that exist.
    pub instances: u32,
    /// Instances that serve: in service, and healthy targets where there is a load balancer.
    pub ready: u32,
    /// Address of the tier's load balancer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
}

/// The database as observed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DatabaseStatus {
    /// RDS's own word: `available`, `creating`, `modifying`, …
    pub state: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub endpoint: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub engine_version: Option<String>,
    /// ARN of the secret that holds the master password.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub secret_arn: Option<String>,
    /// Read replicas wanted right now.
    pub replicas_desired: u32,
    /// Read replicas that replicate and lag less than `maxLagSeconds`.
    pub replicas_ready: u32,
    /// When the maintenance window opens that a change waits for.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_maintenance_time: Option<Time>,
    /// The final snapshot, once the database is being deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub final_snapshot: Option<String>,
    /// What is being done on a person's order, or because the primary was lost, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub operation: Option<String>,
    /// Primaries in whose place replicas were promoted. Nobody reaches them; they are a person's to delete.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_primaries: Vec<FormerPrimary>,
}

/// A primary in whose place a replica was promoted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct FormerPrimary {
    /// AWS's id of the instance.
    pub id: String,
    /// RDS's own word for its state.
    pub state: String,
    /// Until then it should be kept: it may have data that no replica had.
    pub keep_until_time: Time,
}

/// One part of the site on AWS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct PartStatus {
    /// Name of the part in the stack, for example `subnet/public/1`.
    pub part: String,
    /// Kind of the AWS resource.
    pub kind: String,
    /// AWS's id, once there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    pub state: PartState,
    /// Why it is not ready, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}

/// State of a part.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum PartState {
    /// It exists and is as the spec says.
    Ready,
    /// It is being made, or settles after a change.
    Progressing,
    /// It waits for another part.
    Waiting,
    /// It differs from the spec and is being put back.
    Drifted,
    /// It is being removed.
    Deleting,
    /// AWS says it failed, or refuses the change.
    Failed,
    /// It could not be observed.
    Unknown,
}

/// What must wait, and for what.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Waiting {
    pub part: String,
    /// A sentence with the cause and, where it is known, the time.
    pub reason: String,
    /// Whether a person must act before it goes on.
    #[serde(default)]
    pub blocked: bool,
}

/// How a deletion goes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DeletionStatus {
    /// When it began.
    pub started_time: Time,
    /// When something last went, or was prepared for it. An hour later the stack is `Stalled`.
    pub last_progress_time: Time,
    /// What keeps parts of the stack from being deleted.
    #[serde(default)]
    pub blockers: Vec<Blocker>,
}

/// What keeps a part from being deleted.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Blocker {
    /// Name of the part in the stack, for example `subnet/public/1`.
    pub part: String,
    /// AWS's id of the part.
    pub id: String,
    /// What holds it: AWS's id of a network interface, or the code of AWS's refusal.
    pub by: String,
    /// A sentence for a person.
    pub message: String,
    /// Whether it is somebody else's, and stays until a person removes it.
    #[serde(default)]
    pub foreign: bool,
}

/// An instance in the site's network that is none of the site's.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Stranger {
    /// AWS's id of the instance.
    pub instance: String,
    /// Its `Name` tag.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A field of a part that is not as the spec says, and is left so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct LeftAlone {
    pub part: String,
    /// Name of the field, for example `userData`.
    pub field: String,
    /// What the spec wants, shortened where it is long.
    pub wanted: String,
    /// What AWS has, shortened where it is long.
    pub found: String,
    /// Why it is left alone.
    pub reason: LeftAloneReason,
    /// How often it was put back, where it is `Contended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrections: Option<u32>,
    /// When it is put back once more, where it is `Contended`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_attempt_time: Option<Time>,
}

/// Why a field is left as it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum LeftAloneReason {
    /// A rule of `spec.ignore` says that it is only reported.
    Reported,
    /// Somebody else changed it again each time that it was put back.
    Contended,
}

/// One decision, with its numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Decision {
    pub time: Time,
    pub part: String,
    /// What was decided: `ScaleUp`, `ReplaceInstance`, `Create`, …
    pub action: String,
    /// Why, with the numbers that it was decided on.
    pub reason: String,
}
