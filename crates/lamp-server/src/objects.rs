//! What happens to an object between the wire and the store. Pure.

mod consent;
mod preview;

use lamp_api::kinds::KindInfo;
use lamp_api::{FINALIZER, FieldError};
use lamp_store::{Revision, Stored};
use serde_json::{Map, Value, json};

use crate::error::ApiError;
use crate::path::Subresource;

pub(crate) use consent::{require_consent, require_consent_for_change};
pub(crate) use preview::{created, updated};

/// Keeps a namespace until it is empty.
pub(crate) const NAMESPACE_FINALIZER: &str = "lamplighter.dev/namespace";

/// The finalizer that every object of a kind has.
fn own_finalizer(kind: &KindInfo) -> Option<&'static str> {
    match kind.kind {
        "LampStack" => Some(FINALIZER),
        "Namespace" => Some(NAMESPACE_FINALIZER),
        _ => None,
    }
}

/// Gives an object the name of its address; `Err` if it has another one.
pub(crate) fn name(name: &str, object: &mut Value) -> Result<(), ApiError> {
    metadata_mut(object).map_or(Ok(()), |metadata| address(metadata, "name", Some(name)))
}

/// What the server gives an object at its creation, whatever its client sent.
pub(crate) fn given(kind: &KindInfo, namespace: Option<&str>, name: &str) -> Result<Value, ApiError> {
    let mut object = json!({"metadata": {"name": name}});
    prepare_creation(kind, namespace, &mut object)?;
    Ok(object)
}

/// Readies an object for creation at an address; `Err` if it is meant for another one.
pub(crate) fn prepare_creation(
    kind: &KindInfo,
    namespace: Option<&str>,
    object: &mut Value,
) -> Result<(), ApiError> {
    let Some(metadata) = metadata_mut(object) else { return Ok(()) };
    if text(metadata, "resourceVersion").is_some() {
        return Err(ApiError::BadRequest(
            "resourceVersion should not be set on objects to be created".to_owned(),
        ));
    }
    address(metadata, "namespace", namespace)?;
    metadata.remove("managedFields");
    if let Some(name) = own_finalizer(kind) {
        add_finalizer(metadata, name);
    }
    if kind.kind == "Namespace" {
        name_label(metadata);
    }
    if kind.has_status {
        set_status(object, (kind.kind == "Namespace").then(|| json!({"phase": "Active"})));
    }
    Ok(())
}

/// Kubernetes' label by which selectors find a namespace.
fn name_label(metadata: &mut Map<String, Value>) {
    let Some(name) = text(metadata, "name").map(str::to_owned) else { return };
    if let Some(labels) = metadata.entry("labels").or_insert_with(|| json!({})).as_object_mut() {
        labels.insert("kubernetes.io/metadata.name".to_owned(), name.into());
    }
}

/// What a client sent to replace an object, or made by patching it.
#[derive(Clone, Debug)]
pub(crate) struct Replacement {
    pub(crate) object: Value,
    /// Whether the finalizers in it, or their absence, are meant: a manifest that does not mention them is not.
    pub(crate) finalizers_are_meant: bool,
}

/// The object that is to be admitted in the place of `current`: the client's part from `new`, the rest as it is.
pub(crate) fn compose(
    kind: &'static KindInfo,
    subresource: Option<Subresource>,
    current: &Stored,
    new: Replacement,
) -> Result<Value, ApiError> {
    let mut object = new.object;
    let namespace = Some(current.key.namespace.as_str()).filter(|namespace| !namespace.is_empty());
    if let Some(metadata) = metadata_mut(&mut object) {
        address(metadata, "name", Some(&current.key.name))?;
        address(metadata, "namespace", namespace)?;
        require_revision(kind, metadata, current)?;
        require_uid(kind, metadata, current)?;
        metadata.remove("managedFields");
    }
    if subresource == Some(Subresource::Status) {
        let status = object.get("status").cloned();
        object = Value::clone(&current.object);
        set_status(&mut object, status);
        return Ok(object);
    }
    if kind.has_status {
        set_status(&mut object, None);
    }
    keep_finalizer(kind, current, &mut object, new.finalizers_are_meant);
    require_no_new_finalizers(kind, current, &object)?;
    Ok(object)
}

/// The admitted object as it is stored: what the address does not speak for is exactly as it was, whatever
/// admission would make of it today.
pub(crate) fn settle(
    kind: &KindInfo,
    subresource: Option<Subresource>,
    current: &Stored,
    mut admitted: Value,
) -> Value {
    if subresource == Some(Subresource::Status) {
        let mut object = Value::clone(&current.object);
        set_status(&mut object, admitted.get("status").cloned());
        return object;
    }
    if kind.has_status {
        set_status(&mut admitted, current.object.get("status").cloned());
    }
    admitted
}

