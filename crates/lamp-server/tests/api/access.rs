//! Roles and bindings, and what they would allow, over HTTP.

mod audit;
mod escalation;
mod matrix;
mod tokens;

use expect_test::expect;
use lamp_server::Limits;
use serde_json::{Value, json};

use crate::harness::{Harness, start, start_on};

const BINDINGS: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default/rolebindings";
const CLUSTER_ROLES: &str = "/apis/rbac.authorization.k8s.io/v1/clusterroles";

fn binding(expires: &str) -> Value {
    json!({
        "metadata": {"name": "team:editors", "annotations": {"lamplighter.dev/expires-at": expires}},
        "subjects": [{"kind": "Group", "name": "team"}, {"kind": "User", "name": "ann"}],
        "roleRef": {"kind": "ClusterRole", "name": "edit"}
    })
}

#[tokio::test]
async fn a_binding_is_kept_and_shown() {
    let api = start().await;
    let stored = api.post(BINDINGS, &binding("2027-01-31T18:00:00Z")).await.ok(201);
    assert_eq!(stored["apiVersion"], "rbac.authorization.k8s.io/v1");
    assert_eq!(stored["roleRef"]["apiGroup"], "rbac.authorization.k8s.io");
    let one = format!("{BINDINGS}/team:editors");
    let table = api.get_as(&one, "application/json;as=Table;v=v1;g=meta.k8s.io").await.ok(200);
    let cells = &table["rows"][0]["cells"];
    assert_eq!(cells[1], "ClusterRole/edit");
    assert_eq!(cells[2], "2027-01-31T18:00:00Z");
    assert_eq!((&cells[4], &cells[5]), (&json!("ann"), &json!("team")));
    let other = json!({"roleRef": {"name": "view"}});
    expect![[r#"422 Invalid: RoleBinding.rbac.authorization.k8s.io "team:editors" is invalid: roleRef: Forbidden: is immutable: delete the binding and create another"#]].assert_eq(&api.merge(&one, other).await.refusal());
    api.delete(&one).await.ok(200);
}

#[tokio::test]
async fn a_binding_that_never_ends_by_mistake_is_refused() {
    let api = start().await;
    let refusal = api.post(BINDINGS, &binding("in an hour")).await.refusal();
    assert!(
        refusal.starts_with("422 Invalid") && refusal.contains("lamplighter.dev/expires-at"),
        "{refusal}"
    );
}

#[tokio::test]
async fn roles_are_of_the_cluster_or_of_a_namespace() {
    let api = start().await;
    let rules = json!([{"apiGroups": ["lamplighter.dev"], "resources": ["lampstacks"], "verbs": ["get"]}]);
    api.post(CLUSTER_ROLES, &json!({"metadata": {"name": "reader"}, "rules": rules})).await.ok(201);
    assert_eq!(api.get(CLUSTER_ROLES).await.ok(200)["kind"], "ClusterRoleList");
    let nowhere = BINDINGS.replace("default", "nowhere");
    assert_eq!(api.post(&nowhere, &binding("2027-01-31T18:00:00Z")).await.code, 404);
    let groups = api.get("/apis").await.ok(200);
    let names: Vec<&Value> =
        groups["groups"].as_array().unwrap().iter().map(|group| &group["name"]).collect();
    assert_eq!(names, ["lamplighter.dev", "rbac.authorization.k8s.io"]);
    assert_eq!(api.get("/apis/rbac.authorization.k8s.io").await.ok(200)["kind"], "APIGroup");
    let list = api.get("/apis/rbac.authorization.k8s.io/v1").await.ok(200);
    assert_eq!(list["resources"].as_array().unwrap().len(), 4);
}

const REVIEWS: &str = "/apis/authorization.k8s.io/v1/subjectaccessreviews";

fn on_stacks(verb: &str, namespace: &str) -> Value {
    json!({"verb": verb, "group": "lamplighter.dev", "resource": "lampstacks", "namespace": namespace})
}

async fn review(api: &Harness, user: &str, groups: &[&str], attributes: Value) -> Value {
    let spec = json!({"user": user, "groups": groups, "resourceAttributes": attributes});
    api.post(REVIEWS, &json!({"spec": spec})).await.ok(201)["status"].clone()
}

#[tokio::test]
async fn a_review_says_what_a_binding_allows_and_no_more() {
    let api = start().await;
    assert_eq!(review(&api, "ann", &[], on_stacks("get", "default")).await, json!({"allowed": false}));
    api.post(BINDINGS, &binding("2999-01-31T18:00:00Z")).await.ok(201);
    expect![[r#"{"allowed":true,"reason":"RBAC: allowed by RoleBinding \"default/team:editors\" of ClusterRole \"edit\" to User \"ann\""}"#]].assert_eq(&review(&api, "ann", &[], on_stacks("get", "default")).await.to_string());
    for (user, groups, verb, namespace, expected) in [
        ("bob", &["team"][..], "update", "default", true),
        ("bob", &["others"], "update", "default", false),
        ("bob", &["team"], "destroy", "default", false),
        ("bob", &["team"], "update", "elsewhere", false),
        ("bob", &["team"], "get", "", false),
        ("bob", &["system:masters"], "delete", "elsewhere", true),
    ] {
        let status = review(&api, user, groups, on_stacks(verb, namespace)).await;
        assert_eq!(status["allowed"], expected, "{user} {groups:?} {verb} {namespace}");
    }
    let ended = json!({"metadata": {"annotations": {"lamplighter.dev/expires-at": "2020-01-01T00:00:00Z"}}});
    api.merge(&format!("{BINDINGS}/team:editors"), ended).await.ok(200);
    assert_eq!(review(&api, "ann", &[], on_stacks("get", "default")).await, json!({"allowed": false}));
}

#[tokio::test]
async fn a_review_asks_one_question_about_someone() {
    let api = start().await;
    for spec in [
        json!({"resourceAttributes": {}}),
        json!({"user": "ann"}),
        json!({"user": "ann", "resourceAttributes": {}, "nonResourceAttributes": {}}),
    ] {
        assert_eq!(api.post(REVIEWS, &json!({"spec": spec})).await.code, 400, "{spec}");
    }
    for body in [json!([]), json!({}), json!({"spec": 1})] {
        assert_eq!(api.post(REVIEWS, &body).await.code, 400, "{body}");
    }
    assert_eq!(api.get(REVIEWS).await.code, 405);
}

#[tokio::test]
async fn the_default_roles_are_there_and_stay_as_they_were_changed() {
    let api = start().await;
    let roles = api.get(CLUSTER_ROLES).await.ok(200);
    let names: Vec<&Value> =
        roles["items"].as_array().unwrap().iter().map(|role| &role["metadata"]["name"]).collect();
    assert_eq!(
        names,
        [
            "admin",
            "cluster-admin",
            "edit",
            "system:basic-user",
            "system:discovery",
            "system:monitoring",
            "view"
        ]
    );
    let bindings = api.get("/apis/rbac.authorization.k8s.io/v1/clusterrolebindings").await.ok(200);
    assert_eq!(bindings["items"][0]["subjects"][0]["name"], "system:masters");
    let switch = json!({"rbac.authorization.kubernetes.io/autoupdate": "false"});
    api.merge(&format!("{CLUSTER_ROLES}/view"), json!({"rules": [], "metadata": {"annotations": switch}}))
        .await
        .ok(200);
    api.merge(&format!("{CLUSTER_ROLES}/edit"), json!({"rules": []})).await.ok(200);
    api.shutdown.cancel();
    let again = start_on(api.store.clone(), Limits::default()).await;
    assert_eq!(again.get(&format!("{CLUSTER_ROLES}/view")).await.ok(200)["rules"], json!([]));
    again.until(&format!("{CLUSTER_ROLES}/edit"), |answer| answer.body["rules"][0].is_object()).await;
}
