//! The proxy between a real client and an endpoint that counts what reaches it.

use std::sync::atomic::{AtomicUsize, Ordering};

use http_body_util::Full;
use hyper::server::conn::http1;

use super::*;

/// An endpoint that answers with what it was sent.
struct Echo {
    url: String,
    reached: Arc<AtomicUsize>,
}

impl Echo {
    async fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let reached = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&reached);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let count = Arc::clone(&count);
                let echo = service_fn(move |request: Request<Incoming>| {
                    count.fetch_add(1, Ordering::SeqCst);
                    async move {
                        let (head, body) = request.into_parts();
                        let mut answer = Response::new(Full::new(body.collect().await?.to_bytes()));
                        answer.headers_mut().insert("x-path", head.uri.to_string().parse().unwrap());
                        *answer.status_mut() = StatusCode::CREATED;
                        Ok::<_, hyper::Error>(answer)
                    }
                });
                tokio::spawn(http1::Builder::new().serve_connection(TokioIo::new(stream), echo));
            }
        });
        Self { url, reached }
    }

    fn reached(&self) -> usize {
        self.reached.load(Ordering::SeqCst)
    }
}

/// A stand-in for a client of EC2.
async fn call(proxy: &Proxy, action: &str) -> reqwest::Result<reqwest::Response> {
    let signature =
        "AWS4-HMAC-SHA256 Credential=test/20261125/eu-west-1/ec2/aws4_request, SignedHeaders=host";
    let request = reqwest::Client::builder().no_proxy().build()?.post(format!("{}/x?y=z", proxy.url()));
    request.header("authorization", signature).body(format!("Action={action}&Version=1")).send().await
}

#[tokio::test]
async fn calls_are_handed_on_and_counted() {
    let echo = Echo::start().await;
    let proxy = Proxy::start(&echo.url).await.unwrap();
    let answer = call(&proxy, "CreateVpc").await.unwrap();
    assert_eq!(answer.status(), StatusCode::CREATED);
    assert_eq!(answer.headers()["x-path"], "/x?y=z");
    assert_eq!(answer.text().await.unwrap(), "Action=CreateVpc&Version=1");
    call(&proxy, "DescribeVpcs").await.unwrap();
    let tally = proxy.take();
    assert_eq!((tally.total(), tally.changes()), (2, 1));
    assert_eq!(tally.to_string(), "     1 ec2 CreateVpc\n     1 ec2 DescribeVpcs\n");
    assert_eq!(proxy.peek().total(), 0, "it began anew");
}

#[tokio::test]
async fn a_judge_decides_what_becomes_of_a_call() {
    let echo = Echo::start().await;
    let refusal = Response::builder().status(503).body(Bytes::from_static(b"RequestLimitExceeded")).unwrap();
    let proxy = Proxy::judging(&echo.url, move |call| match call.action.as_str() {
        "Refused" => Verdict::Answer(refusal.clone()),
        "LostRequest" => Verdict::DropRequest,
        "LostReply" => Verdict::DropReply,
        "CutReply" => Verdict::CutReply,
        "Late" => Verdict::Delay(Duration::from_millis(1)),
        _ => Verdict::Pass,
    });
    let proxy = proxy.await.unwrap();
    let refused = call(&proxy, "Refused").await.unwrap();
    assert_eq!(
        (refused.status().as_u16(), refused.text().await.unwrap().as_str()),
        (503, "RequestLimitExceeded")
    );
    assert!(call(&proxy, "LostRequest").await.is_err());
    assert_eq!(echo.reached(), 0);
    assert!(call(&proxy, "LostReply").await.is_err());
    assert_eq!(echo.reached(), 1, "AWS carried it out all the same");
    let cut = call(&proxy, "CutReply").await.unwrap();
    assert_eq!(cut.status(), StatusCode::CREATED);
    assert!(cut.bytes().await.is_err(), "half of it is no reply");
    assert_eq!(echo.reached(), 2);
    assert!(call(&proxy, "Late").await.is_ok());
    assert_eq!(echo.reached(), 3);
    assert_eq!(proxy.peek().total(), 5, "each of them counts, whatever became of it");
}

#[tokio::test]
async fn an_endpoint_that_does_not_answer_is_a_bad_gateway() {
    let nobody = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let proxy = Proxy::start(&format!("http://{nobody}")).await.unwrap();
    assert_eq!(call(&proxy, "DescribeVpcs").await.unwrap().status(), StatusCode::BAD_GATEWAY);
}
