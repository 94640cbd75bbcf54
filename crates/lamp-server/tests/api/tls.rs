//! The API over TLS.

mod client;
pub(crate) mod secure;

use std::time::{Duration, Instant};

use lamp_server::{CertificateFiles, Limits};
use rustls::version::TLS12;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

use crate::kubectl::tool::{self, Kubectl};
use client::TlsClient;
use secure::{Given, Secure};

fn base64(text: &str) -> String {
    data_encoding::BASE64.encode(text.as_bytes())
}

#[tokio::test]
async fn both_versions_of_http_are_served() {
    let api = Secure::start().await;
    for protocol in ["h2", "http/1.1"] {
        let client = TlsClient::trusting(&api.authority).speaking(protocol);
        let (mut connection, _) = client.connect(api.address).await.unwrap();
        assert_eq!(connection.get("/healthz").await.unwrap(), (200, "ok".to_owned()), "{protocol}");
    }
}

#[tokio::test]
async fn a_page_of_another_origin_or_name_is_no_danger_over_tls() {
    let api = Secure::start().await;
    let client = TlsClient::trusting(&api.authority).speaking("http/1.1");
    let (mut connection, _) = client.connect(api.address).await.unwrap();
    let headers = [("origin", "https://elsewhere.example"), ("host", "lamp.example")];
    assert_eq!(connection.get_with("/healthz", &headers).await.unwrap().0, 200);
}

#[tokio::test]
async fn nothing_older_than_tls_1_3_is_spoken() {
    let api = Secure::start().await;
    let refused = TlsClient::trusting(&api.authority).of_version(&TLS12).connect(api.address).await;
    assert!(refused.unwrap_err().to_string().contains("ProtocolVersion"));
}

#[tokio::test]
async fn a_certificate_of_a_stranger_is_refused_and_one_of_ours_is_taken() {
    let api = Secure::start().await;
    let stranger = Secure::start().await;
    let (ours, strange) = (api.client_certificate("ann"), stranger.client_certificate("ann"));
    for (given, is_taken) in [(ours, true), (strange, false)] {
        let client = TlsClient::trusting(&api.authority).showing(&given);
        // TLS 1.3 tells the client of it only after its own part of the handshake.
        let answer = match client.connect(api.address).await {
            Ok((mut connection, _)) => connection.get("/healthz").await,
            Err(error) => Err(error),
        };
        assert_eq!(answer.is_ok(), is_taken, "{answer:?}");
    }
}

#[tokio::test]
async fn authorities_of_clients_may_be_given() {
    let stranger = Secure::start().await;
    let file = stranger.folder.path().join("own/ca.crt");
    let api = Secure::start_with(None, Some(file), Limits::default()).await;
    let given = stranger.client_certificate("ann");
    let client = TlsClient::trusting(&api.authority).showing(&given);
    let (mut connection, _) = client.connect(api.address).await.unwrap();
    assert_eq!(connection.get("/healthz").await.unwrap().0, 200);
}

#[tokio::test]
async fn plain_http_is_answered_with_what_is_wrong() {
    let api = Secure::start().await;
    let mut stream = TcpStream::connect(api.address).await.unwrap();
    stream.write_all(b"GET /api HTTP/1.1\r\nHost: localhost\r\n\r\n").await.unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).await.unwrap();
    assert_eq!(answer, "HTTP/1.0 400 Bad Request\r\n\r\nClient sent an HTTP request to an HTTPS server.\n");
}

#[tokio::test]
async fn tls_on_a_port_of_plain_http_is_told_so() {
    let (plain, secure) = (crate::harness::start().await, Secure::start().await);
    let address = plain.url.trim_start_matches("http://").parse().unwrap();
    let refused = TlsClient::trusting(&secure.authority).connect(address).await.unwrap_err();
    assert!(refused.to_string().contains("InvalidContentType"), "{refused}");
}

#[tokio::test]
async fn whoever_dawdles_over_the_handshake_delays_nobody() {
    let api = Secure::start().await;
    let mut dawdlers = Vec::new();
    for index in 0..50 {
        let mut stream = TcpStream::connect(api.address).await.unwrap();
        // Half of them begin.
        if index % 2 == 0 {
            stream.write_all(&[0x16, 3, 1]).await.unwrap();
        }
        dawdlers.push(stream);
    }
    let start = Instant::now();
    let (mut connection, _) = TlsClient::trusting(&api.authority).connect(api.address).await.unwrap();
    assert_eq!(connection.get("/healthz").await.unwrap().0, 200);
    assert!(start.elapsed() < Duration::from_secs(5), "{:?}", start.elapsed());
    // And they are not waited for without end.
    let mut gone = [0];
    let closed = timeout(Duration::from_secs(20), dawdlers[0].read(&mut gone)).await.unwrap();
    assert!(matches!(closed, Ok(0) | Err(_)), "{closed:?}");
}

