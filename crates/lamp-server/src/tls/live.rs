//! What is served right now. A certificate is replaced without a restart: new connections get the new one, and those
//! that are open go on.

use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError, RwLock};
use std::time::Duration;

use jiff::Timestamp;
use rustls::server::WebPkiClientVerifier;
use rustls::sign::SingleCertAndKey;
use rustls::version::TLS13;
use rustls::{RootCertStore, ServerConfig};
use tokio_rustls::TlsAcceptor;
use tokio_util::sync::CancellationToken;

use super::operator::Pair;
use super::{CertificateFiles, OwnCertificates, TlsError, files, provider};
use crate::server::Clock;

/// How often files are looked at.
const LOOK_EVERY: Duration = Duration::from_secs(60);

/// Where certificates come from.
#[derive(Clone, Debug)]
pub struct TlsSources {
    /// Our own. Its CA may always sign certificates of clients.
    pub own: OwnCertificates,
    /// What is shown to clients instead of our own certificate.
    pub files: Option<CertificateFiles>,
    /// CAs in PEM that may sign certificates of clients as well.
    pub client_authorities: Option<PathBuf>,
}

/// TLS 1.3 with the certificates as they are now. Cheap to clone.
#[derive(Clone)]
pub struct Tls {
    shared: Arc<Shared>,
}

struct Shared {
    sources: TlsSources,
    current: RwLock<Current>,
    /// What was wrong at the last look, so that it is not told each minute.
    trouble: Mutex<Option<TlsError>>,
}

/// The certificates as they were read, and what is served with them.
#[derive(Clone)]
struct Current {
    content: Vec<Vec<u8>>,
    until: Timestamp,
    config: Arc<ServerConfig>,
}

impl fmt::Debug for Tls {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Tls").field("until", &self.until()).finish_non_exhaustive()
    }
}

impl Tls {
    /// Reads the certificates.
    ///
    /// # Errors
    /// A file cannot be read, or what stands in it cannot be used.
    pub fn open(sources: TlsSources, now: Timestamp) -> Result<Tls, TlsError> {
        let current = RwLock::new(load(&sources, now)?);
        Ok(Tls { shared: Arc::new(Shared { sources, current, trouble: Mutex::default() }) })
    }

    /// When the server's certificate expires.
    pub fn until(&self) -> Timestamp {
        self.shared.current.read().unwrap_or_else(PoisonError::into_inner).until
    }

    /// Looks at the certificates each minute until shutdown. It must run for as long as connections are served.
    pub async fn keep(&self, clock: Clock, shutdown: CancellationToken) {
        loop {
            tokio::select! {
                () = tokio::time::sleep(LOOK_EVERY) => {}
                () = shutdown.cancelled() => return,
            }
            let (tls, now) = (self.clone(), clock());
            // It reads files, and may make a key.
            if let Err(error) = tokio::task::spawn_blocking(move || tls.look(now)).await {
                tracing::error!(%error, "the certificates of the API could not be looked at");
            }
        }
    }

    /// Takes what changed on disk, and renews our own certificates where it is time. What cannot be used leaves
    /// everything as it is, with a warning.
    pub fn look(&self, now: Timestamp) {
        match load(&self.shared.sources, now) {
            Ok(found) => self.take(found),
            Err(error) => self.complain(error),
        }
    }

    fn take(&self, found: Current) {
        *self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner) = None;
        let mut current = self.shared.current.write().unwrap_or_else(PoisonError::into_inner);
        // The same again would cost clients their sessions.
        if current.content != found.content {
            tracing::info!(until = %found.until, "the API has new certificates");
            *current = found;
        }
    }

    fn complain(&self, error: TlsError) {
        let mut trouble = self.shared.trouble.lock().unwrap_or_else(PoisonError::into_inner);
        if trouble.as_ref() != Some(&error) {
            tracing::warn!(%error, "the API keeps its old certificates, as the new ones cannot be used");
            *trouble = Some(error);
        }
    }

    #[cfg(test)]
    pub(super) fn content(&self) -> Vec<Vec<u8>> {
        self.shared.current.read().unwrap().content.clone()
    }

    pub(super) fn acceptor(&self) -> TlsAcceptor {
        let current = self.shared.current.read().unwrap_or_else(PoisonError::into_inner);
        TlsAcceptor::from(Arc::clone(&current.config))
    }
}

fn load(sources: &TlsSources, now: Timestamp) -> Result<Current, TlsError> {
    let own = sources.own.again(now)?;
    let server = match &sources.files {
        Some(files) => files.read(now)?,
        None => own.server.clone(),
    };
    let mut content = vec![own.authority_pem().as_bytes().to_vec()];
    content.extend(server.content.iter().cloned());
    let mut clients = RootCertStore::empty();
    let setup = |error: rustls::Error| TlsError::Setup(error.to_string());
    clients.add(own.authority_certificate().clone()).map_err(setup)?;
    if let Some(file) = &sources.client_authorities {
        let pem = files::read(file)?;
        for certificate in files::certificates(file, &pem)? {
            let unusable =
                |error: rustls::Error| TlsError::Malformed { file: file.clone(), cause: error.to_string() };
            clients.add(certificate).map_err(unusable)?;
        }
        content.push(pem);
    }
    Ok(Current { content, until: server.until, config: Arc::new(config(&server, clients)?) })
}

/// TLS 1.3 alone: every client that is younger than 2018 speaks it. Client certificates are asked for and may be left out.
fn config(server: &Pair, clients: RootCertStore) -> Result<ServerConfig, TlsError> {
    let setup = |error: &dyn fmt::Display| TlsError::Setup(error.to_string());
    let verifier = WebPkiClientVerifier::builder_with_provider(Arc::new(clients), provider())
        .allow_unauthenticated()
        .build()
        .map_err(|error| setup(&error))?;
    let mut config = ServerConfig::builder_with_provider(provider())
        .with_protocol_versions(&[&TLS13])
        .map_err(|error| setup(&error))?
        .with_client_cert_verifier(verifier)
        .with_cert_resolver(Arc::new(SingleCertAndKey::from(Arc::clone(&server.certified))));
    config.alpn_protocols = vec![b"h2".to_vec(), b"http/1.1".to_vec()];
    Ok(config)
}