/// Our own finalizer stands between an object and leaked resources: it goes only while the object is being deleted,
/// and only on purpose.
fn keep_finalizer(kind: &KindInfo, current: &Stored, object: &mut Value, meant: bool) {
    let Some(name) = own_finalizer(kind) else { return };
    let has = finalizers(&current.object).any(|finalizer| finalizer == name);
    if let (true, Some(metadata)) = (has && !(meant && is_deleting(&current.object)), metadata_mut(object)) {
        add_finalizer(metadata, name);
    }
}

fn require_no_new_finalizers(
    kind: &'static KindInfo,
    current: &Stored,
    object: &Value,
) -> Result<(), ApiError> {
    let known: Vec<&str> = finalizers(&current.object).collect();
    let added: Vec<&str> = finalizers(object).filter(|name| !known.contains(name)).collect();
    if added.is_empty() || !is_deleting(&current.object) {
        return Ok(());
    }
    let detail =
        format!("no new finalizers can be added if the object is being deleted, found {}", added.join(", "));
    let errors = vec![FieldError::forbidden("metadata.finalizers", detail)];
    Err(ApiError::Invalid { kind, name: current.key.name.clone(), errors })
}

fn require_revision(
    kind: &'static KindInfo,
    metadata: &Map<String, Value>,
    current: &Stored,
) -> Result<(), ApiError> {
    match text(metadata, "resourceVersion") {
        Some(text) if text.parse::<Revision>().ok() != Some(current.revision) => {
            Err(ApiError::Conflict { kind, name: current.key.name.clone() })
        }
        _ => Ok(()),
    }
}

fn require_uid(
    kind: &'static KindInfo,
    metadata: &Map<String, Value>,
    current: &Stored,
) -> Result<(), ApiError> {
    let actual = current.object["metadata"]["uid"].as_str().unwrap_or_default();
    match text(metadata, "uid") {
        Some(uid) if uid != actual => {
            let reason =
                format!("Precondition failed: UID in precondition: {uid}, UID in object meta: {actual}");
            Err(ApiError::Precondition { kind, name: current.key.name.clone(), reason })
        }
        _ => Ok(()),
    }
}

/// The name or namespace of the address counts; an object may repeat it, or leave it out.
fn address(metadata: &mut Map<String, Value>, field: &str, expected: Option<&str>) -> Result<(), ApiError> {
    match (text(metadata, field), expected) {
        (Some(given), Some(expected)) if given != expected => {
            let text = format!(
                "the {field} of the object ({given}) does not match the {field} on the URL ({expected})"
            );
            Err(ApiError::BadRequest(text))
        }
        (_, Some(expected)) => {
            metadata.insert(field.to_owned(), expected.into());
            Ok(())
        }
        (_, None) => {
            metadata.remove(field);
            Ok(())
        }
    }
}

fn add_finalizer(metadata: &mut Map<String, Value>, name: &str) {
    let finalizers = metadata.entry("finalizers").or_insert(Value::Null);
    if finalizers.is_null() {
        *finalizers = json!([]);
    }
    if let Some(list) = finalizers.as_array_mut().filter(|list| !list.iter().any(|item| item == name)) {
        list.push(name.into());
    }
}

fn set_status(object: &mut Value, status: Option<Value>) {
    let Some(fields) = object.as_object_mut() else { return };
    match status.filter(|status| !status.is_null()) {
        Some(status) => drop(fields.insert("status".to_owned(), status)),
        None => drop(fields.remove("status")),
    }
}

/// The metadata of an object, made if it is missing; `None` if the object is malformed, which admission reports.
fn metadata_mut(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = object.as_object_mut()?.entry("metadata").or_insert(Value::Null);
    if metadata.is_null() {
        *metadata = json!({});
    }
    metadata.as_object_mut()
}

fn text<'a>(metadata: &'a Map<String, Value>, field: &str) -> Option<&'a str> {
    metadata.get(field).and_then(Value::as_str).filter(|text| !text.is_empty())
}

fn finalizers(object: &Value) -> impl Iterator<Item = &str> {
    object["metadata"]["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str)
}

/// Whether someone asked for the object's deletion.
pub(crate) fn is_deleting(object: &Value) -> bool {
    object["metadata"]["deletionTimestamp"].is_string()
}
