//! A proxy between AWS clients and an AWS endpoint: it counts calls by service and action, and a test may decide what
//! becomes of each.
//!
//! It must not know any client in particular. Calls are told apart by what every AWS client sends: the signature's scope
//! names the service; a form field, a header or the path names the action.

mod call;
mod hurt;
mod reply;
mod tally;
#[cfg(test)]
mod tests;

use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::{Context, Result};
use http_body_util::BodyExt;
use hyper::body::{Bytes, Incoming};
use hyper::service::service_fn;
use hyper::{HeaderMap, Request, Response, StatusCode, header};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use tokio::net::{TcpListener, TcpStream};
use tokio_util::sync::{CancellationToken, DropGuard};

pub use call::Call;
pub use hurt::{Dice, Hurt};
pub use tally::Tally;

use reply::Reply;

/// What becomes of a call.
#[derive(Clone, Debug)]
pub enum Verdict {
    /// It is handed on.
    Pass,
    /// It is handed on after this time.
    Delay(Duration),
    /// It is answered here: AWS never hears of it.
    Answer(Response<Bytes>),
    /// The connection ends before AWS hears of it.
    DropRequest,
    /// AWS carries it out, and the connection ends before the client hears of that.
    DropReply,
    /// AWS carries it out, and the connection ends after half of the reply.
    CutReply,
}

type Judge = dyn Fn(&Call) -> Verdict + Send + Sync;

/// A running proxy. It ends when this is dropped.
pub struct Proxy {
    url: String,
    tally: Arc<Mutex<Tally>>,
    _shutdown: DropGuard,
}

impl fmt::Debug for Proxy {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Proxy").field("url", &self.url).finish_non_exhaustive()
    }
}

impl Proxy {
    /// Hands on every call to `upstream`, for example `http://127.0.0.1:5000`, from a free port of this machine.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn start(upstream: &str) -> Result<Self> {
        Self::judging(upstream, |_| Verdict::Pass).await
    }

    /// Lets `judge` decide what becomes of each call. Every call counts, whatever becomes of it.
    ///
    /// # Errors
    /// When no port can be listened on.
    pub async fn judging(
        upstream: &str,
        judge: impl Fn(&Call) -> Verdict + Send + Sync + 'static,
    ) -> Result<Self> {
        let listener = TcpListener::bind("127.0.0.1:0").await.context("no port to listen on")?;
        let url = format!("http://{}", listener.local_addr()?);
        let tally = Arc::default();
        let client =
            reqwest::Client::builder().no_proxy().redirect(reqwest::redirect::Policy::none()).build()?;
        let link = Link {
            client,
            upstream: upstream.trim_end_matches('/').to_owned(),
            judge: Arc::new(judge),
            tally: Arc::clone(&tally),
        };
        let shutdown = CancellationToken::new();
        tokio::spawn(accept(listener, link, shutdown.clone()));
        Ok(Self { url, tally, _shutdown: shutdown.drop_guard() })
    }

    /// Where clients reach it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// The calls so far.
    pub fn peek(&self) -> Tally {
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The calls since the last time, and starts anew.
    pub fn take(&self) -> Tally {
        std::mem::take(&mut *self.tally.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The way from a client to AWS.
#[derive(Clone)]
struct Link {
    client: reqwest::Client,
    upstream: String,
    judge: Arc<Judge>,
    tally: Arc<Mutex<Tally>>,
}

async fn accept(listener: TcpListener, link: Link, shutdown: CancellationToken) {
    loop {
        let accepted = tokio::select! {
            () = shutdown.cancelled() => return,
            accepted = listener.accept() => accepted,
        };
        match accepted {
            Ok((stream, _)) => drop(tokio::spawn(serve(stream, link.clone(), shutdown.clone()))),
            // Out of files, most likely: clients see it, and it passes.
            Err(_) => tokio::time::sleep(Duration::from_millis(50)).await,
        }
    }
}

async fn serve(stream: TcpStream, link: Link, shutdown: CancellationToken) {
    let service = service_fn(move |request| {
        let link = link.clone();
        async move { link.pass_on(request).await }
    });
    let builder = Builder::new(TokioExecutor::new());
    let connection = builder.serve_connection(TokioIo::new(stream), service);
    tokio::select! {
        () = shutdown.cancelled() => {}
        // A connection that broke, or was broken on purpose, is the client's to notice.
        _ = connection => {}
    }
}

/// Ends the connection without an answer.
#[derive(Debug, Clone, Copy)]
struct Dropped;

impl fmt::Display for Dropped {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("the connection is dropped")
    }
}

impl std::error::Error for Dropped {}

type Answer = Response<Reply>;

impl Link {
    async fn pass_on(&self, request: Request<Incoming>) -> Result<Answer, Dropped> {
        let (head, body) = request.into_parts();
        let body = body.collect().await.map_err(|_| Dropped)?.to_bytes();
        let call = Call::of(&head, body.clone());
        self.tally.lock().unwrap_or_else(PoisonError::into_inner).count(&call);
        match (self.judge)(&call) {
            Verdict::Pass => Ok(self.forward(head, body).await),
            Verdict::Delay(time) => {
                tokio::time::sleep(time).await;
                Ok(self.forward(head, body).await)
            }
            Verdict::Answer(answer) => Ok(answer.map(Reply::whole)),
            Verdict::DropRequest => Err(Dropped),
            Verdict::DropReply => {
                self.forward(head, body).await;
                Err(Dropped)
            }
            Verdict::CutReply => Ok(self.forward(head, body).await.map(Reply::cut)),
        }
    }

    /// AWS's answer; what stands in the way of one is an answer of its own.
    async fn forward(&self, head: hyper::http::request::Parts, body: Bytes) -> Answer {
        match self.ask(head, body).await {
            Ok(answer) => answer,
            Err(error) => {
                let mut answer =
                    Response::new(Reply::whole(format!("the proxy got no answer: {error}").into()));
                *answer.status_mut() = StatusCode::BAD_GATEWAY;
                answer
            }
        }
    }

    async fn ask(&self, head: hyper::http::request::Parts, body: Bytes) -> reqwest::Result<Answer> {
        let path = head.uri.path_and_query().map_or("/", |path| path.as_str());
        let request = self.client.request(head.method, format!("{}{path}", self.upstream));
        let answer = request.headers(end_to_end(head.headers)).body(body).send().await?;
        let (status, headers) = (answer.status(), end_to_end(answer.headers().clone()));
        let mut passed_on = Response::new(Reply::whole(answer.bytes().await?));
        *passed_on.status_mut() = status;
        *passed_on.headers_mut() = headers;
        Ok(passed_on)
    }
}

/// The headers that are not about one connection. The length is told anew by whoever sends.
fn end_to_end(mut headers: HeaderMap) -> HeaderMap {
    for name in [header::CONNECTION, header::TRANSFER_ENCODING, header::CONTENT_LENGTH, header::EXPECT] {
        headers.remove(name);
    }
    headers
}
