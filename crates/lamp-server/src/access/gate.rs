//! The door that every request goes through: who asks, as whom, how often, and whether they may.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::Method;

use super::{Caller, audit, authentication, impersonation, request};
use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::server::Shared;

/// What anybody may ask, as a load balancer or a supervisor does. They tell nothing of any stack.
const PROBES: [&str; 3] = ["/healthz", "/livez", "/readyz"];

/// Lets a request through, with its [`Caller`], or answers why not; and writes down which of the two.
pub(crate) async fn admit(State(shared): State<Arc<Shared>>, mut request: Request, next: Next) -> Response {
    if is_probe(&request) {
        return next.run(request).await;
    }
    let mut entry = audit::Entry::of(&request, (shared.dependencies.clock)());
    let response = match caller(&shared, &request, &mut entry) {
        Ok(caller) => {
            request.extensions_mut().insert(caller);
            next.run(request).await
        }
        Err(error) => error.into_response(),
    };
    entry.record(shared.dependencies.store.audit(), response.status());
    response
}

fn is_probe(request: &Request) -> bool {
    let path = request.uri().path();
    let path = path.strip_suffix('/').unwrap_or(path);
    matches!(*request.method(), Method::GET | Method::HEAD) && PROBES.contains(&path)
}

fn caller(shared: &Shared, request: &Request, entry: &mut audit::Entry) -> Result<Caller, ApiError> {
    let identity = authentication::identify(shared, request)?;
    entry.sent_by(&identity);
    shared.access.rates.request(&identity)?;
    let policy = shared.access.policy(&shared.dependencies.store)?;
    let mut caller = Caller { identity: Arc::new(identity), policy, now: (shared.dependencies.clock)() };
    if let Some(other) = impersonation::asked(request.headers())? {
        entry.acting_as(&other);
        impersonation::require(&caller, &other.name, other.own_groups())?;
        caller.identity = Arc::new(other);
    }
    let parameters = Parameters::of(request.uri())?;
    caller.require(&request::attributes(request.method(), request.uri().path(), &parameters))?;
    Ok(caller)
}
