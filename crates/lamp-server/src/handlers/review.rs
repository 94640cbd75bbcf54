//! Reviews: what roles and bindings would allow someone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use lamp_api::json;
use serde_json::{Value, json};

use crate::access::{Attributes, Decision, Identity};
use crate::error::ApiError;
use crate::negotiate::{self, BodyForm};
use crate::server::Shared;
use crate::{limits, protobuf, respond};

/// Answers a `SubjectAccessReview` with itself, and in its status whether it is allowed.
pub(crate) async fn subject_access(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, ApiError> {
    let mut review = read(&shared, request, "authorization.k8s.io/v1", "SubjectAccessReview").await?;
    review["status"] = judge(&shared, &identity(&review["spec"])?, &attributes(&review["spec"])?)?;
    Ok(respond::json(StatusCode::CREATED, review.to_string(), &[]))
}

/// The status of a review.
pub(super) fn judge(
    shared: &Shared,
    identity: &Identity,
    attributes: &Attributes<'_>,
) -> Result<Value, ApiError> {
    let now = (shared.dependencies.clock)();
    Ok(match shared.access.policy(&shared.dependencies.store)?.decide(identity, attributes, now) {
        Decision::Allowed(reason) => json!({"allowed": true, "reason": reason}),
        Decision::Denied => json!({"allowed": false}),
    })
}

/// The review that a request carries.
pub(super) async fn read(
    shared: &Shared,
    request: Request,
    api_version: &str,
    kind: &str,
) -> Result<Value, ApiError> {
    let (parts, body) = request.into_parts();
    let form = negotiate::body(&parts.headers)?;
    let body = limits::body(body, shared.dependencies.limits.body).await?;
    let bad = |error: String| ApiError::BadRequest(format!("the {kind} cannot be read: {error}"));
    let mut review = match form {
        BodyForm::Json => json::parse(&body).map_err(|error| bad(error.to_string()))?.value,
        BodyForm::Protobuf => protobuf::review(&body).map_err(bad)?,
        _ => return Err(ApiError::UnsupportedMediaType(format!("send the {kind} as application/json"))),
    };
    if !review.is_object() {
        return Err(bad("it is no JSON object".to_owned()));
    }
    review["apiVersion"] = api_version.into();
    review["kind"] = kind.into();
    Ok(review)
}

fn identity(spec: &Value) -> Result<Identity, ApiError> {
    let groups = spec["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let groups = groups.map(str::to_owned).collect();
    let identity = Identity { name: text(spec, "user").to_owned(), groups };
    if identity.name.is_empty() && identity.groups.is_empty() {
        return Err(ApiError::BadRequest("spec.user or spec.groups is required: whose access?".to_owned()));
    }
    Ok(identity)
}

pub(super) fn attributes(spec: &Value) -> Result<Attributes<'_>, ApiError> {
    let (resource, url) = (&spec["resourceAttributes"], &spec["nonResourceAttributes"]);
    match (resource.is_object(), url.is_object()) {
        (true, false) => Ok(Attributes::Resource {
            verb: text(resource, "verb"),
            group: text(resource, "group"),
            resource: text(resource, "resource"),
            subresource: text(resource, "subresource"),
            namespace: text(resource, "namespace"),
            name: text(resource, "name"),
        }),
        (false, true) => Ok(Attributes::Url { verb: text(url, "verb"), path: text(url, "path") }),
        _ => Err(ApiError::BadRequest(
            "exactly one of spec.resourceAttributes and spec.nonResourceAttributes is required: access to what?"
                .to_owned(),
        )),
    }
}

pub(super) fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}
