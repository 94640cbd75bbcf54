//! The question how load and capacity went.

use serde_json::json;

use crate::harness::start;

const HISTORIES: &str = "/apis/lamplighter.dev/v1alpha1/namespaces/default/scalinghistories";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

#[tokio::test]
async fn a_history_is_one_question_about_one_part() {
    let api = start().await;
    let asked = json!({"metadata": {"name": "web"}, "spec": {"stack": "shop", "tier": "web"}});
    let created = api.post(HISTORIES, &asked).await.ok(201);
    assert_eq!(created["spec"]["hours"], 24, "a day, if nothing is said");
    let mut longer = created.clone();
    longer["spec"]["hours"] = json!(48);
    let refused = api.put(&format!("{HISTORIES}/web"), &longer).await.ok(422);
    assert!(refused["message"].as_str().unwrap().contains("spec: Forbidden: is immutable"), "{refused}");
    let table = api.get_as(HISTORIES, TABLE).await.ok(200);
    assert_eq!(table["rows"][0]["cells"][1], "shop");
    assert_eq!(table["rows"][0]["cells"][2], "Pending");
}

#[tokio::test]
async fn what_makes_no_question_is_refused_at_its_field() {
    let api = start().await;
    for (spec, field) in [
        (json!({"stack": "shop"}), "spec.tier"),
        (json!({"stack": "shop", "tier": "web", "replicas": true}), "spec.tier"),
        (json!({"stack": "shop", "replicas": true, "hours": 0}), "spec.hours"),
        (json!({"stack": "shop", "replicas": true, "hours": 337}), "spec.hours"),
        (json!({"stack": "Shop", "replicas": true}), "spec.stack"),
    ] {
        let asked = json!({"metadata": {"name": "web"}, "spec": spec});
        let refused = api.post(HISTORIES, &asked).await.ok(422);
        assert_eq!(refused["details"]["causes"][0]["field"], field, "{refused}");
    }
}
