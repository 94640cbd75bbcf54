//! What a request knows of its connection.

use std::fs;
use std::path::Path;
use std::sync::Arc;

use axum::Extension;
use axum::body::Body;
use axum::routing::get;
use http::Extensions;
use http_body_util::BodyExt;
use jiff::Timestamp;
use rcgen::{CertificateParams, DistinguishedName, DnType, ExtendedKeyUsagePurpose, Issuer, KeyPair};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio_rustls::TlsConnector;

use super::*;
use crate::tls::{ClientCertificate, OwnCertificates, ServerNames, TlsSources};

async fn tell(
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    Extension(transport): Extension<Transport>,
    certificate: Option<Extension<ClientCertificate>>,
) -> String {
    let who = certificate.map(|Extension(it)| format!("{} {:?}", it.user, it.groups));
    format!("{} {transport:?} {}", address.ip(), who.unwrap_or_default())
}

async fn served(security: Security) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().route("/", get(tell));
    tokio::spawn(serve(listener, router, security, 10, CancellationToken::new()));
    address
}

async fn ask<S: AsyncRead + AsyncWrite + Unpin + Send + 'static>(stream: S) -> String {
    let (mut sender, connection) =
        hyper::client::conn::http1::handshake::<_, Body>(TokioIo::new(stream)).await.unwrap();
    tokio::spawn(connection);
    let request = Request::get("/").header("host", "localhost").body(Body::empty()).unwrap();
    let answer = sender.send_request(request).await.unwrap();
    String::from_utf8(answer.into_body().collect().await.unwrap().to_bytes().to_vec()).unwrap()
}

/// A client's configuration, with a certificate of the CA in `folder` if it has a subject.
fn client(folder: &Path, subject: Option<(&str, &[&str])>) -> Arc<ClientConfig> {
    let authority = fs::read_to_string(folder.join("ca.crt")).unwrap();
    let mut roots = RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.as_bytes()).unwrap()).unwrap();
    let builder = ClientConfig::builder().with_root_certificates(roots);
    let Some((user, groups)) = subject else { return Arc::new(builder.with_no_client_auth()) };
    let key = KeyPair::from_pem(&fs::read_to_string(folder.join("ca.key")).unwrap()).unwrap();
    let issuer = Issuer::from_ca_cert_pem(&authority, key).unwrap();
    let mut parameters = CertificateParams::default();
    parameters.distinguished_name = DistinguishedName::new();
    parameters.distinguished_name.push(DnType::CommonName, user);
    for group in groups {
        parameters.distinguished_name.push(DnType::OrganizationName, *group);
    }
    parameters.extended_key_usages = vec![ExtendedKeyUsagePurpose::ClientAuth];
    let key = KeyPair::generate().unwrap();
    let certificate = parameters.signed_by(&key, &issuer).unwrap();
    let key = PrivateKeyDer::from_pem_slice(key.serialize_pem().as_bytes()).unwrap();
    Arc::new(builder.with_client_auth_cert(vec![certificate.der().clone()], key).unwrap())
}

#[tokio::test]
async fn a_request_knows_its_peer() {
    let plain = served(Security::Plain).await;
    assert_eq!(ask(TcpStream::connect(plain).await.unwrap()).await, "127.0.0.1 Plain ");

    let folder = tempfile::tempdir().unwrap();
    let now = Timestamp::now();
    let names = ServerNames::new("127.0.0.1:0".parse().unwrap(), &[]).unwrap();
    let own = OwnCertificates::open_or_create(folder.path(), &names, now).unwrap();
    let tls = Tls::open(TlsSources { own, files: None, client_authorities: None }, now).unwrap();
    let secure = served(Security::Tls(tls)).await;
    for (subject, expected) in [
        (None, "127.0.0.1 Tls "),
        (Some(("ann", &["system:masters"][..])), r#"127.0.0.1 Tls ann ["system:masters"]"#),
    ] {
        let connector = TlsConnector::from(client(folder.path(), subject));
        let stream = TcpStream::connect(secure).await.unwrap();
        let name = ServerName::try_from("localhost").unwrap();
        assert_eq!(ask(connector.connect(name, stream).await.unwrap()).await, expected);
    }
}

#[test]
fn a_certificate_that_has_expired_says_nothing() {
    let introduced = |until: Timestamp| {
        let certificate = ClientCertificate { user: "ann".to_owned(), groups: Vec::new(), until };
        let address = PeerAddress("127.0.0.1:1".parse().unwrap());
        let mut extensions = Extensions::new();
        Peer { address, transport: Transport::Tls, certificate: Some(certificate) }
            .introduce(&mut extensions);
        extensions.get::<ClientCertificate>().is_some()
    };
    assert!(introduced(Timestamp::MAX));
    assert!(!introduced(Timestamp::UNIX_EPOCH));
}
