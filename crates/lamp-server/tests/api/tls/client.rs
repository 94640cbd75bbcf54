//! A client that says exactly how it speaks TLS and HTTP.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;

use axum::body::Body;
use http::Request;
use http_body_util::BodyExt;
use hyper::client::conn::{http1, http2};
use hyper_util::rt::{TokioExecutor, TokioIo};
use rustls::version::TLS13;
use rustls::{ClientConfig, RootCertStore, SupportedProtocolVersion};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer, ServerName};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::secure::Given;

pub(super) struct TlsClient<'a> {
    authority: &'a str,
    version: &'static SupportedProtocolVersion,
    protocol: &'static str,
    shown: Option<&'a Given>,
}

/// An open connection.
#[derive(Debug)]
pub(super) enum Connection {
    One(http1::SendRequest<Body>),
    Two(http2::SendRequest<Body>),
}

impl<'a> TlsClient<'a> {
    pub(super) fn trusting(authority: &'a str) -> TlsClient<'a> {
        TlsClient { authority, version: &TLS13, protocol: "h2", shown: None }
    }

    pub(super) fn speaking(mut self, protocol: &'static str) -> TlsClient<'a> {
        self.protocol = protocol;
        self
    }

    pub(super) fn of_version(mut self, version: &'static SupportedProtocolVersion) -> TlsClient<'a> {
        self.version = version;
        self
    }

    pub(super) fn showing(mut self, certificate: &'a Given) -> TlsClient<'a> {
        self.shown = Some(certificate);
        self
    }

    fn config(&self) -> ClientConfig {
        let mut roots = RootCertStore::empty();
        roots.add(CertificateDer::from_pem_slice(self.authority.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::aws_lc_rs::default_provider());
        let builder = ClientConfig::builder_with_provider(provider)
            .with_protocol_versions(&[self.version])
            .unwrap()
            .with_root_certificates(roots);
        let mut config = match self.shown {
            Some(given) => {
                let key = PrivateKeyDer::from_pem_slice(given.key.as_bytes()).unwrap();
                builder.with_client_auth_cert(vec![given.der()], key).unwrap()
            }
            None => builder.with_no_client_auth(),
        };
        config.alpn_protocols = vec![self.protocol.as_bytes().to_vec()];
        config
    }

    /// A connection, and the certificate that the server showed.
    pub(super) async fn connect(
        &self,
        address: SocketAddr,
    ) -> io::Result<(Connection, CertificateDer<'static>)> {
        let stream = TcpStream::connect(address).await?;
        let connector = TlsConnector::from(Arc::new(self.config()));
        let stream = connector.connect(ServerName::IpAddress(address.ip().into()), stream).await?;
        let session = stream.get_ref().1;
        assert_eq!(session.alpn_protocol(), Some(self.protocol.as_bytes()));
        let shown = session.peer_certificates().unwrap()[0].clone();
        let stream = TokioIo::new(stream);
        let connection = if self.protocol == "h2" {
            let (sender, work) =
                http2::handshake(TokioExecutor::new(), stream).await.map_err(io::Error::other)?;
            tokio::spawn(work);
            Connection::Two(sender)
        } else {
            let (sender, work) = http1::handshake(stream).await.map_err(io::Error::other)?;
            tokio::spawn(work);
            Connection::One(sender)
        };
        Ok((connection, shown))
    }
}

impl Connection {
    pub(super) async fn get(&mut self, path: &str) -> io::Result<(u16, String)> {
        self.get_with(path, &[]).await
    }

    /// Code and text of the answer.
    pub(super) async fn get_with(
        &mut self,
        path: &str,
        headers: &[(&str, &str)],
    ) -> io::Result<(u16, String)> {
        let mut request = Request::get(format!("https://localhost{path}"));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(Body::empty()).unwrap();
        let answer = match self {
            Connection::One(sender) => sender.send_request(request).await,
            Connection::Two(sender) => sender.send_request(request).await,
        };
        let answer = answer.map_err(io::Error::other)?;
        let code = answer.status().as_u16();
        let body = answer.into_body().collect().await.map_err(io::Error::other)?.to_bytes();
        Ok((code, String::from_utf8(body.to_vec()).unwrap()))
    }
}
