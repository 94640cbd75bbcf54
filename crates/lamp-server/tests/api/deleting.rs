//! DELETE, of one object and of many.

use expect_test::expect;
use reqwest::Method;
use serde_json::json;

use crate::harness::{STACKS, shop, small, start};

#[tokio::test]
async fn a_stack_stays_until_it_is_torn_down() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    let path = format!("{STACKS}/a");
    let body = json!({"propagationPolicy": "Background"}).to_string();
    let held = api.send(Method::DELETE, &path, "application/json", body).await.ok(200);
    assert!(held["metadata"]["deletionTimestamp"].is_string());
    assert_eq!(held["metadata"]["generation"], 2);
    assert_eq!(api.delete(&path).await.ok(200), held);
    api.finish_teardown("default", "a").await;
    assert_eq!(api.delete(&path).await.code, 404);
}

#[tokio::test]
async fn preconditions() {
    let api = start().await;
    let created = api.post(STACKS, &small("a")).await.ok(201);
    let path = format!("{STACKS}/a");
    let delete = |options: serde_json::Value| {
        let (api, path) = (&api, &path);
        async move { api.send(Method::DELETE, path, "application/json", options.to_string()).await }
    };
    let refused = delete(json!({"preconditions": {"uid": "other"}})).await;
    assert!(
        refused.refusal().starts_with("409 Conflict: Operation cannot be fulfilled"),
        "{}",
        refused.refusal()
    );
    assert_eq!(delete(json!({"preconditions": {"resourceVersion": "1"}})).await.code, 409);
    assert_eq!(delete(json!({"dryRun": ["All"]})).await.ok(200)["status"], "Success");
    assert_eq!(api.get(&path).await.ok(200), created);
    let metadata = &created["metadata"];
    let preconditions = json!({"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]});
    delete(json!({"preconditions": preconditions})).await.ok(200);
}

#[tokio::test]
async fn data_is_not_deleted_without_consent() {
    let api = start().await;
    let mut stack = shop("shop");
    stack["spec"]["deletionPolicy"] = json!("Delete");
    api.post(STACKS, &stack).await.ok(201);
    let path = format!("{STACKS}/shop");
    let refused = api.delete(&path).await;
    expect![[r#"403 Forbidden: lampstacks.lamplighter.dev "shop" is forbidden: its deletionPolicy is Delete, so its deletion would delete the database and its backups without a final snapshot; if that is meant, run first: kubectl annotate lampstack shop --namespace default lamplighter.dev/confirm-delete=shop; to keep the data set deletionPolicy: Snapshot"#]].assert_eq(&refused.refusal());
    assert_eq!(api.delete(STACKS).await.code, 403);
    api.merge(&path, json!({"metadata": {"annotations": {"lamplighter.dev/confirm-delete": "other"}}}))
        .await
        .ok(200);
    assert_eq!(api.delete(&path).await.code, 403);
    api.merge(&path, json!({"metadata": {"annotations": {"lamplighter.dev/confirm-delete": "shop"}}}))
        .await
        .ok(200);
    api.delete(&path).await.ok(200);
}

#[tokio::test]
async fn a_deletion_under_way_cannot_be_made_to_lose_data() {
    let api = start().await;
    api.post(STACKS, &shop("shop")).await.ok(201);
    let path = format!("{STACKS}/shop");
    api.delete(&path).await.ok(200);
    assert_eq!(api.merge(&path, json!({"spec": {"deletionPolicy": "Delete"}})).await.code, 403);
    api.merge(&path, json!({"spec": {"deletionPolicy": "Retain"}})).await.ok(200);
}

#[tokio::test]
async fn collections() {
    let api = start().await;
    for name in ["a", "b", "c"] {
        let mut stack = small(name);
        stack["metadata"]["labels"] = json!({"go": if name == "b" { "no" } else { "yes" }});
        api.post(STACKS, &stack).await.ok(201);
    }
    let deleted = api.delete(&format!("{STACKS}?labelSelector=go%3Dyes")).await.ok(200);
    assert_eq!(deleted["items"].as_array().unwrap().len(), 2);
    let list = api.get(STACKS).await.ok(200);
    let deleting: Vec<bool> = list["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["metadata"]["deletionTimestamp"].is_string())
        .collect();
    assert_eq!(deleting, [true, false, true]);
}
