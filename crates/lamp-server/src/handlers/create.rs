//! `create`.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use lamp_api::admission::admit_parsed;
use lamp_api::json::Parsed;
use lamp_api::kinds::{KindInfo, NAMESPACE};
use lamp_store::{Key, StoreError, Stored};
use rand::Rng;
use serde_json::Value;

use super::resource::Call;
use super::writer;
use crate::access::escalation;
use crate::error::ApiError;
use crate::server::Shared;
use crate::{fields, objects, respond};

/// Attempts to find a generated name that is free.
const NAME_ATTEMPTS: u32 = 8;

pub(super) async fn create(shared: &Shared, call: &Call, mut parsed: Parsed) -> Result<Response, ApiError> {
    let kind = call.path.kind;
    let namespace = call.path.namespace.as_deref();
    if kind.namespaced && namespace.is_none() {
        return Err(ApiError::MethodNotAllowed);
    }
    let writer = writer::updater(call, "CreateOptions")?;
    let generated = name_prefix(&parsed.value);
    if let Some(prefix) = &generated {
        parsed.value["metadata"]["name"] = generate(prefix).into();
    }
    objects::prepare_creation(kind, namespace, &mut parsed.value)?;
    let name = parsed.value["metadata"]["name"].as_str().unwrap_or_default().to_owned();
    let strictness = call.parameters.strictness()?;
    let mut admitted = admit_parsed(kind, &parsed, None, strictness)
        .map_err(|rejected| ApiError::from_admission(kind, &name, rejected))?;
    let given = objects::given(kind, namespace, &name)?;
    fields::after_creation(kind, &given, &admitted.object, &writer).write(&mut admitted.object);
    let key = Key::new(kind.plural, namespace.unwrap_or_default(), name);
    let object = finish(shared, call, key, admitted.object, generated.as_deref()).await?;
    Ok(respond::json(StatusCode::CREATED, call.view.object(kind, &object), &admitted.warnings))
}

/// Stores an object that was admitted, or shows it if nothing is to be stored.
pub(super) async fn finish(
    shared: &Shared,
    call: &Call,
    key: Key,
    object: Value,
    prefix: Option<&str>,
) -> Result<Arc<Value>, ApiError> {
    let kind = call.path.kind;
    escalation::check(&call.caller, kind, None, &object)?;
    // Held until the object is stored, so that its namespace cannot go in between.
    let _held = shared.namespaces.read().await;
    require_active(shared, kind, call.path.namespace.as_deref(), &key.name)?;
    if call.parameters.dry_run()? {
        require_free(shared, kind, &key)?;
        Ok(objects::created(object, call.view.now))
    } else {
        Ok(store(shared, kind, key, object, prefix).await?.object)
    }
}

/// Stores the object; under another generated name if that one is taken.
async fn store(
    shared: &Shared,
    kind: &'static KindInfo,
    mut key: Key,
    object: Value,
    prefix: Option<&str>,
) -> Result<Stored, ApiError> {
    let mut attempt = 1;
    loop {
        match shared.dependencies.store.create(&key, object.clone()).await {
            Err(StoreError::AlreadyExists { .. }) if prefix.is_some() && attempt < NAME_ATTEMPTS => {
                key.name = generate(prefix.unwrap_or_default());
                attempt += 1;
            }
            result => return result.map_err(|error| ApiError::from_store(kind, error)),
        }
    }
}

/// The prefix of the name that the server is to make up.
fn name_prefix(object: &Value) -> Option<String> {
    let metadata = &object["metadata"];
    let text = |field: &str| metadata[field].as_str().filter(|text| !text.is_empty());
    if text("name").is_some() { None } else { text("generateName").map(str::to_owned) }
}

/// The prefix and five random characters, of those that make no words, as in Kubernetes.
fn generate(prefix: &str) -> String {
    const ALPHABET: &[u8] = b"bcdfghjklmnpqrstvwxz2456789";
    const LONGEST: usize = 63 - 5;
    let mut random = rand::rng();
    let suffix = (0..5).map(|_| char::from(ALPHABET[random.random_range(0..ALPHABET.len())]));
    prefix.chars().take(LONGEST).chain(suffix).collect()
}

/// Objects are created only in a namespace that exists and stays.
fn require_active(
    shared: &Shared,
    kind: &'static KindInfo,
    namespace: Option<&str>,
    name: &str,
) -> Result<(), ApiError> {
    let Some(namespace) = namespace else { return Ok(()) };
    let stored = shared.dependencies.store.get(&Key::new(NAMESPACE.plural, "", namespace));
    match stored.map_err(|error| ApiError::from_store(&NAMESPACE, error))? {
        None => Err(ApiError::NotFound { kind: &NAMESPACE, name: namespace.to_owned() }),
        Some(stored) if objects::is_deleting(&stored.object) => {
            let reason = format!(
                "unable to create new content in namespace {namespace} because it is being terminated"
            );
            Err(ApiError::Forbidden { kind, name: name.to_owned(), reason })
        }
        Some(_) => Ok(()),
    }
}

fn require_free(shared: &Shared, kind: &'static KindInfo, key: &Key) -> Result<(), ApiError> {
    match shared.dependencies.store.get(key).map_err(|error| ApiError::from_store(kind, error))? {
        Some(_) => Err(ApiError::AlreadyExists { kind, name: key.name.clone() }),
        None => Ok(()),
    }
}
