//! A server with TLS on a port of its own.

use std::fs;
use std::net::SocketAddr;
use std::path::PathBuf;

use data_encoding::BASE64;
use jiff::Timestamp;
use lamp_api::access_token::{compose, digest};
use lamp_server::{
    CertificateFiles, Limits, OwnCertificates, Security, Server, ServerNames, Tls, TlsSources, serve,
};
use lamp_store::{Key, Store};
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use crate::harness;

pub(crate) struct Secure {
    /// Its certificates are in `own`.
    pub(crate) folder: TempDir,
    pub(crate) address: SocketAddr,
    /// Our own CA in PEM.
    pub(crate) authority: String,
    pub(crate) tls: Tls,
    pub(crate) store: Store,
    server: Server,
    shutdown: CancellationToken,
}

impl Drop for Secure {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Secure {
    pub(crate) async fn start() -> Secure {
        Secure::start_with(None, None, Limits::default()).await
    }

    pub(crate) async fn start_with(
        files: Option<CertificateFiles>,
        client_authorities: Option<PathBuf>,
        limits: Limits,
    ) -> Secure {
        let (folder, shutdown) = (tempfile::tempdir().unwrap(), CancellationToken::new());
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let (names, now) = (ServerNames::new(address, &[]).unwrap(), Timestamp::now());
        let own = OwnCertificates::open_or_create(&folder.path().join("own"), &names, now).unwrap();
        let authority = own.authority_pem().to_owned();
        let tls = Tls::open(TlsSources { own, files, client_authorities }, now).unwrap();
        let store = Store::in_memory(Timestamp::now);
        let server = harness::server(store.clone(), limits, shutdown.clone());
        let namespaces = server.clone();
        tokio::spawn(async move { namespaces.keep_namespaces().await });
        let security = Security::Tls(tls.clone());
        tokio::spawn(serve(listener, server.router(), security, limits.connections, shutdown.clone()));
        Secure { folder, address, authority, tls, store, server, shutdown }
    }

    /// The `cluster` of a kubeconfig, in YAML.
    pub(crate) fn cluster(&self) -> String {
        let authority = BASE64.encode(self.authority.as_bytes());
        format!("{{server: 'https://{}', certificate-authority-data: {authority}}}", self.address)
    }

    /// A token of the administrator.
    pub(crate) async fn administrator(&self) -> String {
        let token = compose("admin", &[1; 32]);
        let object = json!({
            "apiVersion": "lamplighter.dev/v1alpha1", "kind": "AccessToken", "metadata": {"name": "admin"},
            "spec": {
                "user": "system:admin", "groups": ["system:masters"], "expiresAt": "2999-01-01T00:00:00Z",
                "sha256": digest(&token)
            }
        });
        self.store.create(&Key::new("accesstokens", "", "admin"), object).await.unwrap();
        token
    }

    /// Serves the metrics by themselves, without TLS; gives their address.
    pub(crate) async fn serve_metrics(&self) -> String {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = self.server.metrics_router();
        tokio::spawn(serve(listener, router, Security::Plain, 10, self.shutdown.clone()));
        url
    }

    /// A certificate for a user, of our own CA.
    pub(crate) fn client_certificate(&self, user: &str) -> Given {
        let key = fs::read_to_string(self.folder.path().join("own/ca.key")).unwrap();
        let issuer = Issuer::from_ca_cert_pem(&self.authority, KeyPair::from_pem(&key).unwrap()).unwrap();
        let mut parameters = CertificateParams::default();
        parameters.distinguished_name = DistinguishedName::new();
        parameters.distinguished_name.push(DnType::CommonName, user);
        parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
        let key = KeyPair::generate().unwrap();
        let certificate = parameters.signed_by(&key, &issuer).unwrap().pem();
        Given { certificate, key: key.serialize_pem() }
    }
}

/// A certificate and its key in PEM.
pub(crate) struct Given {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Given {
    /// A certificate for this machine that stands for itself.
    pub(crate) fn server() -> Given {
        let names = vec!["localhost".to_owned(), "127.0.0.1".to_owned()];
        let issued = rcgen::generate_simple_self_signed(names).unwrap();
        Given { certificate: issued.cert.pem(), key: issued.signing_key.serialize_pem() }
    }

    pub(crate) fn write(&self, files: &CertificateFiles) {
        fs::write(&files.certificate, &self.certificate).unwrap();
        fs::write(&files.key, &self.key).unwrap();
    }

    pub(crate) fn der(&self) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(self.certificate.as_bytes()).unwrap()
    }
}
