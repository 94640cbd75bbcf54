//! How much one client, or all, may ask of the API.

use std::time::Duration;

use axum::body::{Body, Bytes, to_bytes};
use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::connections::Transport;
use crate::error::ApiError;
use crate::listen;
use crate::parameters::Parameters;

/// Bounds on requests.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// The largest body in bytes. Default 1 MiB.
    pub body: usize,
    /// The longest time for any request but a watch. Default 60 s.
    pub request: Duration,
    /// Watches that may be open at once. Default 4096.
    pub watches: usize,
    /// Watches that one user may have open at once. Default 100.
    pub watches_each: usize,
    /// Requests of one user in a second, over time. Default 50, which is what kubectl allows itself.
    pub requests_each: u32,
    /// Requests of one user at once. Default 300, which is what kubectl allows itself when it looks around.
    pub burst_each: u32,
    /// Wrong credentials from one address in a minute. Default 60: a kubectl whose token ended sends five in each command.
    pub failures_each: u32,
    /// Time between two bookmarks of a watch that asked for them. Default 60 s.
    pub bookmark: Duration,
    /// Connections that may be open at once, to be given to [`crate::serve`]. Default 1024.
    pub connections: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            body: 1 << 20,
            request: Duration::from_secs(60),
            watches: 4096,
            watches_each: 100,
            requests_each: 50,
            burst_each: 300,
            failures_each: 60,
            bookmark: Duration::from_secs(60),
            connections: 1024,
        }
    }
}

/// The whole body, if it is within the limit.
pub(crate) async fn body(body: Body, limit: usize) -> Result<Bytes, ApiError> {
    to_bytes(body, limit).await.map_err(|error| {
        let too_large = std::error::Error::source(&error)
            .is_some_and(|source| source.to_string().contains("length limit"));
        if too_large {
            ApiError::TooLarge(limit)
        } else {
            ApiError::BadRequest(format!("the body cannot be read: {error}"))
        }
    })
}

/// Ends requests that take too long; a watch may take as long as it likes.
pub(crate) async fn deadline(State(limits): State<Limits>, request: Request, next: Next) -> Response {
    if Parameters::of(request.uri()).is_ok_and(|parameters| parameters.is_watch()) {
        return next.run(request).await;
    }
    match tokio::time::timeout(limits.request, next.run(request)).await {
        Ok(response) => response,
        Err(_) => ApiError::Timeout(limits.request.as_secs()).into_response(),
    }
}

/// Keeps out web pages of other origins where there is no authentication. Over TLS there is, and as no browser has
/// credentials to send by itself, a page of another origin has no more rights than nobody.
pub(crate) async fn local_only(request: Request, next: Next) -> Response {
    let is_plain = request.extensions().get() != Some(&Transport::Tls);
    match is_plain.then(|| listen::refusal(request.headers())).flatten() {
        Some(reason) => ApiError::Refused(reason).into_response(),
        None => next.run(request).await,
    }
}
