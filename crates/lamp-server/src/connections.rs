//! The connections on which the API is served: how many, with or without TLS, and what a request knows of its own.

mod door;
mod peer;
#[cfg(test)]
mod tests;

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::service::{Service, service_fn};
use hyper_util::rt::{TokioExecutor, TokioIo, TokioTimer};
use hyper_util::server::conn::auto;
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::{TcpListener, TcpStream};
use tokio::time::{sleep, timeout};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::tls::{self, HANDSHAKE_TIMEOUT, Tls};
use door::Door;
use peer::Peer;
pub(crate) use peer::{PeerAddress, Transport};

/// How connections are secured.
#[derive(Clone, Debug)]
pub enum Security {
    /// HTTP without TLS.
    Plain,
    Tls(Tls),
}

/// How long a client may take to send the head of a request.
const HEADER_READ_TIMEOUT: Duration = Duration::from_secs(20);
/// How many bytes the head of a request may have; more is answered with 431.
const HEADERS: u16 = 16 * 1024;
/// How many requests may go on at once on one connection of HTTP/2; Go's servers have the same limit.
const STREAMS: u32 = 250;
/// How long requests may go on after shutdown.
const GRACE: Duration = Duration::from_secs(10);
/// After the system refused a connection, for lack of file descriptors for example.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves `router` on `listener` until `shutdown`, HTTP/1.1 and HTTP/2; then lets requests finish. At most `limit`
/// connections are open at once ([`crate::Limits::connections`]).
///
/// Give it the token that [`crate::Dependencies`] have: it is that one which ends watches.
///
/// # Errors
/// The listener has no address.
pub async fn serve(
    listener: TcpListener,
    router: Router,
    security: Security,
    limit: usize,
    shutdown: CancellationToken,
) -> io::Result<()> {
    let is_secure = matches!(security, Security::Tls(_));
    tracing::info!(address = %listener.local_addr()?, tls = is_secure, "serving the API");
    let open = TaskTracker::new();
    let mut door = Door::new(listener, limit);
    loop {
        let accepted = tokio::select! {
            accepted = door.accept() => accepted,
            () = shutdown.cancelled() => break,
        };
        match accepted {
            Ok((stream, address, place)) => {
                let work = connection(stream, address, router.clone(), security.clone(), shutdown.clone());
                open.spawn(async move {
                    work.await;
                    drop(place);
                });
            }
            Err(error) => {
                tracing::warn!(%error, "a connection could not be accepted");
                sleep(ACCEPT_PAUSE).await;
            }
        }
    }
    open.close();
    if timeout(GRACE, open.wait()).await.is_err() {
        tracing::warn!(open = open.len(), "closing connections that did not finish");
    }
    Ok(())
}

async fn connection(
    stream: TcpStream,
    address: SocketAddr,
    router: Router,
    security: Security,
    shutdown: CancellationToken,
) {
    // Watch events are small and must not wait for more.
    if let Err(error) = stream.set_nodelay(true) {
        tracing::debug!(%address, %error, "no TCP_NODELAY");
    }
    let mut peer = Peer { address: PeerAddress(address), transport: Transport::Plain, certificate: None };
    let Security::Tls(tls) = security else { return exchange(stream, peer, router, shutdown).await };
    let secured = tokio::select! {
        secured = timeout(HANDSHAKE_TIMEOUT, tls::handshake(&tls, stream)) => secured,
        () = shutdown.cancelled() => return,
    };
    match secured.map_err(io::Error::from).flatten() {
        Ok((stream, certificate)) => {
            (peer.transport, peer.certificate) = (Transport::Tls, certificate);
            exchange(stream, peer, router, shutdown).await;
        }
        Err(error) => tracing::debug!(%address, %error, "no TLS connection came about"),
    }
}

/// Answers the requests of one connection.
async fn exchange<S>(stream: S, peer: Peer, router: Router, shutdown: CancellationToken)
where
    S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
{
    let PeerAddress(address) = peer.address;
    let has_asked = Arc::new(AtomicBool::new(false));
    let service = service_fn(introduced(router, peer, Arc::clone(&has_asked)));
    let builder = builder();
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::pin!(connection);
    let result = tokio::select! {
        result = connection.as_mut() => result,
        () = silence(&has_asked) => return tracing::debug!(%address, "a connection on which nothing was asked"),
        () = shutdown.cancelled() => {
            connection.as_mut().graceful_shutdown();
            connection.await
        }
    };
    if let Err(error) = result {
        tracing::debug!(%address, %error, "a connection ended early");
    }
}

/// Answers a request that knows of its connection, and notes that there was one.
fn introduced(
    router: Router,
    peer: Peer,
    has_asked: Arc<AtomicBool>,
) -> impl Fn(Request<Incoming>) -> Answer {
    let router = TowerToHyperService::new(router);
    move |mut request| {
        has_asked.store(true, Ordering::Relaxed);
        peer.introduce(request.extensions_mut());
        router.call(request)
    }
}

type Answer = <TowerToHyperService<Router> as Service<Request<Incoming>>>::Future;

/// Ends where no first request came in time: until then no other limit counts.
async fn silence(has_asked: &AtomicBool) {
    sleep(HEADER_READ_TIMEOUT).await;
    if has_asked.load(Ordering::Relaxed) {
        std::future::pending().await
    }
}

fn builder() -> auto::Builder<TokioExecutor> {
    let mut builder = auto::Builder::new(TokioExecutor::new());
    builder
        .http1()
        .timer(TokioTimer::new())
        .header_read_timeout(HEADER_READ_TIMEOUT)
        .max_buf_size(HEADERS.into());
    builder
        .http2()
        .timer(TokioTimer::new())
        .keep_alive_interval(HEADER_READ_TIMEOUT)
        .max_concurrent_streams(STREAMS)
        .max_header_list_size(HEADERS.into());
    builder
}
