//! What a request knows of the connection that it came on.

use std::net::SocketAddr;

use http::Extensions;
use jiff::Timestamp;

use crate::tls::ClientCertificate;

/// How a request came; each has it as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Transport {
    Plain,
    Tls,
}

/// From where a request came; each has it as an extension.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct PeerAddress(pub(crate) SocketAddr);

/// Who is at the other end of a connection.
#[derive(Clone, Debug)]
pub(super) struct Peer {
    pub(super) address: PeerAddress,
    pub(super) transport: Transport,
    pub(super) certificate: Option<ClientCertificate>,
}

impl Peer {
    /// Tells a request of it. A certificate that has expired meanwhile says nothing any more.
    pub(super) fn introduce(&self, extensions: &mut Extensions) {
        extensions.insert(self.address);
        extensions.insert(self.transport);
        if let Some(certificate) = self.certificate.as_ref().filter(|it| Timestamp::now() < it.until) {
            extensions.insert(certificate.clone());
        }
    }
}
