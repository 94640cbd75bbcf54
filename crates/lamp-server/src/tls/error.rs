//! What can be wrong with certificates and keys, in words for whoever put them there.

use std::path::PathBuf;

use jiff::Timestamp;

/// Why TLS cannot be served with what there is.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum TlsError {
    #[error("cannot read {}: {cause}", .file.display())]
    Unreadable { file: PathBuf, cause: String },
    #[error("cannot write {}: {cause}", .file.display())]
    Unwritable { file: PathBuf, cause: String },
    #[error(
        "{} holds no certificate: it must be PEM, the server's own certificate first and then those up to its CA",
        .file.display()
    )]
    NoCertificate { file: PathBuf },
    #[error(
        "{} holds no private key that can be used: it must be PEM (PKCS #8, SEC 1 or PKCS #1) without a passphrase",
        .file.display()
    )]
    NoKey { file: PathBuf },
    #[error("{} cannot be understood: {cause}", .file.display())]
    Malformed { file: PathBuf, cause: String },
    #[error("the key in {} is not that of the certificate in {}", .key.display(), .certificate.display())]
    KeyMismatch { certificate: PathBuf, key: PathBuf },
    #[error("the certificate in {} expired at {at}: put a new one there", .file.display())]
    Expired { file: PathBuf, at: Timestamp },
    #[error("the certificate in {} is valid only from {at}: is the clock of this host right?", .file.display())]
    NotYetValid { file: PathBuf, at: Timestamp },
    #[error(
        "{} is missing, and without it the CA in {} can sign nothing: restore it, or remove both, and hand out new \
         kubeconfigs",
        .key.display(),
        .certificate.display()
    )]
    AuthorityWithoutKey { certificate: PathBuf, key: PathBuf },
    #[error("{name:?} is neither an IP address nor a host name, so no certificate can be for it")]
    Name { name: String },
    #[error("no certificate can be made: {0}")]
    Issue(String),
    #[error("TLS cannot be set up: {0}")]
    Setup(String),
}
