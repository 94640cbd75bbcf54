//! An endpoint that counts what it is asked, and answers what a test says, or nothing.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use lamp_aws::{AwsCloud, Config};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// What the endpoint does with each request.
#[derive(Clone, Copy)]
pub(crate) enum Answer {
    /// A status and a body.
    Say(u16, &'static str),
    /// The connection is closed.
    HangUp,
    /// Nothing ever comes.
    Silence,
}

pub(crate) struct Stub {
    pub(crate) cloud: AwsCloud,
    asked: Arc<AtomicUsize>,
}

impl Stub {
    pub(crate) async fn new(answer: Answer) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let url = format!("http://{}", listener.local_addr().expect("an address"));
        let asked = Arc::new(AtomicUsize::new(0));
        let counter = asked.clone();
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(serve(stream, answer, counter.clone()));
            }
        });
        let config = Config { region: "eu-central-1".into(), install: "test".into() };
        Self { cloud: AwsCloud::connect_to(config, &url).await.expect("a connection"), asked }
    }

    /// The same for credentials that must be of this account, and how many requests came.
    pub(crate) fn in_account(self, account: &str) -> (Arc<AtomicUsize>, AwsCloud) {
        (self.asked, self.cloud.in_account(account.to_owned()))
    }

    /// How many requests came.
    pub(crate) fn asked(&self) -> usize {
        self.asked.load(Ordering::SeqCst)
    }
}

async fn serve(mut stream: TcpStream, answer: Answer, asked: Arc<AtomicUsize>) {
    let mut received = Vec::new();
    while !is_whole(&received) {
        let mut buffer = [0; 4096];
        match stream.read(&mut buffer).await {
            Ok(0) | Err(_) => return,
            Ok(length) => received.extend_from_slice(&buffer[..length]),
        }
    }
    asked.fetch_add(1, Ordering::SeqCst);
    match answer {
        Answer::HangUp => {}
        Answer::Silence => std::future::pending().await,
        Answer::Say(status, body) => {
            let length = body.len();
            let head = format!(
                "HTTP/1.1 {status} Said\r\ncontent-length: {length}\r\nx-amzn-requestid: request-7\r\nconnection: close\r\n\r\n"
            );
            // The client may have gone; then nobody is told.
            let _ = stream.write_all(format!("{head}{body}").as_bytes()).await;
        }
    }
}

fn is_whole(received: &[u8]) -> bool {
    let text = String::from_utf8_lossy(received).to_ascii_lowercase();
    let Some((head, body)) = text.split_once("\r\n\r\n") else { return false };
    let length = head.lines().find_map(|line| line.strip_prefix("content-length:")?.trim().parse().ok());
    body.len() >= length.unwrap_or(0_usize)
}
