//! What is too much, and who is kept out.

use std::time::Duration;

use expect_test::expect;
use futures::StreamExt;
use reqwest::Method;

use crate::harness::{STACKS, small, start, start_with};

#[tokio::test]
async fn large_bodies_and_deep_ones() {
    let api = start().await;
    let mut stack = small("a");
    stack["metadata"]["annotations"] = serde_json::json!({"x": "y".repeat(1 << 20)});
    expect!["413 RequestEntityTooLarge: the request body is larger than 1048576 bytes"]
        .assert_eq(&api.post(STACKS, &stack).await.refusal());
    let nested = format!("{{\"spec\": {}1{}}}", "[".repeat(64), "]".repeat(64));
    let refused = api.send(Method::POST, STACKS, "application/json", nested).await.refusal();
    assert!(
        refused.starts_with("400 BadRequest: the body is no valid JSON: nested deeper than 64 levels"),
        "{refused}"
    );
    let patch = format!("{{\"spec\": {}1{}}}", "[".repeat(64), "]".repeat(64));
    let path = format!("{STACKS}/a");
    assert_eq!(api.send(Method::PATCH, &path, "application/merge-patch+json", patch).await.code, 400);
}

#[tokio::test]
async fn a_body_that_never_ends() {
    let limits =
        lamp_server::Limits { request: Duration::from_millis(200), ..lamp_server::Limits::default() };
    let api = start_with(limits).await;
    let endless = futures::stream::once(async { Ok::<_, std::io::Error>("{".to_owned()) })
        .chain(futures::stream::pending());
    let answer =
        api.send(Method::POST, STACKS, "application/json", reqwest::Body::wrap_stream(endless)).await;
    assert_eq!(answer.refusal(), "504 Timeout: the request was not finished within 0 seconds");
}

#[tokio::test]
async fn methods_that_mean_nothing() {
    let api = start().await;
    assert_eq!(api.send(Method::PUT, STACKS, "application/json", "{}").await.code, 405);
    assert_eq!(api.send(Method::POST, "/version", "application/json", "{}").await.code, 405);
    let everywhere = "/apis/lamplighter.dev/v1alpha1/lampstacks";
    assert_eq!(api.post(everywhere, &small("a")).await.code, 405);
    assert_eq!(api.delete(everywhere).await.code, 405);
    assert_eq!(api.delete(&format!("{STACKS}/a/status")).await.code, 405);
}

#[tokio::test]
async fn web_pages_are_kept_out() {
    let api = start().await;
    let url = format!("{}{STACKS}", api.url);
    let foreign = api.client.get(&url).header("origin", "https://evil.example").send().await.unwrap();
    assert_eq!(foreign.status(), 403);
    let rebound = api.client.get(&url).header("host", "evil.example").send().await.unwrap();
    assert_eq!(rebound.status(), 403);
}
