//! Reviews of oneself, which `kubectl auth` asks for: may I, what may I, who am I.
//!
//! There is no authentication yet, and whoever reaches the port may do everything: that is a member of `system:masters`,
//! who may also ask as someone else (`--as`).

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, StatusCode};
use serde_json::{Value, json};

use super::review::{attributes, judge, policy, read, text};
use crate::access::Identity;
use crate::error::ApiError;
use crate::respond;
use crate::server::Shared;

/// Answers a `SelfSubjectAccessReview`.
pub(crate) async fn access(
    State(shared): State<Arc<Shared>>,
    request: Request,
) -> Result<Response, ApiError> {
    let (mut review, headers) =
        read(&shared, request, "authorization.k8s.io/v1", "SelfSubjectAccessReview").await?;
    review["status"] = judge(&shared, &identity(&headers)?, &attributes(&review["spec"])?)?;
    answer(&review)
}

/// Answers a `SelfSubjectRulesReview`.
pub(crate) async fn rules(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, ApiError> {
    let (mut review, headers) =
        read(&shared, request, "authorization.k8s.io/v1", "SelfSubjectRulesReview").await?;
    let now = (shared.dependencies.clock)();
    let rights = policy(&shared)?.rights(&identity(&headers)?, text(&review["spec"], "namespace"), now);
    let (urls, resources): (Vec<_>, Vec<_>) = rights
        .into_iter()
        .partition(|rule| rule.non_resource_urls.as_ref().is_some_and(|urls| !urls.is_empty()));
    review["status"] = json!({"resourceRules": resources, "nonResourceRules": urls, "incomplete": false});
    answer(&review)
}

/// Answers a `SelfSubjectReview`.
pub(crate) async fn who(State(shared): State<Arc<Shared>>, request: Request) -> Result<Response, ApiError> {
    let version = if request.uri().path().contains("/v1beta1/") { "v1beta1" } else { "v1" };
    let api_version = format!("authentication.k8s.io/{version}");
    let (mut review, headers) = read(&shared, request, &api_version, "SelfSubjectReview").await?;
    let identity = identity(&headers)?;
    review["status"] = json!({"userInfo": {"username": identity.name, "groups": identity.groups}});
    answer(&review)
}

fn answer(review: &Value) -> Result<Response, ApiError> {
    Ok(respond::json(StatusCode::CREATED, review.to_string(), &[]))
}

/// Who asks, or as whom.
fn identity(headers: &HeaderMap) -> Result<Identity, ApiError> {
    let values = |name: &str| -> Result<Vec<String>, ApiError> {
        let values = headers.get_all(name).iter().map(|value| value.to_str().map(str::to_owned));
        let unreadable = |_| ApiError::BadRequest(format!("the header {name} is no plain text"));
        values.collect::<Result<_, _>>().map_err(unreadable)
    };
    let groups = values("impersonate-group")?;
    match values("impersonate-user")?.into_iter().next().filter(|name| !name.is_empty()) {
        Some(name) => Ok(Identity::authenticated(name, groups)),
        None if groups.is_empty() => {
            Ok(Identity::authenticated("system:admin".to_owned(), vec![Identity::MASTERS.to_owned()]))
        }
        None => Err(ApiError::BadRequest("a group is asked for without a user: add --as".to_owned())),
    }
}
