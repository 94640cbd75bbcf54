//! How many connections there may be.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// How often it is told that there are too many.
const COMPLAIN_EVERY: Duration = Duration::from_secs(60);

/// Where connections come in. Those beyond the limit wait in the system's queue, which costs no file descriptor: a
/// client that waits a second is served, one that is cut off fails, or comes back at once and makes it worse.
pub(super) struct Door {
    listener: TcpListener,
    places: Arc<Semaphore>,
    complained: Option<Instant>,
}

impl Door {
    pub(super) fn new(listener: TcpListener, limit: usize) -> Door {
        Door { listener, places: Arc::new(Semaphore::new(limit)), complained: None }
    }

    pub(super) async fn accept(&mut self) -> io::Result<(TcpStream, SocketAddr, OwnedSemaphorePermit)> {
        if self.places.available_permits() == 0 {
            self.complain();
        }
        let place = Arc::clone(&self.places).acquire_owned().await.map_err(io::Error::other)?;
        let (stream, address) = self.listener.accept().await?;
        Ok((stream, address, place))
    }

    fn complain(&mut self) {
        if self.complained.is_none_or(|last| last.elapsed() >= COMPLAIN_EVERY) {
            tracing::warn!("as many connections are open as may be: new ones wait until one ends");
            self.complained = Some(Instant::now());
        }
    }
}
