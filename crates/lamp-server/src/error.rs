//! The only place where an error becomes HTTP: a Kubernetes `Status` that kubectl prints.

use axum::body::Body;
use axum::response::{IntoResponse, Response};
use http::header::{CONTENT_TYPE, RETRY_AFTER, WWW_AUTHENTICATE};
use http::{HeaderValue, StatusCode};
use lamp_api::admission::Rejected;
use lamp_api::kinds::KindInfo;
use lamp_api::{FieldError, FieldErrorReason};
use lamp_store::StoreError;
use serde_json::{Value, json};

use crate::access::Denial;
use crate::fields;

/// Everything that can go wrong with a request.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum ApiError {
    /// Nothing is served under this address.
    #[error("404 page not found")]
    NoSuchPath,
    #[error("{} {name:?} not found", resource(.kind))]
    NotFound { kind: &'static KindInfo, name: String },
    #[error("{} {name:?} already exists", resource(.kind))]
    AlreadyExists { kind: &'static KindInfo, name: String },
    #[error(
        "Operation cannot be fulfilled on {} {name:?}: the object has been modified; please apply your changes to \
         the latest version and try again",
        resource(.kind)
    )]
    Conflict { kind: &'static KindInfo, name: String },
    #[error("Operation cannot be fulfilled on {} {name:?}: {reason}", resource(.kind))]
    Precondition { kind: &'static KindInfo, name: String, reason: String },
    #[error("{} {name:?} is invalid: {}", qualified(.kind), list(.errors))]
    Invalid { kind: &'static KindInfo, name: String, errors: Vec<FieldError> },
    /// The parameters of the request break rules; `options` is Kubernetes' name for them.
    #[error("{options}.meta.k8s.io \"\" is invalid: {}", list(.errors))]
    InvalidOptions { options: &'static str, errors: Vec<FieldError> },
    /// Others own fields that an apply would change.
    #[error("{}", fields::message(.0))]
    ApplyConflict(Vec<fields::Conflict>),
    #[error("{} {name:?} is forbidden: {reason}", resource(.kind))]
    Forbidden { kind: &'static KindInfo, name: String, reason: String },
    /// It is not known who asks.
    #[error("{0}")]
    Unauthorized(String),
    /// It is known who asks, and no rule lets them.
    #[error("{}", .0.message)]
    Denied(Box<Denial>),
    #[error("{0}")]
    Refused(String),
    #[error("{0}")]
    BadRequest(String),
    #[error("the server does not allow this method on the requested resource")]
    MethodNotAllowed,
    #[error("only the following media types are accepted: {0}")]
    NotAcceptable(&'static str),
    #[error("{0}")]
    UnsupportedMediaType(String),
    #[error("{0}")]
    Expired(String),
    #[error("{0}")]
    TooLargeRevision(String),
    #[error("the request body is larger than {0} bytes")]
    TooLarge(usize),
    #[error("the request was not finished within {0} seconds")]
    Timeout(u64),
    #[error("{0}")]
    TooManyRequests(String),
    #[error("{0}")]
    Internal(String),
    #[error("{0}")]
    Unavailable(String),
    /// The disk of the store has no room.
    #[error("{0}")]
    InsufficientStorage(String),
}

/// `lampstacks.lamplighter.dev`, `namespaces`.
fn resource(kind: &KindInfo) -> String {
    dotted(kind.plural, kind.group)
}

/// `LampStack.lamplighter.dev`, `Namespace`.
fn qualified(kind: &KindInfo) -> String {
    dotted(kind.kind, kind.group)
}

fn dotted(name: &str, group: &str) -> String {
    if group.is_empty() { name.to_owned() } else { format!("{name}.{group}") }
}

fn list(errors: &[FieldError]) -> String {
    let texts: Vec<String> = errors.iter().map(FieldError::to_string).collect();
    if let [only] = texts.as_slice() { only.clone() } else { format!("[{}]", texts.join(", ")) }
}

impl ApiError {
    /// What the store says about an object, in the API's words.
    pub(crate) fn from_store(kind: &'static KindInfo, error: StoreError) -> ApiError {
        match error {
            StoreError::NotFound { key } => ApiError::NotFound { kind, name: key.name },
            StoreError::AlreadyExists { key } => ApiError::AlreadyExists { kind, name: key.name },
            StoreError::Conflict { key, .. } => ApiError::Conflict { kind, name: key.name },
            StoreError::UidMismatch { key, expected, actual } => {
                let reason = format!(
                    "Precondition failed: UID in precondition: {expected}, UID in object meta: {actual}"
                );
                ApiError::Precondition { kind, name: key.name, reason }
            }
            gone @ StoreError::Gone { .. } => ApiError::Expired(gone.to_string()),
            StoreError::FutureRevision { requested, head } => ApiError::TooLargeRevision(format!(
                "Too large resource version: {requested}, current: {head}"
            )),
            invalid @ StoreError::Invalid { .. } => ApiError::BadRequest(invalid.to_string()),
            unavailable @ StoreError::Unavailable { .. } => ApiError::Unavailable(unavailable.to_string()),
            full @ StoreError::Full { .. } => ApiError::InsufficientStorage(full.to_string()),
            other => ApiError::Internal(other.to_string()),
        }
    }

    /// Why admission refused an object.
    pub(crate) fn from_admission(kind: &'static KindInfo, name: &str, rejected: Rejected) -> ApiError {
        match rejected {
            Rejected::BadRequest(text) => ApiError::BadRequest(text),
            Rejected::Invalid(errors) => ApiError::Invalid { kind, name: name.to_owned(), errors },
            unreadable @ Rejected::Unreadable(_) => ApiError::Internal(unreadable.to_string()),
        }
    }

    fn code_and_reason(&self) -> (StatusCode, &'static str) {
        match self {
            ApiError::NoSuchPath | ApiError::NotFound { .. } => (StatusCode::NOT_FOUND, "NotFound"),
            ApiError::AlreadyExists { .. } => (StatusCode::CONFLICT, "AlreadyExists"),
            ApiError::Conflict { .. } | ApiError::Precondition { .. } | ApiError::ApplyConflict(_) => {
                (StatusCode::CONFLICT, "Conflict")
            }
            ApiError::Invalid { .. } | ApiError::InvalidOptions { .. } => {
                (StatusCode::UNPROCESSABLE_ENTITY, "Invalid")
            }
            ApiError::Unauthorized(_) => (StatusCode::UNAUTHORIZED, "Unauthorized"),
            ApiError::Forbidden { .. } | ApiError::Denied(_) | ApiError::Refused(_) => {
                (StatusCode::FORBIDDEN, "Forbidden")
            }
            ApiError::BadRequest(_) => (StatusCode::BAD_REQUEST, "BadRequest"),
            ApiError::MethodNotAllowed => (StatusCode::METHOD_NOT_ALLOWED, "MethodNotAllowed"),
            ApiError::NotAcceptable(_) => (StatusCode::NOT_ACCEPTABLE, "NotAcceptable"),
            ApiError::UnsupportedMediaType(_) => (StatusCode::UNSUPPORTED_MEDIA_TYPE, "UnsupportedMediaType"),
            ApiError::Expired(_) => (StatusCode::GONE, "Expired"),
            ApiError::TooLargeRevision(_) | ApiError::Timeout(_) => (StatusCode::GATEWAY_TIMEOUT, "Timeout"),
            ApiError::TooLarge(_) => (StatusCode::PAYLOAD_TOO_LARGE, "RequestEntityTooLarge"),
            ApiError::TooManyRequests(_) => (StatusCode::TOO_MANY_REQUESTS, "TooManyRequests"),
            ApiError::Internal(_) => (StatusCode::INTERNAL_SERVER_ERROR, "InternalError"),
            ApiError::Unavailable(_) => (StatusCode::SERVICE_UNAVAILABLE, "ServiceUnavailable"),
            ApiError::InsufficientStorage(_) => (StatusCode::INSUFFICIENT_STORAGE, "InsufficientStorage"),
        }
    }

    /// Whether the same request is likely to succeed a little later.
    fn may_be_repeated(&self) -> bool {
        use ApiError::{InsufficientStorage, TooManyRequests, Unavailable};
        matches!(self, TooManyRequests(_) | Unavailable(_) | InsufficientStorage(_))
    }

    /// The `Status` object that says it.
    pub(crate) fn status(&self) -> Value {
        let (code, reason) = self.code_and_reason();
        let mut status = json!({
            "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
            "message": self.to_string(), "reason": reason, "code": code.as_u16()
        });
        if let Some(details) = self.details() {
            status["details"] = details;
        }
        status
    }

    /// `details.kind` is the plural name, but for an invalid object the kind: kubectl prints it so.
    fn details(&self) -> Option<Value> {
        match self {
            ApiError::NotFound { kind, name }
            | ApiError::AlreadyExists { kind, name }
            | ApiError::Conflict { kind, name }
            | ApiError::Precondition { kind, name, .. }
            | ApiError::Forbidden { kind, name, .. } => {
                Some(json!({"name": name, "group": kind.group, "kind": kind.plural}))
            }
            ApiError::Denied(denial) if !denial.resource.is_empty() => {
                Some(json!({"name": denial.name, "group": denial.group, "kind": denial.resource}))
            }
            ApiError::Invalid { kind, name, errors } => {
                let causes: Vec<Value> = errors.iter().map(cause).collect();
                Some(json!({"name": name, "group": kind.group, "kind": kind.kind, "causes": causes}))
            }
            ApiError::InvalidOptions { options, errors } => {
                let causes: Vec<Value> = errors.iter().map(cause).collect();
                Some(json!({"group": "meta.k8s.io", "kind": options, "causes": causes}))
            }
            ApiError::ApplyConflict(conflicts) => {
                let causes: Vec<Value> = conflicts.iter().map(fields::Conflict::cause).collect();
                Some(json!({"causes": causes}))
            }
            ApiError::TooLargeRevision(message) => Some(
                json!({"causes": [{"reason": "ResourceVersionTooLarge", "message": message}], "retryAfterSeconds": 1}),
            ),
            _ if self.may_be_repeated() => Some(json!({"retryAfterSeconds": 1})),
            _ => None,
        }
    }
}

fn cause(error: &FieldError) -> Value {
    let reason = match error.reason {
        FieldErrorReason::FieldValueRequired => "FieldValueRequired",
        FieldErrorReason::FieldValueInvalid => "FieldValueInvalid",
        FieldErrorReason::FieldValueNotSupported => "FieldValueNotSupported",
        FieldErrorReason::FieldValueTypeInvalid => "FieldValueTypeInvalid",
        FieldErrorReason::FieldValueDuplicate => "FieldValueDuplicate",
        FieldErrorReason::FieldValueForbidden => "FieldValueForbidden",
    };
    json!({"reason": reason, "message": error.message, "field": error.field})
}

impl IntoResponse for ApiError {
    fn into_response(self) -> Response {
        let (code, _) = self.code_and_reason();
        let may_be_repeated = self.may_be_repeated();
        if code.is_server_error() {
            tracing::warn!(code = code.as_u16(), error = %self, "request failed");
        }
        let (media_type, body) = match self {
            ApiError::NoSuchPath => ("text/plain; charset=utf-8", format!("{self}\n")),
            _ => ("application/json", self.status().to_string()),
        };
        let mut response = Response::new(Body::from(body));
        *response.status_mut() = code;
        response.headers_mut().insert(CONTENT_TYPE, HeaderValue::from_static(media_type));
        if code == StatusCode::UNAUTHORIZED {
            response.headers_mut().insert(WWW_AUTHENTICATE, HeaderValue::from_static("Bearer"));
        }
        if may_be_repeated {
            response.headers_mut().insert(RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}
