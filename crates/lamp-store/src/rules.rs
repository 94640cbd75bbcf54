//! What a create, update or delete does to an object, in Kubernetes' conventions. Pure: no index, no disk.
//!
//! The caller of the API owns `spec`, `status`, labels, annotations, finalizers and whatever else an object has;
//! the store owns `uid`, `creationTimestamp`, `generation`, `resourceVersion`, `deletionTimestamp` and
//! `deletionGracePeriodSeconds`, and takes them from nobody.

use std::sync::Arc;

use jiff::Timestamp;
use serde_json::{Map, Value};

use crate::error::StoreError;
use crate::key::{Key, Revision, Stored};

/// What must hold for a delete to happen. The default asks for nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Preconditions {
    pub uid: Option<String>,
    pub revision: Option<Revision>,
}

/// What became of an update or a delete.
#[derive(Clone, Debug, PartialEq)]
pub enum Updated {
    /// The object is stored as given here. After a delete: finalizers still hold it.
    Written(Stored),
    /// The write would have changed nothing, so there was none: same revision, no event.
    Unchanged(Stored),
    /// The object is gone. This is its last state, at the revision of its removal.
    Removed(Stored),
}

impl Updated {
    pub fn stored(&self) -> &Stored {
        match self {
            Updated::Written(stored) | Updated::Unchanged(stored) | Updated::Removed(stored) => stored,
        }
    }

    pub fn into_stored(self) -> Stored {
        match self {
            Updated::Written(stored) | Updated::Unchanged(stored) | Updated::Removed(stored) => stored,
        }
    }
}

/// The metadata fields that an update cannot change.
const SYSTEM_METADATA: [&str; 6] = [
    "uid",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// The new object at `revision`.
pub(crate) fn create(
    key: &Key,
    mut object: Value,
    uid: String,
    revision: Revision,
    now: Timestamp,
) -> Result<Stored, StoreError> {
    let metadata = normalized_metadata(key, &mut object)?;
    for field in SYSTEM_METADATA {
        metadata.remove(field);
    }
    metadata.insert("uid".to_owned(), uid.into());
    metadata.insert("creationTimestamp".to_owned(), rfc3339_seconds(now).into());
    metadata.insert("generation".to_owned(), 1.into());
    Ok(stored_at(key, object, revision))
}

/// The object after an update that is written at `revision`, if it is written.
pub(crate) fn update(
    current: &Stored,
    expected: Option<Revision>,
    mut object: Value,
    revision: Revision,
) -> Result<Updated, StoreError> {
    require_revision(current, expected)?;
    let metadata = normalized_metadata(&current.key, &mut object)?;
    if let Some(uid) = metadata.get("uid").and_then(Value::as_str) {
        require_uid(current, uid)?;
    }
    for field in SYSTEM_METADATA {
        match current.object["metadata"].get(field) {
            Some(value) => metadata.insert(field.to_owned(), value.clone()),
            None => metadata.remove(field),
        };
    }
    if object == *current.object {
        return Ok(Updated::Unchanged(current.clone()));
    }
    if is_deleting(&object) && !has_finalizers(&object) {
        return Ok(Updated::Removed(stored_at(&current.key, object, revision)));
    }
    if is_desire_changed(&current.object, &object) {
        increment_generation(&mut object);
    }
    Ok(Updated::Written(stored_at(&current.key, object, revision)))
}

/// The object after a delete that is written at `revision`, if anything is written.
pub(crate) fn delete(
    current: &Stored,
    preconditions: &Preconditions,
    revision: Revision,
    now: Timestamp,
) -> Result<Updated, StoreError> {
    require_revision(current, preconditions.revision)?;
    if let Some(uid) = &preconditions.uid {
        require_uid(current, uid)?;
    }
    let mut object = Value::clone(&current.object);
    if !has_finalizers(&object) {
        return Ok(Updated::Removed(stored_at(&current.key, object, revision)));
    }
    if is_deleting(&object) {
        return Ok(Updated::Unchanged(current.clone()));
    }
    increment_generation(&mut object);
    object["metadata"]["deletionTimestamp"] = rfc3339_seconds(now).into();
    object["metadata"]["deletionGracePeriodSeconds"] = 0.into();
    Ok(Updated::Written(stored_at(&current.key, object, revision)))
}

/// The object's metadata, with its name and namespace set from the key. No finalizers are spelled in one way
/// only, so that another spelling is not a change.
fn normalized_metadata<'a>(
    key: &Key,
    object: &'a mut Value,
) -> Result<&'a mut Map<String, Value>, StoreError> {
    let fields = object.as_object_mut().ok_or_else(|| StoreError::invalid(key, "it is not a JSON object"))?;
    let metadata = fields.entry("metadata").or_insert_with(|| Map::new().into());
    let metadata = metadata
        .as_object_mut()
        .ok_or_else(|| StoreError::invalid(key, "its metadata is not a JSON object"))?;
    metadata.insert("name".to_owned(), key.name.clone().into());
    if key.namespace.is_empty() {
        metadata.remove("namespace");
    } else {
        metadata.insert("namespace".to_owned(), key.namespace.clone().into());
    }
    match metadata.get("finalizers") {
        None => {}
        Some(Value::Null) => drop(metadata.remove("finalizers")),
        Some(Value::Array(finalizers)) if finalizers.is_empty() => drop(metadata.remove("finalizers")),
        Some(Value::Array(_)) => {}
        Some(_) => return Err(StoreError::invalid(key, "its metadata.finalizers is not a list")),
    }
    Ok(metadata)
}

fn require_revision(current: &Stored, expected: Option<Revision>) -> Result<(), StoreError> {
    match expected {
        Some(expected) if expected != current.revision => {
            Err(StoreError::Conflict { key: current.key.clone(), expected, actual: current.revision })
        }
        _ => Ok(()),
    }
}

fn require_uid(current: &Stored, expected: &str) -> Result<(), StoreError> {
    let actual = current.object["metadata"]["uid"].as_str().unwrap_or_default();
    if actual == expected {
        return Ok(());
    }
    let (expected, actual) = (expected.to_owned(), actual.to_owned());
    Err(StoreError::UidMismatch { key: current.key.clone(), expected, actual })
}

/// Whether anything differs that asks for work: all but `metadata` and `status`.
fn is_desire_changed(before: &Value, after: &Value) -> bool {
    let is_desire = |field: &str| field != "metadata" && field != "status";
    let has_all_of = |one: &Value, other: &Value| {
        let mut fields = one.as_object().into_iter().flatten().filter(|(field, _)| is_desire(field));
        fields.all(|(field, value)| other.get(field) == Some(value))
    };
    !(has_all_of(before, after) && has_all_of(after, before))
}

fn increment_generation(object: &mut Value) {
    let generation = object["metadata"]["generation"].as_u64().unwrap_or_default();
    object["metadata"]["generation"] = (generation + 1).into();
}

fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}

fn has_finalizers(object: &Value) -> bool {
    object["metadata"]["finalizers"].as_array().is_some_and(|finalizers| !finalizers.is_empty())
}

/// The object with its `metadata.resourceVersion` set. `object` has passed [`normalized_metadata`].
pub(crate) fn stored_at(key: &Key, mut object: Value, revision: Revision) -> Stored {
    object["metadata"]["resourceVersion"] = revision.to_string().into();
    Stored { key: key.clone(), revision, object: Arc::new(object) }
}

/// `2026-11-20T09:30:00Z`: the API's times have seconds and no fraction.
fn rfc3339_seconds(now: Timestamp) -> String {
    now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
