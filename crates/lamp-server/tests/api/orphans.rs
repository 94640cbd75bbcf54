//! Orphans: the question, and the order to delete some.

use serde_json::json;

use crate::harness::start;

const ORDERS: &str = "/apis/lamplighter.dev/v1alpha1/namespaces/default/orphandeletions";
const REPORTS: &str = "/apis/lamplighter.dev/v1alpha1/namespaces/default/orphanreports";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

#[tokio::test]
async fn an_order_names_what_it_is_about_and_cannot_be_changed() {
    let api = start().await;
    let order = json!({"metadata": {"name": "sweep"},
                       "spec": {"uid": "u-1", "resources": [{"kind": "Vpc", "id": "vpc-1"}]}});
    let created = api.post(ORDERS, &order).await.ok(201);
    assert_eq!(created["kind"], "OrphanDeletion");
    assert_eq!(created.get("status"), None, "nobody but the controller says how far it is");
    assert_eq!(created["metadata"].get("finalizers"), None, "who removes it stops it");
    let mut more = created.clone();
    more["spec"]["resources"] = json!([{"kind": "Vpc", "id": "vpc-2"}]);
    let refused = api.put(&format!("{ORDERS}/sweep"), &more).await.ok(422);
    assert!(refused["message"].as_str().unwrap().contains("spec: Forbidden: is immutable"), "{refused}");
    let empty = json!({"metadata": {"name": "all"}, "spec": {"uid": "", "resources": []}});
    let refused = api.post(ORDERS, &empty).await.ok(422);
    let message = refused["message"].as_str().unwrap();
    assert!(message.contains("spec.uid") && message.contains("spec.resources"), "{message}");
    let table = api.get_as(ORDERS, TABLE).await.ok(200);
    assert_eq!(table["rows"][0]["cells"][1], "u-1");
    assert_eq!(table["rows"][0]["cells"][2], "Pending");
}

#[tokio::test]
async fn a_report_is_one_question() {
    let api = start().await;
    let created = api.post(REPORTS, &json!({"metadata": {"name": "all"}, "spec": {}})).await.ok(201);
    let mut other = created.clone();
    other["spec"]["uid"] = json!("u-1");
    api.put(&format!("{REPORTS}/all"), &other).await.ok(422);
    let table = api.get_as(REPORTS, TABLE).await.ok(200);
    assert_eq!(table["rows"][0]["cells"][1], "Pending");
}
