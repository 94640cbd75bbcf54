//! Conditions: facts about an object, each with a reason and a message.

use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, Time};

/// Types of conditions.
pub mod types {
    /// The site serves as its spec says.
    pub const READY: &str = "Ready";
    /// AWS is being changed towards the spec.
    pub const PROGRESSING: &str = "Progressing";
    /// The site serves, but less well than its spec says.
    pub const DEGRADED: &str = "Degraded";
    /// Nothing more can be done until a person acts.
    pub const STALLED: &str = "Stalled";
    /// Nothing is changed, because the spec says so.
    pub const PAUSED: &str = "Paused";
    /// Fields differ from the spec, and `spec.ignore` says that this is only reported.
    pub const DRIFT_REPORTED: &str = "DriftReported";
    /// Somebody else keeps changing a field, which is left alone for a while.
    pub const CONTENDED: &str = "Contended";
    /// A person holds the stack, a tier or an instance; there while one does.
    pub const HELD: &str = "Held";
    /// The network is as its spec says.
    pub const NETWORK_READY: &str = "NetworkReady";
    /// Each tier has the instances it wants, and they serve.
    pub const TIERS_READY: &str = "TiersReady";
    /// The database and its replicas serve.
    pub const DATABASE_READY: &str = "DatabaseReady";
}

/// Reason of [`types::PAUSED`] while `spec.mode` is `Paused`. People's alerts and scripts name it.
pub const MODE_PAUSED: &str = "ModePaused";

/// Reason of [`types::HELD`] while something is held.
pub const HOLD_REQUESTED: &str = "HoldRequested";

/// Reason of [`types::STALLED`] while something foreign keeps a stack from being deleted.
pub const DELETION_BLOCKED: &str = "DeletionBlocked";

/// Reason of [`types::STALLED`] when nothing of a stack that is being deleted went for an hour.
pub const DELETION_STUCK: &str = "DeletionStuck";

/// A condition of an object at `generation`, with `lastTransitionTime` = `now`.
pub fn condition(
    kind: &str,
    status: bool,
    reason: &str,
    message: impl Into<String>,
    generation: Option<i64>,
    now: Timestamp,
) -> Condition {
    Condition {
        type_: kind.to_owned(),
        status: if status { "True" } else { "False" }.to_owned(),
        reason: reason.to_owned(),
        message: message.into(),
        observed_generation: generation,
        last_transition_time: Time(now),
    }
}

/// Puts `new` among `conditions`, keeping the time of the last transition where the status did not change.
pub fn set_condition(conditions: &mut Vec<Condition>, mut new: Condition) {
    match conditions.iter_mut().find(|old| old.type_ == new.type_) {
        Some(old) => {
            if old.status == new.status {
                new.last_transition_time = old.last_transition_time.clone();
            }
            *old = new;
        }
        None => conditions.push(new),
    }
}

/// Whether the condition `kind` is there and true.
pub fn is_true(conditions: &[Condition], kind: &str) -> bool {
    conditions.iter().any(|c| c.type_ == kind && c.status == "True")
}