#[tokio::test]
async fn connections_beyond_the_limit_wait_for_their_turn() {
    let limits = Limits { connections: 2, ..Limits::default() };
    let api = Secure::start_with(None, None, limits).await;
    let client = TlsClient::trusting(&api.authority);
    let mut open = Vec::new();
    for _ in 0..2 {
        let (mut connection, _) = client.connect(api.address).await.unwrap();
        connection.get("/healthz").await.unwrap();
        open.push(connection);
    }
    let mut third = Box::pin(client.connect(api.address));
    assert!(timeout(Duration::from_millis(300), third.as_mut()).await.is_err());
    open.pop();
    let (mut connection, _) = timeout(Duration::from_secs(10), third).await.unwrap().unwrap();
    assert_eq!(connection.get("/healthz").await.unwrap().0, 200);
}

#[tokio::test]
async fn heads_that_are_too_large_are_refused() {
    let api = Secure::start().await;
    let long = "x".repeat(17 * 1024);
    for protocol in ["h2", "http/1.1"] {
        let client = TlsClient::trusting(&api.authority).speaking(protocol);
        let (mut connection, _) = client.connect(api.address).await.unwrap();
        let (code, _) = connection.get_with("/healthz", &[("x-long", &long)]).await.unwrap();
        assert_eq!(code, 431, "{protocol}");
    }
}

#[tokio::test]
async fn a_replaced_certificate_is_shown_to_new_connections_while_open_ones_go_on() {
    let folder = tempfile::tempdir().unwrap();
    let files =
        CertificateFiles { certificate: folder.path().join("tls.crt"), key: folder.path().join("tls.key") };
    let first = Given::server();
    first.write(&files);
    let api = Secure::start_with(Some(files.clone()), None, Limits::default()).await;
    let (mut old, shown) = TlsClient::trusting(&first.certificate).connect(api.address).await.unwrap();
    assert_eq!(shown, first.der());
    old.get("/healthz").await.unwrap();

    std::fs::write(&files.certificate, "what somebody is still writing").unwrap();
    api.tls.look(jiff::Timestamp::now());
    assert_eq!(TlsClient::trusting(&first.certificate).connect(api.address).await.unwrap().1, first.der());

    let second = Given::server();
    second.write(&files);
    api.tls.look(jiff::Timestamp::now());
    assert!(TlsClient::trusting(&first.certificate).connect(api.address).await.is_err());
    let (mut new, shown) = TlsClient::trusting(&second.certificate).connect(api.address).await.unwrap();
    assert_eq!(shown, second.der());
    assert_eq!(old.get("/healthz").await.unwrap().0, 200);
    assert_eq!(new.get("/healthz").await.unwrap().0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn kubectl_trusts_our_own_authority_and_no_other() {
    let api = Secure::start().await;
    let (cluster, token) = (api.cluster(), api.administrator().await);
    let strange = cluster.replace(&base64(&api.authority), &base64(&Secure::start().await.authority));
    let suite = move || {
        for binary in tool::installed() {
            let user = format!("{{token: {token}}}");
            Kubectl::with(binary.clone(), &cluster, &user)
                .prints("apply -f shop.yaml", &["lampstack.lamplighter.dev/shop"]);
            let unknown = Kubectl::with(binary.clone(), &cluster, "{token: a-token}");
            unknown.refuses("get lamp", &["You must be logged in to the server"]);
            let fooled = Kubectl::with(binary, &strange, &user);
            fooled.refuses("get lamp", &["certificate signed by unknown authority"]);
        }
    };
    tokio::task::spawn_blocking(suite).await.unwrap();
}

#[tokio::test]
async fn the_listener_for_prometheus_has_metrics_and_nothing_else() {
    let api = Secure::start().await;
    let url = api.serve_metrics().await;
    let code = async |path: &str| reqwest::get(format!("{url}{path}")).await.unwrap().status().as_u16();
    assert_eq!((code("/metrics").await, code("/healthz").await), (200, 200));
    assert_eq!((code("/api").await, code("/version").await), (404, 404));
}
