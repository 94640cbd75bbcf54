//! What one plan leaves for the next: history that no observation gives back. Losing it (a restart) only makes
//! decisions wait until it has grown again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use lamp_api::v1alpha1::Metric;
use lamp_cloud::{Part, ResourceId, Target};

pub use crate::scaling::predictive::Prediction;

/// History of one stack.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    /// By the part that is scaled: `auto-scaling-group/web`, `replicas`.
    pub scaling: BTreeMap<Part, ScalingMemory>,
    /// What the past of a metric lets expect, by the same part. Made anew when the past was read again.
    pub predictions: BTreeMap<Part, BTreeMap<Metric, Arc<Prediction>>>,
    /// Since when each instance or replica has looked sick without a break, and how many fresh observations said so.
    pub sick: BTreeMap<ResourceId, Sickness>,
    /// The same, counting only observations in which two sources agree.
    pub agreed: BTreeMap<ResourceId, Sickness>,
    /// When an instance looked sick last while what its tier uses did not serve.
    pub excused: BTreeMap<ResourceId, Timestamp>,
    /// Young instances that have been ready once: they do not start any more.
    pub started: BTreeSet<ResourceId>,
    /// The same of targets that are missing, or that nobody wants, by target group.
    pub targets: BTreeMap<(ResourceId, Target), Sickness>,
    /// The new version that a group brings to its instances, by the group's part.
    pub trials: BTreeMap<Part, Trial>,
}

/// A version of a launch template that has to prove itself.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Trial {
    pub version: u64,
    /// Its instances.
    pub members: BTreeSet<ResourceId>,
    /// Those that left without being asked to.
    pub lost: BTreeSet<ResourceId>,
    /// How many instances the group had, of whatever version.
    pub staying: u32,
    /// Since when all of its instances have been ready; `None` while one is not.
    pub ready_since: Option<Timestamp>,
    /// Those that are not ready, or gone.
    pub unready: BTreeMap<ResourceId, Sickness>,
}

/// How long and how often something looked sick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sickness {
    pub since: Timestamp,
    pub observations: u32,
    /// Time of the newest observation that counted.
    pub last: Timestamp,
}

/// History of one scaled thing.
#[derive(Clone, Debug, PartialEq)]
pub struct ScalingMemory {
    /// Since when there is a history: a window that reaches further back is not covered.
    pub since: Timestamp,
    /// What was recommended when, oldest first, as far back as the longest window.
    pub recommendations: Vec<(Timestamp, u32)>,
    /// What the capacity was before each change of the last minutes, oldest first.
    pub changes: Vec<(Timestamp, u32)>,
    /// When it was changed last.
    pub changed_at: Option<Timestamp>,
    /// When it grew last.
    pub grown_at: Option<Timestamp>,
    /// Since when each metric has said nothing, by its name.
    pub silent: BTreeMap<String, Timestamp>,
    /// The newest firing of a schedule whose capacity was reached.
    pub reached: Option<Timestamp>,
    /// How many the policies want, where the connections of the database bound the capacity below that.
    pub bounded: Option<u32>,
}
