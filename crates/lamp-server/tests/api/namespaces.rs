//! Namespaces, and the protobuf that kubectl creates them with.

use expect_test::expect;
use reqwest::Method;
use serde_json::json;

use crate::harness::{small, start};

const NAMESPACES: &str = "/api/v1/namespaces";
const STACKS: &str = "/apis/lamplighter.dev/v1alpha1/namespaces/team/lampstacks";

#[tokio::test]
async fn a_namespace_takes_its_content_along() {
    let api = start().await;
    let created = api.post(NAMESPACES, &json!({"metadata": {"name": "team"}})).await.ok(201);
    assert_eq!(created["status"]["phase"], "Active");
    assert_eq!(created["metadata"]["labels"]["kubernetes.io/metadata.name"], "team");
    api.post(STACKS, &small("a")).await.ok(201);
    let event = json!({
        "metadata": {"name": "a.1"}, "involvedObject": {"kind": "LampStack", "name": "a", "namespace": "team"},
        "reason": "Created", "message": "m", "type": "Normal"
    });
    api.post("/api/v1/namespaces/team/events", &event).await.ok(201);

    let held = api.delete("/api/v1/namespaces/team").await.ok(200);
    assert_eq!(held["status"]["phase"], "Terminating");
    let refused = api.post(STACKS, &small("b")).await;
    expect![[r#"403 Forbidden: lampstacks.lamplighter.dev "b" is forbidden: unable to create new content in namespace team because it is being terminated"#]].assert_eq(&refused.refusal());
    let stack = format!("{STACKS}/a");
    api.until(&stack, |answer| answer.body["metadata"]["deletionTimestamp"].is_string()).await;
    assert_eq!(api.get("/api/v1/namespaces/team/events").await.ok(200)["items"].as_array().unwrap().len(), 1);
    api.finish_teardown("team", "a").await;
    api.until("/api/v1/namespaces/team", |answer| answer.code == 404).await;
    assert_eq!(api.get("/api/v1/namespaces/team/events").await.ok(200)["items"], json!([]));
    assert_eq!(api.post(STACKS, &small("b")).await.code, 404);
}

#[tokio::test]
async fn an_empty_namespace_goes_at_once() {
    let api = start().await;
    api.post(NAMESPACES, &json!({"metadata": {"name": "team"}})).await.ok(201);
    api.delete("/api/v1/namespaces/team").await.ok(200);
    api.until("/api/v1/namespaces/team", |answer| answer.code == 404).await;
}

#[tokio::test]
async fn the_default_namespace_stays() {
    let api = start().await;
    let refused = api.delete("/api/v1/namespaces/default").await;
    expect![[r#"403 Forbidden: namespaces "default" is forbidden: this namespace may not be deleted"#]]
        .assert_eq(&refused.refusal());
}

#[tokio::test]
async fn a_namespace_with_data_needs_the_stacks_consent() {
    let api = start().await;
    api.post(NAMESPACES, &json!({"metadata": {"name": "team"}})).await.ok(201);
    let mut stack = small("a");
    stack["spec"]["deletionPolicy"] = json!("Delete");
    stack["spec"]["database"] = json!({"version": "8.0", "instanceClass": "db.t3.small"});
    api.post(STACKS, &stack).await.ok(201);
    let refused = api.delete("/api/v1/namespaces/team").await.refusal();
    assert!(
        refused.starts_with(r#"403 Forbidden: lampstacks.lamplighter.dev "a" is forbidden: "#),
        "{refused}"
    );
    assert_eq!(api.get("/api/v1/namespaces/team").await.ok(200)["status"]["phase"], "Active");
}

#[tokio::test]
async fn protobuf_from_kubectl() {
    let api = start().await;
    let hex = "6b3873000a0f0a02763112094e616d657370616365121d0a150a056865786e7312001a0022002a0032003800420012001a020a001a002200";
    let bytes: Vec<u8> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).unwrap()).collect();
    const PROTOBUF: &str = "application/vnd.kubernetes.protobuf";
    let created = api.send(Method::POST, NAMESPACES, PROTOBUF, bytes.clone()).await.ok(201);
    assert_eq!(created["metadata"]["name"], "hexns");
    assert_eq!(api.send(Method::POST, NAMESPACES, PROTOBUF, bytes[..20].to_vec()).await.code, 400);
    assert_eq!(api.send(Method::POST, STACKS, PROTOBUF, bytes).await.code, 415);
}
