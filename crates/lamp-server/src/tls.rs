//! TLS 1.3 for the API: the server's certificate, ours or the operator's, kept fresh while connections go on; and who a
//! client's certificate says that it is.
//!
//! | file | is |
//! |---|---|
//! | `own` | certificates that the daemon makes for itself, `names` what they are for, `issue` how they are made |
//! | `operator` | certificates that an operator gives |
//! | `live` | what is served right now, and the task that keeps it fresh |
//! | `client` | what a client's certificate says |
//! | `handshake` | a TCP connection that becomes one of TLS |

mod client;
mod error;
mod files;
mod handshake;
mod inspect;
mod issue;
mod live;
mod names;
mod operator;
mod own;
#[cfg(test)]
mod tests;

pub(crate) use client::ClientCertificate;
pub use error::TlsError;
pub(crate) use handshake::{HANDSHAKE_TIMEOUT, handshake};
pub use live::{Tls, TlsSources};
pub use names::ServerNames;
pub use operator::CertificateFiles;
pub use own::OwnCertificates;

use std::sync::Arc;

use rustls::crypto::{CryptoProvider, aws_lc_rs};

/// The one implementation of cryptography.
fn provider() -> Arc<CryptoProvider> {
    Arc::new(aws_lc_rs::default_provider())
}
