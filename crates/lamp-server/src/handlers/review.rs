//! Reviews: what roles and bindings would allow someone.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use lamp_api::json;
use lamp_api::kinds::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, KindInfo, ROLE, ROLE_BINDING};
use serde_json::{Value, json};

use crate::access::{Attributes, Decision, Identity, Objects, Policy};
use crate::error::ApiError;
use crate::negotiate::{self, BodyForm};
use crate::server::Shared;
use crate::{limits, respond};

/// Answers a `SubjectAccessReview` with itself, and in its status whether it is allowed.
pub(crate) async fn subject_access(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    if negotiate::body(&parts.headers)? != BodyForm::Json {
        let text = "send the SubjectAccessReview as application/json".to_owned();
        return Err(ApiError::UnsupportedMediaType(text));
    }
    let mut review = read(&limits::body(body, shared.dependencies.limits.body).await?)?;
    let identity = identity(&review["spec"])?;
    let policy = Policy::compile(&objects(&shared)?);
    let now = (shared.dependencies.clock)();
    review["status"] = match policy.decide(&identity, &attributes(&review["spec"])?, now) {
        Decision::Allowed(reason) => json!({"allowed": true, "reason": reason}),
        Decision::Denied => json!({"allowed": false}),
    };
    Ok(respond::json(StatusCode::CREATED, review.to_string(), &[]))
}

fn read(body: &[u8]) -> Result<Value, ApiError> {
    let parsed = json::parse(body)
        .map_err(|error| ApiError::BadRequest(format!("the body is no valid JSON: {error}")))?;
    let mut review = parsed.value;
    if !review.is_object() || !review["spec"].is_object() {
        return Err(ApiError::BadRequest("a SubjectAccessReview is a JSON object with a spec".to_owned()));
    }
    review["apiVersion"] = "authorization.k8s.io/v1".into();
    review["kind"] = "SubjectAccessReview".into();
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

fn attributes(spec: &Value) -> Result<Attributes<'_>, ApiError> {
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

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object[field].as_str().unwrap_or_default()
}

/// All roles and bindings as they are now. They are read for each review, as reviews are rare.
fn objects(shared: &Shared) -> Result<Objects, ApiError> {
    let all = |kind: &'static KindInfo| -> Result<Vec<Arc<Value>>, ApiError> {
        let listed = shared.dependencies.store.list(kind.plural, None);
        let (objects, _) = listed.map_err(|error| ApiError::from_store(kind, error))?;
        Ok(objects.into_iter().map(|stored| stored.object).collect())
    };
    Ok(Objects {
        roles: all(&ROLE)?,
        cluster_roles: all(&CLUSTER_ROLE)?,
        role_bindings: all(&ROLE_BINDING)?,
        cluster_role_bindings: all(&CLUSTER_ROLE_BINDING)?,
    })
}
