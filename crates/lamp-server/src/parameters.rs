//! Query parameters. Unknown ones are ignored, as clients send many.

use std::collections::BTreeMap;

use axum::extract::Query;
use http::Uri;
use lamp_api::admission::Strictness;
use lamp_store::Revision;

use crate::error::ApiError;

/// The parameters of one request, by name.
#[derive(Clone, Debug, Default)]
pub(crate) struct Parameters(BTreeMap<String, String>);

impl Parameters {
    pub(crate) fn of(uri: &Uri) -> Result<Parameters, ApiError> {
        let pairs: Query<Vec<(String, String)>> = Query::try_from_uri(uri)
            .map_err(|error| ApiError::BadRequest(format!("the query cannot be read: {error}")))?;
        Ok(Parameters(pairs.0.into_iter().collect()))
    }

    /// A parameter that is there and not empty.
    pub(crate) fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name).map(String::as_str).filter(|text| !text.is_empty())
    }

    /// A number; absent is `None`.
    pub(crate) fn number(&self, name: &str) -> Result<Option<u64>, ApiError> {
        let Some(text) = self.text(name) else { return Ok(None) };
        let number = text.parse();
        number.map(Some).map_err(|_| ApiError::BadRequest(format!("{name}: {text:?} is no whole number")))
    }

    /// A flag; absent is `None`.
    pub(crate) fn flag(&self, name: &str) -> Result<Option<bool>, ApiError> {
        match self.text(name) {
            None => Ok(None),
            Some("true" | "1") => Ok(Some(true)),
            Some("false" | "0") => Ok(Some(false)),
            Some(text) => Err(ApiError::BadRequest(format!("{name}: {text:?} is neither true nor false"))),
        }
    }

    pub(crate) fn is_watch(&self) -> bool {
        matches!(self.flag("watch"), Ok(Some(true)))
    }

    /// The revision a client refers to; 0 is the same as none: "any".
    pub(crate) fn revision(&self) -> Result<Option<Revision>, ApiError> {
        Ok(self.number("resourceVersion")?.filter(|revision| *revision > 0))
    }

    /// Whether nothing is to be stored.
    pub(crate) fn dry_run(&self) -> Result<bool, ApiError> {
        match self.text("dryRun") {
            None => Ok(false),
            Some("All") => Ok(true),
            Some(other) => Err(ApiError::BadRequest(format!("dryRun: {other:?}: the only value is All"))),
        }
    }

    pub(crate) fn strictness(&self) -> Result<Strictness, ApiError> {
        match self.text("fieldValidation") {
            None | Some("Warn") => Ok(Strictness::Warn),
            Some("Strict") => Ok(Strictness::Strict),
            Some("Ignore") => Ok(Strictness::Ignore),
            Some(other) => {
                let text = format!("fieldValidation: {other:?}: the values are Ignore, Warn and Strict");
                Err(ApiError::BadRequest(text))
            }
        }
    }
}
