//! Orders about a database.

use serde_json::json;

use crate::harness::start;

const ORDERS: &str = "/apis/lamplighter.dev/v1alpha1/namespaces/default/databaseoperations";
const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io";

#[tokio::test]
async fn an_order_says_what_it_is_about_and_cannot_be_changed() {
    let api = start().await;
    let order = json!({"metadata": {"name": "promote-1"}, "spec": {"stack": "shop", "operation": "Promote"}});
    let created = api.post(ORDERS, &order).await.ok(201);
    assert_eq!(created["spec"]["force"], false);
    let mut other = created.clone();
    other["spec"]["replica"] = json!("replica/2");
    let refused = api.put(&format!("{ORDERS}/promote-1"), &other).await.ok(422);
    assert!(refused["message"].as_str().unwrap().contains("spec: Forbidden: is immutable"), "{refused}");
    let table = api.get_as(ORDERS, TABLE).await.ok(200);
    let cells: Vec<_> = (1..4).map(|cell| table["rows"][0]["cells"][cell].clone()).collect();
    assert_eq!(cells, ["shop", "Promote", "Pending"]);
}

#[tokio::test]
async fn what_makes_no_sense_is_refused_at_the_field() {
    let api = start().await;
    let order = |spec| json!({"metadata": {"name": "o"}, "spec": spec});
    let forced = order(json!({"stack": "shop", "operation": "Promote", "force": true}));
    let refused = api.post(ORDERS, &forced).await.ok(422);
    assert!(refused["message"].as_str().unwrap().contains("spec.replica: Required"), "{refused}");
    let named = order(json!({"stack": "shop", "operation": "Failover", "replica": "replica/1"}));
    let refused = api.post(ORDERS, &named).await.ok(422);
    assert!(refused["message"].as_str().unwrap().contains("spec.operation: Forbidden"), "{refused}");
    let nothing = order(json!({"stack": "Not A Name", "operation": "Failover"}));
    let refused = api.post(ORDERS, &nothing).await.ok(422);
    assert!(refused["message"].as_str().unwrap().contains("spec.stack"), "{refused}");
}
