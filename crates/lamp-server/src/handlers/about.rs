//! What the API says about itself: version, health, metrics, discovery and schemas.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::response::{IntoResponse, Response};
use http::header::{CACHE_CONTROL, CONTENT_TYPE, ETAG, EXPIRES, VARY};
use http::{HeaderMap, HeaderValue, StatusCode, Uri};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::server::Shared;
use crate::{discovery, openapi, respond};

/// The Kubernetes version whose clients fit best; the rest is our own version, as build metadata.
const KUBERNETES: &str = "1.32.4";

pub(crate) async fn version() -> Response {
    let (major_minor, _) = KUBERNETES.rsplit_once('.').unwrap_or((KUBERNETES, ""));
    let (major, minor) = major_minor.split_once('.').unwrap_or(("1", "32"));
    let version = json!({
        "major": major, "minor": minor,
        "gitVersion": format!("v{KUBERNETES}+lamplighter.{}", env!("CARGO_PKG_VERSION")),
        "gitCommit": "", "gitTreeState": "clean", "buildDate": "1970-01-01T00:00:00Z", "goVersion": "",
        "compiler": "rustc", "platform": format!("{}/{}", std::env::consts::OS, architecture())
    });
    json(&version)
}

/// The processor in the words of Go, which clients know.
fn architecture() -> &'static str {
    match std::env::consts::ARCH {
        "x86_64" => "amd64",
        "aarch64" => "arm64",
        other => other,
    }
}

pub(crate) async fn alive() -> &'static str {
    "ok"
}

pub(crate) async fn ready(State(shared): State<Arc<Shared>>) -> Response {
    let store = shared.dependencies.store.fault();
    let store = store.map_or(Ok(()), |fault| Err(format!("the last write of the store failed: {fault}")));
    match store.and_then(|()| (shared.dependencies.readiness)()) {
        Ok(()) => "ok".into_response(),
        Err(reason) => (StatusCode::SERVICE_UNAVAILABLE, format!("not ready: {reason}\n")).into_response(),
    }
}

pub(crate) async fn metrics(State(shared): State<Arc<Shared>>) -> Response {
    shared.metrics.publish_store(&shared.dependencies.store);
    ([(CONTENT_TYPE, "text/plain; version=0.0.4; charset=utf-8")], (shared.dependencies.metrics_text)())
        .into_response()
}

/// An empty document: all that clients use it for is in the third version.
pub(crate) async fn openapi_v2() -> Response {
    ([(CONTENT_TYPE, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf")], "").into_response()
}

pub(crate) async fn openapi_index() -> Response {
    json(&openapi::index())
}

/// A document that is asked for by its hash may be kept for ever.
pub(crate) async fn openapi_document(Path(path): Path<String>, uri: Uri) -> Result<Response, ApiError> {
    let document = openapi::documents().get(path.trim_end_matches('/')).ok_or(ApiError::NoSuchPath)?;
    let mut response = respond::json(StatusCode::OK, document.body.as_str(), &[]);
    let headers = response.headers_mut();
    headers.insert(VARY, HeaderValue::from_static("Accept"));
    if let Ok(tag) = HeaderValue::from_str(&format!("\"{}\"", document.hash)) {
        headers.insert(ETAG, tag);
    }
    if Parameters::of(&uri)?.text("hash") == Some(document.hash.as_str()) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("public, immutable"));
        headers.insert(EXPIRES, HeaderValue::from_static("Thu, 31 Dec 2099 23:59:59 GMT"));
    }
    Ok(response)
}

pub(crate) async fn core_versions(headers: HeaderMap) -> Result<Response, ApiError> {
    discovered(discovery::core(&headers)?)
}

pub(crate) async fn groups(headers: HeaderMap) -> Result<Response, ApiError> {
    discovered(discovery::groups(&headers)?)
}

pub(crate) async fn core_resources() -> Result<Response, ApiError> {
    discovery::resources("", "v1").map(|resources| json(&resources)).ok_or(ApiError::NoSuchPath)
}

pub(crate) async fn group(Path(name): Path<String>) -> Result<Response, ApiError> {
    discovery::group(&name).map(|group| json(&group)).ok_or(ApiError::NoSuchPath)
}

pub(crate) async fn group_resources(
    Path((group, version)): Path<(String, String)>,
) -> Result<Response, ApiError> {
    discovery::resources(&group, &version).map(|resources| json(&resources)).ok_or(ApiError::NoSuchPath)
}

fn discovered((media_type, body): discovery::Discovered) -> Result<Response, ApiError> {
    let mut response = json(&body);
    let media_type =
        HeaderValue::from_str(&media_type).map_err(|error| ApiError::Internal(error.to_string()))?;
    response.headers_mut().insert(CONTENT_TYPE, media_type);
    response.headers_mut().insert(VARY, HeaderValue::from_static("Accept"));
    Ok(response)
}

fn json(value: &Value) -> Response {
    respond::json(StatusCode::OK, value.to_string(), &[])
}
