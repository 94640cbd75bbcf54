//! Reviews of oneself, which `kubectl auth` asks for: may I, what may I, who am I.

use std::sync::Arc;

use axum::Extension;
use axum::extract::{Request, State};
use axum::response::Response;
use http::StatusCode;
use serde_json::{Value, json};

use super::review::{attributes, judge, read, text};
use crate::access::Caller;
use crate::error::ApiError;
use crate::respond;
use crate::server::Shared;

/// Answers a `SelfSubjectAccessReview`.
pub(crate) async fn access(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let mut review = read(&shared, request, "authorization.k8s.io/v1", "SelfSubjectAccessReview").await?;
    review["status"] = judge(&shared, &caller.identity, &attributes(&review["spec"])?)?;
    answer(&review)
}

/// Answers a `SelfSubjectRulesReview`.
pub(crate) async fn rules(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let mut review = read(&shared, request, "authorization.k8s.io/v1", "SelfSubjectRulesReview").await?;
    let rights = caller.rights(text(&review["spec"], "namespace"));
    let (urls, resources): (Vec<_>, Vec<_>) = rights
        .into_iter()
        .partition(|rule| rule.non_resource_urls.as_ref().is_some_and(|urls| !urls.is_empty()));
    review["status"] = json!({"resourceRules": resources, "nonResourceRules": urls, "incomplete": false});
    answer(&review)
}

/// Answers a `SelfSubjectReview`.
pub(crate) async fn who(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let version = if request.uri().path().contains("/v1beta1/") { "v1beta1" } else { "v1" };
    let api_version = format!("authentication.k8s.io/{version}");
    let mut review = read(&shared, request, &api_version, "SelfSubjectReview").await?;
    let identity = &caller.identity;
    review["status"] = json!({"userInfo": {"username": identity.name, "groups": identity.groups}});
    answer(&review)
}

fn answer(review: &Value) -> Result<Response, ApiError> {
    Ok(respond::json(StatusCode::CREATED, review.to_string(), &[]))
}
