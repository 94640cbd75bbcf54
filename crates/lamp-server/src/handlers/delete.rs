//! `delete` and `deletecollection`.

use axum::response::Response;
use http::StatusCode;
use lamp_api::kinds::{KindInfo, LAMPSTACK};
use lamp_store::{Preconditions, Revision, StoreError, Stored, Updated};
use serde_json::{Value, json};

use super::read::{find, select};
use super::resource::Call;
use crate::error::ApiError;
use crate::negotiate::{self, BodyForm};
use crate::server::Shared;
use crate::{namespaces, objects, respond};

/// What a client asks of a deletion. Propagation and grace periods mean nothing here: teardown has its own order.
#[derive(Clone, Debug, Default)]
pub(super) struct Options {
    uid: Option<String>,
    revision: Option<Revision>,
    dry_run: bool,
}

impl Options {
    /// From the query and the body (`DeleteOptions`), which may be empty.
    pub(super) fn of(call: &Call, body: &[u8]) -> Result<Options, ApiError> {
        let dry_run = call.parameters.dry_run()?;
        if body.is_empty() {
            return Ok(Options { dry_run, ..Options::default() });
        }
        if negotiate::body(&call.headers)? != BodyForm::Json {
            return Err(ApiError::UnsupportedMediaType("send DeleteOptions as application/json".to_owned()));
        }
        let bad = |error: String| ApiError::BadRequest(format!("the DeleteOptions cannot be read: {error}"));
        let options = lamp_api::json::parse(body).map_err(|error| bad(error.to_string()))?.value;
        let preconditions = &options["preconditions"];
        let text = |field: &str| preconditions[field].as_str().filter(|text| !text.is_empty());
        let revision = text("resourceVersion").map(str::parse).transpose();
        Ok(Options {
            uid: text("uid").map(str::to_owned),
            revision: revision.map_err(|_| bad("preconditions.resourceVersion is no number".to_owned()))?,
            dry_run: dry_run
                || options["dryRun"].as_array().is_some_and(|values| values.iter().any(|v| v == "All")),
        })
    }
}

pub(super) async fn one(shared: &Shared, call: &Call, options: Options) -> Result<Response, ApiError> {
    let stored = find(shared, call, &call.key()?)?;
    let kind = call.path.kind;
    match delete(shared, call, stored, &options).await? {
        // Finalizers hold it: the client sees that, and waits.
        Outcome::Held(stored) => {
            Ok(respond::json(StatusCode::OK, call.view.object(kind, &stored.object), &[]))
        }
        Outcome::Gone(stored) => Ok(respond::json(StatusCode::OK, success(kind, &stored).to_string(), &[])),
    }
}

fn success(kind: &KindInfo, stored: &Stored) -> Value {
    json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success",
        "details": {
            "name": stored.key.name, "group": kind.group, "kind": kind.plural,
            "uid": stored.object["metadata"]["uid"]
        }
    })
}

/// Deletes each object that the selectors mean; the first that is refused ends it.
pub(super) async fn collection(shared: &Shared, call: &Call, options: Options) -> Result<Response, ApiError> {
    let (selected, revision) = select(shared, call)?;
    let mut objects = Vec::new();
    for stored in selected {
        match delete(shared, call, stored, &options).await {
            Ok(Outcome::Held(stored) | Outcome::Gone(stored)) => objects.push(stored.object),
            // Someone else was faster.
            Err(ApiError::NotFound { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    let metadata = json!({"resourceVersion": revision.to_string()});
    let list = call.view.list(call.path.kind, metadata, &objects);
    Ok(respond::json(StatusCode::OK, list.to_string(), &[]))
}

enum Outcome {
    Held(Stored),
    Gone(Stored),
}

/// Deletes the object as it was when it was checked; if it has changed, checks again.
async fn delete(
    shared: &Shared,
    call: &Call,
    stored: Stored,
    options: &Options,
) -> Result<Outcome, ApiError> {
    let kind = call.path.kind;
    let mut stored = stored;
    loop {
        check(shared, &stored, options, kind)?;
        if options.dry_run {
            return Ok(Outcome::Gone(stored));
        }
        let preconditions = Preconditions { uid: options.uid.clone(), revision: Some(stored.revision) };
        match shared.dependencies.store.delete(&stored.key, preconditions).await {
            Ok(Updated::Removed(stored)) => return Ok(Outcome::Gone(stored)),
            Ok(Updated::Written(held) | Updated::Unchanged(held)) if kind.kind == "Namespace" => {
                return namespaces::mark_terminating(&shared.dependencies.store, held)
                    .await
                    .map(Outcome::Held);
            }
            Ok(Updated::Written(held) | Updated::Unchanged(held)) => return Ok(Outcome::Held(held)),
            Err(StoreError::Conflict { key, .. }) => stored = find(shared, call, &key)?,
            Err(error) => return Err(ApiError::from_store(kind, error)),
        }
    }
}

/// Refuses what the client's preconditions, or the safety of data, forbid.
fn check(
    shared: &Shared,
    stored: &Stored,
    options: &Options,
    kind: &'static KindInfo,
) -> Result<(), ApiError> {
    let name = stored.key.name.clone();
    let uid = stored.object["metadata"]["uid"].as_str().unwrap_or_default();
    if let Some(expected) = options.uid.as_ref().filter(|expected| *expected != uid) {
        let reason =
            format!("Precondition failed: UID in precondition: {expected}, UID in object meta: {uid}");
        return Err(ApiError::Precondition { kind, name, reason });
    }
    if options.revision.is_some_and(|revision| revision != stored.revision) {
        return Err(ApiError::Conflict { kind, name });
    }
    if objects::is_deleting(&stored.object) {
        return Ok(());
    }
    match kind.kind {
        "LampStack" => objects::require_consent(stored),
        "Namespace" => check_namespace(shared, stored, kind),
        _ => Ok(()),
    }
}

/// The default namespace stays, and a namespace cannot take along what could not be deleted by itself.
fn check_namespace(shared: &Shared, stored: &Stored, kind: &'static KindInfo) -> Result<(), ApiError> {
    let name = &stored.key.name;
    if name == namespaces::DEFAULT {
        let reason = "this namespace may not be deleted".to_owned();
        return Err(ApiError::Forbidden { kind, name: name.clone(), reason });
    }
    let stacks = shared.dependencies.store.list(LAMPSTACK.plural, Some(name));
    let (stacks, _) = stacks.map_err(|error| ApiError::from_store(kind, error))?;
    stacks.iter().filter(|stack| !objects::is_deleting(&stack.object)).try_for_each(objects::require_consent)
}
