//! One file per verb.

pub(crate) mod about;
mod apply;
mod create;
mod delete;
mod read;
pub(crate) mod resource;
pub(crate) mod review;
pub(crate) mod self_review;
mod update;
mod writer;

use std::any::Any;

use axum::response::{IntoResponse, Response};

use crate::error::ApiError;

/// Answers a request whose handler panicked.
pub(crate) fn panicked(_: Box<dyn Any + Send + 'static>) -> Response {
    ApiError::Internal("an internal error; the log of the daemon has more".to_owned()).into_response()
}
