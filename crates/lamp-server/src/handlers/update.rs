//! `replace` and `patch`, of objects and of their status.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use lamp_api::admission::{Admitted, admit_parsed};
use lamp_api::json::Parsed;
use lamp_store::{StoreError, Stored};
use serde_json::Value;

use super::read::find;
use super::resource::Call;
use super::writer::{self, PATCH_OPTIONS};
use crate::access::escalation;
use crate::error::ApiError;
use crate::fields::{self, Owners, Writer};
use crate::objects::{self, Replacement};
use crate::patch::Patch;
use crate::respond;
use crate::server::Shared;

/// Attempts to write while others write the same object.
pub(super) const ATTEMPTS: u32 = 8;

pub(super) async fn replace(shared: &Shared, call: &Call, parsed: Parsed) -> Result<Response, ApiError> {
    let finalizers_are_meant = parsed.value["metadata"].get("finalizers").is_some();
    let replacement = Replacement { object: parsed.value, finalizers_are_meant };
    let writer = writer::updater(call, "UpdateOptions")?;
    change(shared, call, (&writer, &parsed.duplicates), |_| Ok(replacement.clone())).await
}

pub(super) async fn patch(shared: &Shared, call: &Call, patch: &Patch) -> Result<Response, ApiError> {
    let key = call.key()?;
    let make = |current: &Stored| {
        let object = patch.apply(call.path.kind, &key.name, &current.object)?;
        Ok(Replacement { object, finalizers_are_meant: true })
    };
    let writer = writer::updater(call, PATCH_OPTIONS)?;
    change(shared, call, (&writer, &patch.duplicates), make).await
}

/// Makes the new object from the stored one and writes it, again if the stored one has changed meanwhile.
///
/// A client that names a `resourceVersion` gets a conflict instead: `compose` compares it each time.
async fn change(
    shared: &Shared,
    call: &Call,
    (writer, duplicates): (&Writer, &[String]),
    make: impl Fn(&Stored) -> Result<Replacement, ApiError>,
) -> Result<Response, ApiError> {
    let kind = call.path.kind;
    let key = call.key()?;
    let mut attempt = 1;
    loop {
        let current = find(shared, call, &key)?;
        let replacement = make(&current)?;
        let owners = owners(call, &current, &replacement.object)?;
        let composed = compose(call, &current, replacement)?;
        let Admitted { object, warnings } = admit(call, &current, composed, duplicates)?;
        let mut object = objects::settle(kind, call.path.subresource, &current, object);
        escalation::check(&call.caller, kind, Some(&current.object), &object)?;
        fields::after_update(kind, &current.object, &object, owners, writer).write(&mut object);
        let answer =
            |object: &Arc<Value>| respond::json(StatusCode::OK, call.view.object(kind, object), &warnings);
        if call.parameters.dry_run()? {
            return Ok(answer(&objects::updated(&current, object)));
        }
        match shared.dependencies.store.update(&key, Some(current.revision), object).await {
            Ok(updated) => return Ok(answer(&updated.stored().object)),
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
            Err(error) => return Err(ApiError::from_store(kind, error)),
        }
    }
}

/// The owners as the client leaves them; a subresource has no say in that.
fn owners(call: &Call, current: &Stored, sent: &Value) -> Result<Owners, ApiError> {
    if call.path.subresource.is_some() {
        return Ok(Owners::of(&current.object));
    }
    Owners::sent(&sent["metadata"]["managedFields"], &current.object).map_err(|error| ApiError::Invalid {
        kind: call.path.kind,
        name: current.key.name.clone(),
        errors: vec![error],
    })
}

/// The object that is to be admitted.
pub(super) fn compose(call: &Call, current: &Stored, new: Replacement) -> Result<Value, ApiError> {
    let object = objects::compose(call.path.kind, call.path.subresource, current, new)?;
    objects::require_consent_for_change(current, &object)?;
    Ok(object)
}

fn admit(call: &Call, current: &Stored, object: Value, duplicates: &[String]) -> Result<Admitted, ApiError> {
    let kind = call.path.kind;
    let parsed = Parsed { value: object, duplicates: duplicates.to_vec() };
    admit_parsed(kind, &parsed, Some(&current.object), call.parameters.strictness()?)
        .map_err(|rejected| ApiError::from_admission(kind, &current.key.name, rejected))
}
