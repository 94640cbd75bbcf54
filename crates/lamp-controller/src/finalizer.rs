//! The finalizer keeps a stack until nothing of it is left in AWS: it is there before the first resource, and goes
//! after the last.

use lamp_api::FINALIZER;
use lamp_store::{Store, StoreError};
use serde_json::{Value, json};

use crate::stack::{Identity, modify};

/// What the life of an object asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    /// Put the finalizer on first: nothing was made for this object yet.
    Claim,
    /// Keep AWS as the spec says.
    Keep,
    /// Remove everything, then the finalizer.
    TearDown,
    /// Nothing is left to do: other finalizers hold it.
    Leave,
}

pub(crate) fn step(identity: &Identity) -> Step {
    match (identity.has_finalizer, identity.deleting) {
        (false, false) => Step::Claim,
        (true, false) => Step::Keep,
        (true, true) => Step::TearDown,
        (false, true) => Step::Leave,
    }
}

/// Puts the finalizer on.
pub(crate) async fn claim(store: &Store, identity: &Identity) -> Result<(), StoreError> {
    modify(store, &identity.key, &identity.owner.uid, add).await.map(drop)
}

/// Takes the finalizer off: the object goes, if no other finalizer holds it.
pub(crate) async fn release(store: &Store, identity: &Identity) -> Result<(), StoreError> {
    modify(store, &identity.key, &identity.owner.uid, remove).await.map(drop)
}

fn add(object: &mut Value) {
    // One that came to be deleted in between must not be claimed any more.
    if object["metadata"]["deletionTimestamp"].is_string() {
        return;
    }
    match object["metadata"]["finalizers"].as_array_mut() {
        Some(finalizers) if finalizers.iter().any(|one| one == FINALIZER) => {}
        Some(finalizers) => finalizers.push(json!(FINALIZER)),
        None => object["metadata"]["finalizers"] = json!([FINALIZER]),
    }
}

fn remove(object: &mut Value) {
    if let Some(finalizers) = object["metadata"]["finalizers"].as_array_mut() {
        finalizers.retain(|one| one != FINALIZER);
    }
}
