//! The whole URL table.

use std::sync::Arc;

use axum::routing::{MethodRouter, any, get, post};
use axum::{Router, middleware};
use tower_http::catch_panic::CatchPanicLayer;

use crate::access::gate;
use crate::error::ApiError;
use crate::handlers::{about, panicked, resource, review, self_review};
use crate::limits;
use crate::metrics;
use crate::server::Shared;

pub(crate) fn router(shared: Arc<Shared>) -> Router {
    let limits = shared.dependencies.limits;
    let table: [(&str, MethodRouter<Arc<Shared>>); 18] = [
        ("/version", get(about::version)),
        ("/healthz", get(about::alive)),
        ("/livez", get(about::alive)),
        ("/readyz", get(about::ready)),
        ("/metrics", get(about::metrics)),
        ("/openapi/v2", get(about::openapi_v2)),
        ("/openapi/v3", get(about::openapi_index)),
        ("/api", get(about::core_versions)),
        ("/api/v1", get(about::core_resources)),
        ("/apis", get(about::groups)),
        ("/apis/{group}", get(about::group)),
        ("/apis/{group}/{version}", get(about::group_resources)),
        ("/apis/authorization.k8s.io/v1/subjectaccessreviews", post(review::subject_access)),
        ("/apis/authorization.k8s.io/v1/selfsubjectaccessreviews", post(self_review::access)),
        ("/apis/authorization.k8s.io/v1/selfsubjectrulesreviews", post(self_review::rules)),
        ("/apis/authentication.k8s.io/v1/selfsubjectreviews", post(self_review::who)),
        ("/apis/authentication.k8s.io/v1beta1/selfsubjectreviews", post(self_review::who)),
        ("/openapi/v3/{*path}", get(about::openapi_document)),
    ];
    let mut router = Router::new()
        // Every object of every kind; `path` understands the rest.
        .route("/api/v1/{*path}", any(resource::dispatch))
        .route("/apis/{group}/{version}/{*path}", any(resource::dispatch));
    for (path, handler) in table {
        if !path.contains("{*") {
            router = router.route(&format!("{path}/"), handler.clone());
        }
        router = router.route(path, handler);
    }
    router
        .fallback(|| async { ApiError::NoSuchPath })
        .method_not_allowed_fallback(|| async { ApiError::MethodNotAllowed })
        .layer(middleware::from_fn_with_state(limits, limits::deadline))
        .layer(CatchPanicLayer::custom(panicked))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), gate::admit))
        .layer(middleware::from_fn(limits::local_only))
        .layer(middleware::from_fn_with_state(Arc::clone(&shared), metrics::record))
        .with_state(shared)
}
