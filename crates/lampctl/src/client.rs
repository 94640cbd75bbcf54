//! Requests to the daemon: the Kubernetes protocol, and nothing that a verb means by it.

mod access;
mod connect;
mod follow;
mod request;
mod review;
mod tail;
mod trouble;

pub(crate) use access::Access;
pub(crate) use follow::{Follower, until};
pub(crate) use request::{Selection, Write};
pub(crate) use tail::Tail;

use std::time::Duration;

use futures::stream::{BoxStream, StreamExt};
use http::Request;
use kube::client::Body;
use kube::core::{Status, WatchEvent};
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::exit::Failure;
use crate::progress::Talk;

/// The `fieldManager` of what this program writes through `apply`: kubectl's, because the meaning is kubectl's.
pub(crate) const APPLY_MANAGER: &str = "kubectl-client-side-apply";
/// The `fieldManager` of everything else.
pub(crate) const MANAGER: &str = "lampctl";

/// Changes of objects as they happen.
pub(crate) type Changes = BoxStream<'static, Result<WatchEvent<Value>, Failure>>;

/// The daemon, as far as this program knows it.
pub(crate) struct Server {
    client: kube::Client,
    access: Access,
    address: String,
    timeout: Duration,
    talk: Talk,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").field("address", &self.address).finish_non_exhaustive()
    }
}

impl Server {
    /// With which credentials it is asked.
    pub(crate) fn access(&self) -> &Access {
        &self.access
    }

    /// Where it is: `http://127.0.0.1:1879`.
    pub(crate) fn address(&self) -> &str {
        &self.address
    }

    /// The namespace of the kubeconfig's context, or `default`.
    pub(crate) fn default_namespace(&self) -> &str {
        self.client.default_namespace()
    }

    /// Sends the request and reads the answer; the server's warnings are passed on.
    pub(crate) async fn send(&self, request: Request<Vec<u8>>) -> Result<Value, Failure> {
        let answer = self.exchange(request);
        if self.timeout.is_zero() {
            return answer.await;
        }
        let late = |_| {
            let seconds = self.timeout.as_secs();
            Failure::TimedOut(format!(
                "{} did not answer within {seconds} s; see whether the daemon is well, or raise --request-timeout",
                self.address
            ))
        };
        tokio::time::timeout(self.timeout, answer).await.map_err(late)?
    }

    async fn exchange(&self, request: Request<Vec<u8>>) -> Result<Value, Failure> {
        let response = self.client.send(request.map(Body::from)).await.map_err(|e| self.failure(e))?;
        let code = response.status();
        for warning in response.headers().get_all(http::header::WARNING) {
            self.talk.warn(&warning_text(warning.to_str().unwrap_or_default()));
        }
        let bytes = response.into_body().collect_bytes().await.map_err(|e| self.failure(e))?;
        if code.is_success() {
            let unreadable = |e| Failure::failed(format!("{} answered what is no JSON: {e}", self.address));
            return serde_json::from_slice(&bytes).map_err(unreadable);
        }
        Err(trouble::refused(&self.address, refusal(code, &bytes)))
    }

    /// Opens a watch. It ends when the server says so.
    pub(crate) async fn watch(&self, request: Request<Vec<u8>>) -> Result<Changes, Failure> {
        let stream = self.client.request_events::<Value>(request).await.map_err(|e| self.failure(e))?;
        let address = self.address.clone();
        Ok(stream.map(move |event| event.map_err(|e| trouble::translate(&address, e))).boxed())
    }

    fn failure(&self, error: kube::Error) -> Failure {
        trouble::translate(&self.address, error)
    }
}

/// The `Status` of a refusal, made up where a proxy or a bare 404 page answers.
fn refusal(code: http::StatusCode, bytes: &[u8]) -> Status {
    let parsed = serde_json::from_slice::<Status>(bytes).ok().filter(|status| status.code != 0);
    parsed.unwrap_or_else(|| Status {
        code: code.as_u16(),
        reason: code.canonical_reason().unwrap_or_default().replace(' ', ""),
        message: String::from_utf8_lossy(bytes).trim().to_owned(),
        ..Status::default()
    })
}

/// `299 - "unknown field \"spec.x\""` without its wrapping.
fn warning_text(header: &str) -> String {
    let quoted = header.split_once('"').map_or(header, |(_, rest)| rest.strip_suffix('"').unwrap_or(rest));
    quoted.replace("\\\"", "\"").replace("\\\\", "\\")
}

/// Reads an answer as what it should be.
pub(crate) fn decode<T: DeserializeOwned>(value: Value) -> Result<T, Failure> {
    let kind = value["kind"].as_str().unwrap_or("object").to_owned();
    serde_json::from_value(value).map_err(|e| {
        Failure::failed(format!(
            "the server's {kind} cannot be understood: {e}; `version` shows whether client and daemon fit"
        ))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_without_a_status_still_says_what_happened() {
        let status = refusal(http::StatusCode::NOT_FOUND, b"404 page not found\n");
        assert_eq!((status.code, status.reason.as_str()), (404, "NotFound"));
        assert_eq!(status.message, "404 page not found");
        let status =
            refusal(http::StatusCode::CONFLICT, br#"{"code":409,"reason":"Conflict","message":"x"}"#);
        assert_eq!(status.message, "x");
    }

    #[test]
    fn warnings_lose_their_wrapping() {
        assert_eq!(warning_text(r#"299 - "unknown field \"spec.x\"""#), r#"unknown field "spec.x""#);
        assert_eq!(warning_text("odd"), "odd");
    }
}
