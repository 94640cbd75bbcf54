//! What the API needs from the process around it.

use std::fmt;
use std::sync::Arc;

use axum::Router;
use axum::routing::get;
use jiff::Timestamp;
use lamp_store::Store;
use prometheus::Registry;
use tokio::sync::{RwLock, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::access::Access;
use crate::handlers::about;
use crate::limits::Limits;
use crate::metrics::Metrics;
use crate::{namespaces, routes};

/// Tells the time, for ages.
pub type Clock = Arc<dyn Fn() -> Timestamp + Send + Sync>;
/// Whether the daemon can do its work, and if not, why.
pub type Readiness = Arc<dyn Fn() -> Result<(), String> + Send + Sync>;
/// All metrics of the process in Prometheus' text format.
pub type MetricsText = Arc<dyn Fn() -> String + Send + Sync>;

/// What the API needs from the process around it.
#[derive(Clone)]
pub struct Dependencies {
    pub store: Store,
    /// Where the API registers its own metrics.
    pub registry: Registry,
    /// Answers `/metrics`.
    pub metrics_text: MetricsText,
    /// Answers `/readyz`.
    pub readiness: Readiness,
    /// The same clock as the store's, so that ages are right.
    pub clock: Clock,
    pub limits: Limits,
    /// Ends watches, so that the process can stop.
    pub shutdown: CancellationToken,
}

impl fmt::Debug for Dependencies {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Dependencies").field("limits", &self.limits).finish_non_exhaustive()
    }
}

/// The API over one store. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Server {
    shared: Arc<Shared>,
}

/// What all requests share.
pub(crate) struct Shared {
    pub(crate) dependencies: Dependencies,
    pub(crate) metrics: Metrics,
    pub(crate) access: Access,
    /// One permit for each watch that may be open.
    pub(crate) watches: Arc<Semaphore>,
    /// Creation reads it, the removal of a namespace writes it: nothing is created in a namespace that just went.
    pub(crate) namespaces: RwLock<()>,
}

impl fmt::Debug for Shared {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.dependencies.fmt(formatter)
    }
}

impl Server {
    /// # Errors
    /// The registry has metrics of the same names already.
    pub fn new(dependencies: Dependencies) -> Result<Server, prometheus::Error> {
        let metrics = Metrics::register(&dependencies.registry)?;
        let access = Access::new(&dependencies.limits);
        let watches = Arc::new(Semaphore::new(dependencies.limits.watches));
        Ok(Server {
            shared: Arc::new(Shared { dependencies, metrics, access, watches, namespaces: RwLock::new(()) }),
        })
    }

    /// The whole URL space, to be given to [`crate::serve`].
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.shared))
    }

    /// `/metrics` and `/healthz` and nothing else, for a listener that Prometheus reaches without a token.
    pub fn metrics_router(&self) -> Router {
        Router::new()
            .route("/metrics", get(about::metrics))
            .route("/healthz", get(about::alive))
            .with_state(Arc::clone(&self.shared))
    }

    /// Creates the default roles and the namespace `default`, and empties and removes namespaces that are being deleted, until shutdown.
    /// It must run for as long as requests are served.
    pub async fn keep_namespaces(&self) {
        namespaces::keep(&self.shared).await;
    }
}
