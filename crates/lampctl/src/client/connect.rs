//! A client for a server.

use std::time::Duration;

use kube::Client;

use super::{Access, Server};
use crate::exit::Failure;
use crate::progress::Talk;

/// A daemon on the same host or network answers a connection at once, or is not there.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

impl Server {
    /// Prepares to ask; nothing is sent yet.
    pub(crate) async fn connect(access: Access, timeout: Duration, talk: Talk) -> Result<Self, Failure> {
        let mut config = access.config().await?;
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        let address = access.address();
        let refused = |e: kube::Error| Failure::failed(format!("cannot make a client for {address}: {e}"));
        let client = Client::try_from(config).map_err(refused)?;
        Ok(Self { client, access, address, timeout, talk })
    }
}
