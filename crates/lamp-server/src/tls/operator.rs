//! The certificate that an operator gives.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use jiff::Timestamp;
use rustls::sign::CertifiedKey;

use super::{TlsError, files, inspect, provider};

/// Where an operator's certificate and its key are, both in PEM.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CertificateFiles {
    /// The server's own certificate first, then those up to its CA.
    pub certificate: PathBuf,
    pub key: PathBuf,
}

/// A certificate with its key, until when it is valid, and the text of the files that it came from.
#[derive(Clone, Debug)]
pub(super) struct Pair {
    pub(super) certified: Arc<CertifiedKey>,
    pub(super) until: Timestamp,
    pub(super) content: Vec<Vec<u8>>,
}

impl CertificateFiles {
    /// Reads both, and checks that they belong together and are valid.
    pub(super) fn read(&self, now: Timestamp) -> Result<Pair, TlsError> {
        let pair = pair(&self.certificate, &self.key)?;
        let own = pair.certified.end_entity_cert().map_err(|error| self.malformed(error.to_string()))?;
        let validity = inspect::validity(own).map_err(|cause| self.malformed(cause))?;
        let file = self.certificate.clone();
        if validity.until <= now {
            return Err(TlsError::Expired { file, at: validity.until });
        }
        if now < validity.from {
            return Err(TlsError::NotYetValid { file, at: validity.from });
        }
        Ok(pair)
    }

    fn malformed(&self, cause: String) -> TlsError {
        TlsError::Malformed { file: self.certificate.clone(), cause }
    }
}

/// A certificate and its key, whether it is valid now or not.
pub(super) fn pair(certificate: &Path, key: &Path) -> Result<Pair, TlsError> {
    let content = vec![files::read(certificate)?, files::read(key)?];
    let chain = files::certificates(certificate, &content[0])?;
    let malformed = |cause: String| TlsError::Malformed { file: certificate.to_owned(), cause };
    let own = chain.first().ok_or_else(|| TlsError::NoCertificate { file: certificate.to_owned() })?;
    let until = inspect::validity(own).map_err(malformed)?.until;
    let private = files::key(key, &content[1])?;
    let certified = CertifiedKey::from_der(chain, private, &provider()).map_err(|error| match error {
        rustls::Error::InconsistentKeys(_) => {
            TlsError::KeyMismatch { certificate: certificate.to_owned(), key: key.to_owned() }
        }
        rustls::Error::General(_) => TlsError::NoKey { file: key.to_owned() },
        other => malformed(other.to_string()),
    })?;
    Ok(Pair { certified: Arc::new(certified), until, content })
}
