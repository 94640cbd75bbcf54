//! What we know to have done: intents before effects, and the second key of every deletion.

mod database;

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

pub use database::{Loss, Promotion, PromotionEnd, Seen};

use crate::{CloudError, HealingRecord, Kind, Request, ResourceId};

/// What the store knows of one part of a stack. Written durably before and after each mutation.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LedgerEntry {
    /// Kind of the resource; `None` for records of live things (a replaced instance, a target).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// AWS's id, once a creation is known to have taken effect.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<ResourceId>,
    /// When it was known to exist.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub created_at: Option<Timestamp>,
    /// When it was first seen to be as the spec says, or was taken over: until then it is being made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub completed_at: Option<Timestamp>,
    /// How many attempts to make it ended in a failed or vanished resource.
    #[serde(default)]
    pub attempt: u32,
    /// When it was made again in the last hour, oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub remakes: Vec<Timestamp>,
    /// The fields that were put back lately.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub corrections: BTreeMap<String, Corrections>,
    /// Of a launch template: what its versions proved to be.
    #[serde(default, skip_serializing_if = "Versions::is_unknown")]
    pub versions: Versions,
    /// Of an Auto Scaling group: what healing must not forget.
    #[serde(default, skip_serializing_if = "HealingRecord::is_empty")]
    pub healing: HealingRecord,
    /// Of an instance of the database: how it was last seen.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub seen: Option<Seen>,
    /// Of the primary: that it looks lost; [`LedgerEntry::lost`] says whether that is certain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub loss: Option<Loss>,
    /// Of the primary: the last promotion, which may be under way.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub promotion: Option<Promotion>,
    /// The mutation whose outcome is not known yet.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub open: Option<Intent>,
    /// The last mutation whose outcome is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last: Option<Finished>,
}

/// How often a field was put back to one value.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Corrections {
    /// A fingerprint of the value.
    pub wanted: String,
    /// The last times, oldest first: a few.
    pub times: Vec<Timestamp>,
    /// How often in all.
    pub count: u32,
    /// How often it was left alone for a while, because somebody changed it again and again.
    #[serde(default)]
    pub pauses: u32,
}

/// What the versions of a launch template proved to be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Versions {
    /// The last version that every instance of the tier ran, ready for as long as it had to prove itself.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub good: Option<TemplateVersion>,
    /// The version that the spec asks for, and that did not work.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failed: Option<FailedVersion>,
}

impl Versions {
    /// Whether nothing was proved yet.
    pub fn is_unknown(&self) -> bool {
        *self == Self::default()
    }
}

/// A version of a launch template, and what an Auto Scaling group launches from it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TemplateVersion {
    pub number: u64,
    /// A fingerprint of what is launched: the same thing may get several numbers.
    pub launches: String,
    /// The instance types that the group chooses from; empty where the template names the only one.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub instance_types: Vec<String>,
}

/// A version that did not become healthy, or did not stay so.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FailedVersion {
    pub version: TemplateVersion,
    pub at: Timestamp,
    /// What happened to which instance, for people.
    pub why: String,
    /// The last request of a person to look at the stack before it failed: a newer one asks to try again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
}

/// A mutation that was decided, with the exact request, written down before the call.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Intent {
    pub request: Request,
    /// Why, for the audit and for `lampctl why`.
    pub reason: String,
    pub started_at: Timestamp,
    /// How often the same request was sent.
    pub sent: u32,
    /// The last error, if a reply said that the outcome is unknown.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<CloudError>,
}

impl Intent {
    /// Whether the reply of a call that started at `started_at` cannot arrive any more, nor its effect become
    /// visible later.
    pub fn is_older_than(&self, window: Duration, now: Timestamp) -> bool {
        now.duration_since(self.started_at).unsigned_abs() >= window && now > self.started_at
    }
}

/// A mutation whose outcome is known.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Finished {
    pub request: Request,
    pub reason: String,
    pub at: Timestamp,
    pub outcome: Outcome,
    /// Failures of the same request in a row.
    #[serde(default)]
    pub failures: u32,
}

/// How a mutation ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Outcome {
    Done,
    Failed(CloudError),
}
