//! Data is not deleted by a slip: a stack whose database would go without a final snapshot must be named twice.

use lamp_api::annotations::CONFIRM_DELETE;
use lamp_api::kinds::LAMPSTACK;
use lamp_store::Stored;
use serde_json::Value;

use super::is_deleting;
use crate::error::ApiError;

/// Refuses to delete a stack whose data would be lost, unless its annotation consents.
pub(crate) fn require_consent(stack: &Stored) -> Result<(), ApiError> {
    if !loses_data(&stack.object) || consents(stack, &stack.object) {
        return Ok(());
    }
    Err(refusal(stack, "its deletion"))
}

/// Refuses a change that makes a deletion that is under way lose data.
pub(crate) fn require_consent_for_change(current: &Stored, new: &Value) -> Result<(), ApiError> {
    let worsens = is_deleting(&current.object) && !loses_data(&current.object) && loses_data(new);
    if worsens && !consents(current, new) {
        Err(refusal(current, "its deletion, which is under way,"))
    } else {
        Ok(())
    }
}

fn loses_data(stack: &Value) -> bool {
    stack["kind"] == LAMPSTACK.kind
        && stack["spec"]["deletionPolicy"] == "Delete"
        && stack["spec"]["database"].is_object()
}

fn consents(stack: &Stored, object: &Value) -> bool {
    object["metadata"]["annotations"][CONFIRM_DELETE] == stack.key.name.as_str()
}

fn refusal(stack: &Stored, what: &str) -> ApiError {
    let (name, namespace) = (&stack.key.name, &stack.key.namespace);
    let reason = format!(
        "its deletionPolicy is Delete, so {what} would delete the database and its backups without a final \
         snapshot; if that is meant, run first: \
         kubectl annotate lampstack {name} --namespace {namespace} {CONFIRM_DELETE}={name}; \
         to keep the data set deletionPolicy: Snapshot"
    );
    ApiError::Forbidden { kind: &LAMPSTACK, name: name.clone(), reason }
}
