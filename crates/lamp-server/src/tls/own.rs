//! Certificates that the daemon makes for itself: a CA, which kubeconfigs name and which is therefore kept, and the
//! server's certificate, which is renewed without anybody's doing.

use std::path::{Path, PathBuf};
use std::str;

use jiff::{SignedDuration, Timestamp};
use rcgen::{Issuer, KeyPair, PublicKeyData};
use rustls_pki_types::CertificateDer;

use super::files::{self, Readers};
use super::operator::{self, Pair};
use super::{ServerNames, TlsError, inspect, issue};

/// What ends sooner is renewed now.
const RENEWED_BEFORE: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Our own CA and the certificate of the server that it signed, in a folder of their own: `ca.crt`, `ca.key`,
/// `server.crt` and `server.key`.
#[derive(Clone, Debug)]
pub struct OwnCertificates {
    folder: PathBuf,
    names: ServerNames,
    authority: Authority,
    pub(super) server: Pair,
}

/// A CA's certificate.
#[derive(Clone, Debug)]
struct Authority {
    pem: String,
    certificate: CertificateDer<'static>,
    until: Timestamp,
}

impl OwnCertificates {
    /// Reads what is in `folder`, and makes what is missing, what ends within 30 days, and the server's certificate if
    /// it is for other names. The CA keeps its key, so that whoever trusts it goes on to do so.
    ///
    /// # Errors
    /// A file cannot be read or written, or the CA is damaged.
    pub fn open_or_create(
        folder: &Path,
        names: &ServerNames,
        now: Timestamp,
    ) -> Result<OwnCertificates, TlsError> {
        files::create_folder(folder)?;
        let key = authority_key(folder)?;
        let authority = authority(folder, &key, now)?;
        let server = server(folder, names, &authority, key, now)?;
        Ok(OwnCertificates { folder: folder.to_owned(), names: names.clone(), authority, server })
    }

    /// The same, looked at again.
    pub(super) fn again(&self, now: Timestamp) -> Result<OwnCertificates, TlsError> {
        OwnCertificates::open_or_create(&self.folder, &self.names, now)
    }

    /// The CA's certificate in PEM, for `certificate-authority-data` of kubeconfigs.
    pub fn authority_pem(&self) -> &str {
        &self.authority.pem
    }

    pub(super) fn authority_certificate(&self) -> &CertificateDer<'static> {
        &self.authority.certificate
    }
}

/// The CA's key; a new one only where there never was a CA.
fn authority_key(folder: &Path) -> Result<KeyPair, TlsError> {
    let (certificate, file) = (folder.join("ca.crt"), folder.join("ca.key"));
    if let Some(pem) = files::read_if_there(&file)? {
        let key = str::from_utf8(&pem).ok().and_then(|pem| KeyPair::from_pem(pem).ok());
        return key.ok_or(TlsError::NoKey { file });
    }
    if files::read_if_there(&certificate)?.is_some() {
        return Err(TlsError::AuthorityWithoutKey { certificate, key: file });
    }
    let key = issue::new_key()?;
    files::write(&file, &key.serialize_pem(), Readers::Owner)?;
    Ok(key)
}

fn authority(folder: &Path, key: &KeyPair, now: Timestamp) -> Result<Authority, TlsError> {
    let file = folder.join("ca.crt");
    if let Some(pem) = files::read_if_there(&file)? {
        let found = read_authority(&file, &pem, key)?;
        if found.until > now + RENEWED_BEFORE {
            return Ok(found);
        }
        tracing::warn!(file = %file.display(), "the CA of the API is renewed: hand out new kubeconfigs");
    }
    let pem = issue::authority(key, now)?;
    files::write(&file, &pem, Readers::Everyone)?;
    read_authority(&file, pem.as_bytes(), key)
}

fn read_authority(file: &Path, pem: &[u8], key: &KeyPair) -> Result<Authority, TlsError> {
    let malformed = |cause: String| TlsError::Malformed { file: file.to_owned(), cause };
    let certificate = files::certificates(file, pem)?.swap_remove(0);
    let until = inspect::validity(&certificate).map_err(malformed)?.until;
    let public = inspect::parse(&certificate).map_err(malformed)?.public_key().raw.to_vec();
    if public != key.subject_public_key_info() {
        return Err(TlsError::KeyMismatch { certificate: file.to_owned(), key: file.with_extension("key") });
    }
    let pem = String::from_utf8(pem.to_vec()).map_err(|error| malformed(error.to_string()))?;
    Ok(Authority { pem, certificate, until })
}

/// The server's certificate, as it is or renewed.
fn server(
    folder: &Path,
    names: &ServerNames,
    authority: &Authority,
    key: KeyPair,
    now: Timestamp,
) -> Result<Pair, TlsError> {
    let (certificate, private) = (folder.join("server.crt"), folder.join("server.key"));
    match operator::pair(&certificate, &private) {
        Ok(pair) if is_good(&pair, names, authority, now) => return Ok(pair),
        Ok(_) => tracing::info!(file = %certificate.display(), "the certificate of the API is renewed"),
        Err(error) if certificate.exists() => {
            tracing::warn!(%error, "the certificate of the API is made anew, as what is there cannot be used");
        }
        Err(_) => tracing::info!(file = %certificate.display(), "a certificate of the API is made"),
    }
    let failed = |error: rcgen::Error| TlsError::Issue(error.to_string());
    let issuer = Issuer::from_ca_cert_der(&authority.certificate, key).map_err(failed)?;
    let issued = issue::server(&issuer, names, now, authority.until)?;
    files::write(&private, &issued.key, Readers::Owner)?;
    files::write(&certificate, &issued.certificate, Readers::Everyone)?;
    operator::pair(&certificate, &private)
}

/// Whether the certificate is from this CA, for these names, and lasts.
fn is_good(pair: &Pair, names: &ServerNames, authority: &Authority, now: Timestamp) -> bool {
    let Ok(certificate) = pair.certified.end_entity_cert() else { return false };
    let (Ok(own), Ok(issuer)) = (inspect::parse(certificate), inspect::parse(&authority.certificate)) else {
        return false;
    };
    let is_signed = own.verify_signature(Some(issuer.public_key())).is_ok();
    let is_named = inspect::names(certificate).is_ok_and(|found| names.are(&found));
    is_signed && is_named && pair.until > now + RENEWED_BEFORE
}
