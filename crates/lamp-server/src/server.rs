//! What the API needs from the process around it, and the connections it is served on.

use std::fmt;
use std::io;
use std::sync::Arc;
use std::time::Duration;

use axum::{Extension, Router};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use jiff::Timestamp;
use lamp_store::Store;
use prometheus::Registry;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{RwLock, Semaphore};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::access::Access;
use crate::connection::{PeerAddress, Transport};
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

    /// The whole URL space, to be given to [`serve`].
    pub fn router(&self) -> Router {
        routes::router(Arc::clone(&self.shared))
    }

    /// Creates the default roles and the namespace `default`, and empties and removes namespaces that are being deleted, until shutdown.
    /// It must run for as long as requests are served.
    pub async fn keep_namespaces(&self) {
        namespaces::keep(&self.shared).await;
    }
}

/// How long a client may take to send the head of a request.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(20);
/// How long requests may go on after shutdown.
const GRACE: Duration = Duration::from_secs(10);
/// After the system refused a connection, for lack of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `shutdown`, HTTP/1.1 and HTTP/2; then lets requests finish.
///
/// Give it the token that [`Dependencies`] have: it is that one which ends watches.
///
/// # Errors
/// The listener has no address.
pub async fn serve(listener: TcpListener, router: Router, shutdown: CancellationToken) -> io::Result<()> {
    tracing::info!(address = %listener.local_addr()?, "serving the API");
    let connections = TaskTracker::new();
    loop {
        let accepted = tokio::select! {
            accepted = listener.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, peer)) => {
                let router =
                    router.clone().layer(Extension(PeerAddress(peer))).layer(Extension(Transport::Plain));
                connections.spawn(connection(stream, router, shutdown.clone()));
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                tokio::time::sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    connections.close();
    if tokio::time::timeout(GRACE, connections.wait()).await.is_err() {
        tracing::warn!(open = connections.len(), "closing connections that did not finish");
    }
    Ok(())
}

async fn connection(stream: TcpStream, router: Router, shutdown: CancellationToken) {
    // Watch events are small and must not wait for more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%error, "no TCP_NODELAY");
    }
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder.http1().timer(TokioTimer::new()).header_read_timeout(HEADER_READ_TIMEOUT);
    builder.http2().timer(TokioTimer::new()).keep_alive_interval(HEADER_READ_TIMEOUT);
    let connection = builder.serve_connection(TokioIo::new(stream), TowerToHyperService::new(router));
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%error, "a connection ended early");
    }
}
