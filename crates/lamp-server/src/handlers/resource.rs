//! Requests about objects: what is asked, and which verb answers it.

use std::sync::Arc;

use axum::Extension;
use axum::body::{Body, Bytes};
use axum::extract::{Request, State};
use axum::response::Response;
use http::{HeaderMap, Method};
use lamp_api::json::{self, Parsed};
use lamp_store::Key;

use super::{apply, create, delete, read, update};
use crate::access::Caller;
use crate::error::ApiError;
use crate::limits;
use crate::negotiate::{self, BodyForm};
use crate::parameters::Parameters;
use crate::patch::Patch;
use crate::path::ResourcePath;
use crate::protobuf;
use crate::respond::View;
use crate::server::Shared;
use crate::watch;

/// A request about objects, understood but for its body.
pub(crate) struct Call {
    pub(crate) path: ResourcePath,
    pub(crate) parameters: Parameters,
    pub(crate) headers: HeaderMap,
    pub(crate) view: View,
    pub(crate) caller: Caller,
}

impl Call {
    /// The object that the path names.
    pub(crate) fn key(&self) -> Result<Key, ApiError> {
        let name = self.path.name.as_deref().ok_or(ApiError::MethodNotAllowed)?;
        Ok(Key::new(self.path.kind.plural, self.path.namespace.as_deref().unwrap_or_default(), name))
    }
}

pub(crate) async fn dispatch(
    State(shared): State<Arc<Shared>>,
    Extension(caller): Extension<Caller>,
    request: Request,
) -> Result<Response, ApiError> {
    let (parts, body) = request.into_parts();
    let path = ResourcePath::parse(parts.uri.path()).ok_or(ApiError::NoSuchPath)?;
    let parameters = Parameters::of(&parts.uri)?;
    let view = View::of(&parts.headers, &parameters, (shared.dependencies.clock)())?;
    let call = Call { path, parameters, headers: parts.headers, view, caller };
    let everywhere = call.path.kind.namespaced && call.path.namespace.is_none();
    match (&parts.method, call.path.name.is_some()) {
        (&Method::GET | &Method::HEAD, true) => read::get(&shared, &call),
        (&Method::GET, false) if call.parameters.flag("watch")? == Some(true) => watch::open(&shared, &call),
        (&Method::GET | &Method::HEAD, false) => read::list(&shared, &call),
        (&Method::POST, false) => create::create(&shared, &call, object(&shared, &call, body).await?).await,
        (&Method::PUT, true) => update::replace(&shared, &call, object(&shared, &call, body).await?).await,
        (&Method::PATCH, true) => {
            let form = negotiate::body(&call.headers)?;
            let body = bytes(&shared, body).await?;
            match form {
                BodyForm::ApplyPatch => apply::apply(&shared, &call, &body).await,
                _ => update::patch(&shared, &call, &Patch::read(form, &body)?).await,
            }
        }
        (&Method::DELETE, named) if call.path.subresource.is_none() && (named || !everywhere) => {
            let options = delete::Options::of(&call, &bytes(&shared, body).await?)?;
            if named {
                delete::one(&shared, &call, options).await
            } else {
                delete::collection(&shared, &call, options).await
            }
        }
        _ => Err(ApiError::MethodNotAllowed),
    }
}

async fn bytes(shared: &Shared, body: Body) -> Result<Bytes, ApiError> {
    limits::body(body, shared.dependencies.limits.body).await
}

/// A whole object from the body.
async fn object(shared: &Shared, call: &Call, body: Body) -> Result<Parsed, ApiError> {
    let form = negotiate::body(&call.headers)?;
    let body = bytes(shared, body).await?;
    match form {
        BodyForm::Json => json::parse(&body)
            .map_err(|error| ApiError::BadRequest(format!("the body is no valid JSON: {error}"))),
        BodyForm::Protobuf if call.path.kind.kind == "Namespace" => {
            let value = protobuf::namespace(&body).map_err(|error| {
                ApiError::BadRequest(format!("the protobuf body cannot be read: {error}"))
            })?;
            Ok(Parsed { value, duplicates: Vec::new() })
        }
        _ => Err(ApiError::UnsupportedMediaType(format!(
            "send the {} as application/json",
            call.path.kind.kind
        ))),
    }
}
