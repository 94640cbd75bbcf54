//! Writes the status, if it says something new. What it says of a plan is the planner's; here is what no plan knows.

use jiff::Timestamp;
use lamp_api::conditions::{MODE_PAUSED, condition, set_condition, types};
use lamp_api::v1alpha1::LampStackStatus;
use lamp_store::{Store, StoreError};
use serde_json::Value;

use crate::stack::{Identity, Stack, modify};

/// Why nothing can be done until a person acts.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Stalled {
    /// CamelCase.
    pub(crate) reason: &'static str,
    pub(crate) message: String,
}

/// The status of a stack that cannot go on. What was last seen of AWS stays.
pub(crate) fn stalled(stack: &Stack, stalled: &Stalled, now: Timestamp) -> LampStackStatus {
    let mut status = stack.status.clone().unwrap_or_default();
    let generation = Some(stack.identity.generation);
    let set = [
        (types::STALLED, true, stalled.reason, stalled.message.clone()),
        (types::PROGRESSING, false, stalled.reason, "nothing is changed until a person acts".to_owned()),
    ];
    for (kind, is, reason, message) in set {
        set_condition(&mut status.conditions, condition(kind, is, reason, message, generation, now));
    }
    status.observed_generation = generation;
    status.summary.clone_from(&stalled.message);
    status
}

/// The status of a paused stack. What was last seen of AWS stays.
pub(crate) fn paused(stack: &Stack, now: Timestamp) -> LampStackStatus {
    let mut status = stack.status.clone().unwrap_or_default();
    let generation = Some(stack.identity.generation);
    let message = if stack.identity.deleting {
        "spec.mode is Paused: set it to Enforce to go on with the deletion"
    } else {
        "spec.mode is Paused: AWS is neither read nor changed for this stack"
    };
    for (kind, is) in [(types::PAUSED, true), (types::PROGRESSING, false), (types::STALLED, false)] {
        let new = condition(kind, is, MODE_PAUSED, message, generation, now);
        set_condition(&mut status.conditions, new);
    }
    status.observed_generation = generation;
    message.clone_into(&mut status.summary);
    status.last_handled_reconcile_at.clone_from(&stack.identity.requested);
    status
}

/// Writes the status of an object.
pub(crate) async fn write(
    store: &Store,
    identity: &Identity,
    status: &LampStackStatus,
) -> Result<(), StoreError> {
    let value = serde_json::to_value(status)
        .map_err(|error| StoreError::Invalid { what: identity.key.to_string(), reason: error.to_string() })?;
    let change = |object: &mut Value| object["status"] = value.clone();
    modify(store, &identity.key, &identity.owner.uid, change).await.map(drop)
}
