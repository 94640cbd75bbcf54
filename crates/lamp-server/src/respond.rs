//! Answers about objects, in the form that the client wants.

use std::sync::Arc;

use axum::body::Body;
use axum::response::Response;
use http::header::{CONTENT_TYPE, WARNING};
use http::{HeaderMap, HeaderValue, StatusCode};
use jiff::Timestamp;
use lamp_api::kinds::KindInfo;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::negotiate::{self, Form};
use crate::parameters::Parameters;
use crate::table::{self, IncludeObject};

/// How a client wants objects to be shown.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) form: Form,
    include: IncludeObject,
    pub(crate) now: Timestamp,
}

impl View {
    pub(crate) fn of(headers: &HeaderMap, parameters: &Parameters, now: Timestamp) -> Result<View, ApiError> {
        Ok(View { form: negotiate::form(headers)?, include: IncludeObject::of(parameters)?, now })
    }

    /// One object.
    pub(crate) fn object(&self, kind: &KindInfo, object: &Arc<Value>) -> Vec<u8> {
        match self.form {
            Form::Json => object.to_string(),
            Form::Partial => table::partial(object).to_string(),
            Form::Table => {
                let metadata = json!({"resourceVersion": object["metadata"]["resourceVersion"]});
                table::table(kind, metadata, std::slice::from_ref(object), self.include, self.now).to_string()
            }
        }
        .into_bytes()
    }

    /// A list of objects, with the list's own metadata.
    pub(crate) fn list(&self, kind: &KindInfo, metadata: Value, objects: &[Arc<Value>]) -> Value {
        match self.form {
            Form::Json => json!({
                "kind": format!("{}List", kind.kind), "apiVersion": kind.api_version(), "metadata": metadata,
                "items": objects
            }),
            Form::Partial => {
                let items: Vec<Value> = objects.iter().map(|object| table::partial(object)).collect();
                json!({
                    "kind": "PartialObjectMetadataList", "apiVersion": "meta.k8s.io/v1", "metadata": metadata,
                    "items": items
                })
            }
            Form::Table => table::table(kind, metadata, objects, self.include, self.now),
        }
    }

    /// An object that says nothing but how far a watch has come.
    pub(crate) fn bookmark(&self, kind: &KindInfo, metadata: Value) -> Value {
        match self.form {
            Form::Json => json!({"kind": kind.kind, "apiVersion": kind.api_version(), "metadata": metadata}),
            Form::Partial => {
                json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": metadata})
            }
            Form::Table => table::table(kind, metadata, &[], self.include, self.now),
        }
    }
}

/// JSON with `status` and one `Warning` header for each warning.
pub(crate) fn json(status: StatusCode, body: impl Into<Body>, warnings: &[String]) -> Response {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static("application/json"));
    for warning in warnings {
        let quoted = warning.replace('\\', "\\\\").replace('"', "\\\"");
        if let Ok(value) = HeaderValue::from_str(&format!("299 - \"{quoted}\"")) {
            response.headers_mut().append(WARNING, value);
        }
    }
    response
}
