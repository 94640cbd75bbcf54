//! What is known of the connection that a request came over. Each is an extension of the request.

use std::net::SocketAddr;

/// How the bytes travel. A request without it is trusted with nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    /// Plain HTTP, which is served to this machine only, and only when that was asked for.
    Plain,
    Tls,
}

/// The other end.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress(pub(crate) SocketAddr);

/// Whom the client's certificate names. It was verified.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    /// The common name.
    pub(crate) user: String,
    /// The organisations.
    pub(crate) groups: Vec<String>,
}
