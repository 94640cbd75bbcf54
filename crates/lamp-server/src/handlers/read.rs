//! `get` and `list`.

use std::sync::Arc;

use axum::response::Response;
use http::StatusCode;
use lamp_store::{Key, Revision, Stored};
use serde_json::{Value, json};

use super::resource::Call;
use crate::continuation::Continuation;
use crate::error::ApiError;
use crate::respond;
use crate::selector::Selector;
use crate::server::Shared;

pub(super) fn get(shared: &Shared, call: &Call) -> Result<Response, ApiError> {
    let stored = find(shared, call, &call.key()?)?;
    Ok(respond::json(StatusCode::OK, call.view.object(call.path.kind, &stored.object), &[]))
}

/// The object, or why there is none.
pub(super) fn find(shared: &Shared, call: &Call, key: &Key) -> Result<Stored, ApiError> {
    let kind = call.path.kind;
    let stored = shared.dependencies.store.get(key).map_err(|error| ApiError::from_store(kind, error))?;
    stored.ok_or_else(|| ApiError::NotFound { kind, name: key.name.clone() })
}

pub(super) fn list(shared: &Shared, call: &Call) -> Result<Response, ApiError> {
    let page = page(shared, call)?;
    let list = call.view.list(call.path.kind, page.metadata, &page.objects);
    Ok(respond::json(StatusCode::OK, list.to_string(), &[]))
}

struct Page {
    metadata: Value,
    objects: Vec<Arc<Value>>,
}

fn page(shared: &Shared, call: &Call) -> Result<Page, ApiError> {
    let start = call.parameters.text("continue").map(Continuation::decode).transpose()?;
    let (mut selected, head) = select(shared, call)?;
    if start.is_none() {
        require_revision(call, head)?;
    }
    if let Some(start) = &start {
        selected.retain(|stored| start.is_before(&stored.key));
    }
    let revision = start.map_or(head, |start| start.revision.min(head));
    let mut metadata = json!({"resourceVersion": revision.to_string()});
    let limit = call.parameters.number("limit")?.filter(|limit| *limit > 0);
    let limit = limit.map_or(usize::MAX, |limit| usize::try_from(limit).unwrap_or(usize::MAX));
    if selected.len() > limit {
        let remaining = selected.split_off(limit).len();
        if let Some(last) = selected.last() {
            metadata["continue"] = Continuation::after(&last.key, revision).encode()?.into();
        }
        metadata["remainingItemCount"] = remaining.into();
    }
    Ok(Page { metadata, objects: selected.into_iter().map(|stored| stored.object).collect() })
}

/// The objects that the path and the selectors mean, sorted, and the revision they were read at.
pub(super) fn select(shared: &Shared, call: &Call) -> Result<(Vec<Stored>, Revision), ApiError> {
    let kind = call.path.kind;
    let selector = Selector::of(kind, &call.parameters)?;
    let listed = shared.dependencies.store.list(kind.plural, call.path.namespace.as_deref());
    let (mut objects, head) = listed.map_err(|error| ApiError::from_store(kind, error))?;
    objects.retain(|stored| selector.matches(&stored.object));
    Ok((objects, head))
}

/// A list is always the newest; a client that wants exactly an older one must be told.
fn require_revision(call: &Call, head: Revision) -> Result<(), ApiError> {
    let Some(wanted) = call.parameters.revision()? else { return Ok(()) };
    if wanted > head {
        return Err(ApiError::TooLargeRevision(format!(
            "Too large resource version: {wanted}, current: {head}"
        )));
    }
    if call.parameters.text("resourceVersionMatch") == Some("Exact") && wanted != head {
        return Err(ApiError::Expired(format!(
            "resource version {wanted} is no longer listed; the newest is {head}"
        )));
    }
    Ok(())
}
