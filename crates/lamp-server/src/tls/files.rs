//! Certificates and keys on disk: read with the file's name in each error, written whole or not at all.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::Path;

use rustls_pki_types::pem::{Error, PemObject};
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tempfile::NamedTempFile;

use super::TlsError;

/// Who may read a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Readers {
    Owner,
    Everyone,
}

pub(super) fn read(file: &Path) -> Result<Vec<u8>, TlsError> {
    fs::read(file).map_err(|error| unreadable(file, &error))
}

/// Nothing if there is no such file.
pub(super) fn read_if_there(file: &Path) -> Result<Option<Vec<u8>>, TlsError> {
    match fs::read(file) {
        Ok(content) => Ok(Some(content)),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
        Err(error) => Err(unreadable(file, &error)),
    }
}

fn unreadable(file: &Path, error: &io::Error) -> TlsError {
    TlsError::Unreadable { file: file.to_owned(), cause: error.to_string() }
}

/// The certificates of a PEM file in their order, at least one.
pub(super) fn certificates(file: &Path, pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, TlsError> {
    let parsed: Result<Vec<_>, Error> = CertificateDer::pem_slice_iter(pem).collect();
    let malformed =
        |error: Error| TlsError::Malformed { file: file.to_owned(), cause: format!("it is no PEM: {error}") };
    let certificates = parsed.map_err(malformed)?;
    if certificates.is_empty() {
        return Err(TlsError::NoCertificate { file: file.to_owned() });
    }
    Ok(certificates)
}

/// The first private key of a PEM file.
pub(super) fn key(file: &Path, pem: &[u8]) -> Result<PrivateKeyDer<'static>, TlsError> {
    // What the parser says could quote the file, and the file holds a secret.
    PrivateKeyDer::from_pem_slice(pem).map_err(|_| TlsError::NoKey { file: file.to_owned() })
}

/// Creates a folder that only its owner may look into, if it is not there.
pub(super) fn create_folder(folder: &Path) -> Result<(), TlsError> {
    let created = DirBuilder::new().recursive(true).mode(0o700).create(folder);
    created.map_err(|error| TlsError::Unwritable { file: folder.to_owned(), cause: error.to_string() })
}

/// Replaces a file: after a crash there is the old one or the new one.
pub(super) fn write(file: &Path, content: &str, readers: Readers) -> Result<(), TlsError> {
    replace(file, content, readers)
        .map_err(|error| TlsError::Unwritable { file: file.to_owned(), cause: error.to_string() })
}

fn replace(file: &Path, content: &str, readers: Readers) -> io::Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    // Nobody else may read it from the first moment on.
    let mut temporary = NamedTempFile::new_in(folder)?;
    temporary.write_all(content.as_bytes())?;
    if readers == Readers::Everyone {
        temporary.as_file().set_permissions(Permissions::from_mode(0o644))?;
    }
    temporary.as_file().sync_all()?;
    temporary.persist(file).map_err(|error| error.error)?;
    File::open(folder)?.sync_all()
}
