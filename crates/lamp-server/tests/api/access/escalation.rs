//! Nobody comes by more than they were given.

use reqwest::Method;
use serde_json::{Value, json};

use super::tokens::{TOKENS, bearer, issue};
use crate::harness::{Answer, Harness, STACKS, small, start};

const NEVER: &str = "2999-01-31T18:00:00Z";
const RBAC: &str = "/apis/rbac.authorization.k8s.io/v1/namespaces/default";
const CLUSTER: &str = "/apis/rbac.authorization.k8s.io/v1";

async fn bind(api: &Harness, role: &str, user: &str) {
    let name = format!("{user}-{}", role.replace(':', "-"));
    let binding = json!({
        "metadata": {"name": name}, "roleRef": {"kind": "ClusterRole", "name": role},
        "subjects": [{"kind": "User", "name": user}]
    });
    api.post(&format!("{RBAC}/rolebindings"), &binding).await.ok(201);
}

/// A server, and someone with this role in `default`.
async fn with(role: &str) -> (Harness, Vec<(&'static str, String)>) {
    let api = start().await;
    bind(&api, role, "ann").await;
    let headers = bearer(&issue(&api, "ann", "ann", &[], NEVER).await);
    (api, headers)
}

async fn post(api: &Harness, headers: &[(&str, String)], path: &str, object: &Value) -> Answer {
    api.ask(Method::POST, path, headers, Some(object)).await
}

fn role(rules: Value) -> Value {
    json!({"metadata": {"name": "mine"}, "rules": [rules]})
}

#[tokio::test]
async fn a_role_grants_only_what_its_writer_has() {
    let (api, ann) = with("admin").await;
    let roles = format!("{RBAC}/roles");
    let held =
        json!({"apiGroups": ["lamplighter.dev"], "resources": ["lampstacks"], "verbs": ["get", "destroy"]});
    post(&api, &ann, &roles, &role(held)).await.ok(201);
    let more = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["get"]});
    let refused =
        post(&api, &ann, &roles, &json!({"metadata": {"name": "more"}, "rules": [more]})).await.refusal();
    assert_eq!(
        refused,
        r#"403 Forbidden: roles.rbac.authorization.k8s.io "more" is forbidden: user "ann" is attempting to grant RBAC permissions not currently held: get *.*"#
    );
    let wider = json!({"rules": [more]});
    let path = format!("{roles}/mine");
    let patch = api
        .ask(Method::PUT, &path, &ann, Some(&json!({"metadata": {"name": "mine"}, "rules": [more]})))
        .await;
    assert_eq!(patch.code, 403, "{wider}");
    assert_eq!(post(&api, &ann, &format!("{CLUSTER}/clusterroles"), &role(more.clone())).await.code, 403);
}

#[tokio::test]
async fn a_binding_gives_only_what_its_writer_has() {
    let (api, ann) = with("admin").await;
    let bindings = format!("{RBAC}/rolebindings");
    let binding = |role: &str| {
        json!({
            "metadata": {"name": format!("bob-{role}")}, "roleRef": {"kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "User", "name": "bob"}]
        })
    };
    post(&api, &ann, &bindings, &binding("edit")).await.ok(201);
    let refused = post(&api, &ann, &bindings, &binding("cluster-admin")).await.refusal();
    assert!(refused.contains("permissions not currently held"), "{refused}");
    let refused = post(&api, &ann, &bindings, &binding("nonesuch")).await.refusal();
    assert!(refused.contains("does not exist, so what it would grant is not known"), "{refused}");
    let elsewhere = bindings.replace("default", "elsewhere");
    assert_eq!(post(&api, &ann, &elsewhere, &binding("view")).await.code, 403);
    // A binding that ended is not begun again by whom it bound.
    api.post(&bindings, &json!({
        "metadata": {"name": "root", "annotations": {"lamplighter.dev/expires-at": "2020-01-01T00:00:00Z"}},
        "roleRef": {"kind": "ClusterRole", "name": "cluster-admin"}, "subjects": [{"kind": "User", "name": "ann"}]
    })).await.ok(201);
    let longer = json!({"metadata": {"annotations": {"lamplighter.dev/expires-at": null}}});
    let patch = [ann.clone(), vec![("content-type", "application/merge-patch+json".to_owned())]].concat();
    let one = format!("{bindings}/root");
    let request = api.client.patch(format!("{}{one}", api.url)).body(longer.to_string());
    let request = patch.iter().fold(request, |request, (name, value)| request.header(*name, value));
    assert_eq!(request.send().await.unwrap().status(), 403);
}

#[tokio::test]
async fn whoever_may_bind_or_escalate_may_grant_what_they_lack() {
    let (api, ann) = with("admin").await;
    let rule = json!({
        "apiGroups": ["rbac.authorization.k8s.io"], "resources": ["roles", "clusterroles"], "verbs": ["bind", "escalate"]
    });
    let trust = json!({"metadata": {"name": "trust"}, "rules": [rule]});
    api.post(&format!("{CLUSTER}/clusterroles"), &trust).await.ok(201);
    bind(&api, "trust", "ann").await;
    let all = json!({"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]});
    post(&api, &ann, &format!("{RBAC}/roles"), &role(all)).await.ok(201);
    let binding = json!({
        "metadata": {"name": "later"}, "roleRef": {"kind": "Role", "name": "nonesuch"},
        "subjects": [{"kind": "User", "name": "bob"}]
    });
    post(&api, &ann, &format!("{RBAC}/rolebindings"), &binding).await.ok(201);
}

#[tokio::test]
async fn a_token_is_for_oneself_or_for_whom_one_may_act_as() {
    let api = start().await;
    let rules = json!([
        {"apiGroups": ["lamplighter.dev"], "resources": ["accesstokens"], "verbs": ["*"]},
        {"apiGroups": [""], "resources": ["users"], "resourceNames": ["ci"], "verbs": ["impersonate"]},
        {"apiGroups": [""], "resources": ["groups"], "resourceNames": ["robots"], "verbs": ["impersonate"]}
    ]);
    api.post(&format!("{CLUSTER}/clusterroles"), &json!({"metadata": {"name": "issuer"}, "rules": rules}))
        .await
        .ok(201);
    let binding = json!({
        "metadata": {"name": "issuer"}, "roleRef": {"kind": "ClusterRole", "name": "issuer"},
        "subjects": [{"kind": "User", "name": "ann"}]
    });
    api.post(&format!("{CLUSTER}/clusterrolebindings"), &binding).await.ok(201);
    let ann = bearer(&issue(&api, "ann", "ann", &["team"], NEVER).await);
    for (index, (user, groups, code)) in [
        ("ann", &[][..], 201),
        ("ann", &["team"][..], 201),
        ("ci", &["robots"][..], 201),
        ("ann", &["system:masters"][..], 403),
        ("ann", &["robots", "system:masters"][..], 403),
        ("ci", &["team"][..], 403),
        ("bob", &[][..], 403),
        ("system:admin", &[][..], 403),
    ]
    .into_iter()
    .enumerate()
    {
        let spec = json!({"user": user, "groups": groups, "expiresAt": NEVER, "sha256": "0".repeat(64)});
        let token = json!({"metadata": {"name": format!("t{index}")}, "spec": spec});
        assert_eq!(post(&api, &ann, TOKENS, &token).await.code, code, "{user} {groups:?}");
    }
}

#[tokio::test]
async fn acting_as_someone_else_is_a_right_of_its_own() {
    let (api, ann) = with("admin").await;
    let as_user = |name: &'static str, value: &str| [ann.clone(), vec![(name, value.to_owned())]].concat();
    for (name, value, code) in [
        ("impersonate-user", "bob", 403),
        ("impersonate-user", "system:admin", 403),
        ("impersonate-user", "", 400),
        ("impersonate-group", "system:masters", 400),
        ("impersonate-uid", "1", 400),
        ("impersonate-extra-scopes", "all", 400),
    ] {
        assert_eq!(
            api.ask(Method::GET, STACKS, &as_user(name, value), None).await.code,
            code,
            "{name}: {value}"
        );
    }
    // Nobody gets back, as whom they act, what that one may not.
    let masked = [("impersonate-user", "bob".to_owned())];
    assert_eq!(api.ask(Method::GET, STACKS, &masked, None).await.code, 403);
}

#[tokio::test]
async fn destruction_is_a_right_of_its_own() {
    let (api, ann) = with("edit").await;
    post(&api, &ann, STACKS, &small("shop")).await.ok(201);
    let one = format!("{STACKS}/shop");
    let annotate = |name: &str| json!({"metadata": {"annotations": {name: "shop"}}});
    let patch = async |headers: &[(&str, String)], body: Value| {
        let headers = [headers, &[("content-type", "application/merge-patch+json".to_owned())]].concat();
        let request = api.client.patch(format!("{}{one}", api.url)).body(body.to_string());
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        request.send().await.unwrap().status().as_u16()
    };
    for body in [
        annotate("lamplighter.dev/confirm-delete"),
        annotate("lamplighter.dev/confirm-replace"),
        json!({"metadata": {"annotations": {"lamplighter.dev/adopt": "true"}}}),
        json!({"spec": {"deletionPolicy": "Delete"}}),
    ] {
        assert_eq!(patch(&ann, body.clone()).await, 403, "{body}");
    }
    let mut doomed = small("doomed");
    doomed["spec"]["deletionPolicy"] = json!("Delete");
    let refused = post(&api, &ann, STACKS, &doomed).await.refusal();
    assert!(refused.contains(r#"user "ann" may not destroy it"#), "{refused}");
    assert_eq!(patch(&ann, annotate("lamplighter.dev/hold")).await, 200);
    bind(&api, "admin", "ann").await;
    assert_eq!(patch(&ann, annotate("lamplighter.dev/confirm-delete")).await, 200);
}

#[tokio::test]
async fn an_apply_is_no_way_round() {
    let (api, ann) = with("admin").await;
    let apply = async |path: &str, object: Value| {
        let request =
            api.client.patch(format!("{}{path}?fieldManager=test", api.url)).body(object.to_string());
        let headers =
            [ann.clone(), vec![("content-type", "application/apply-patch+yaml".to_owned())]].concat();
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, value));
        request.send().await.unwrap().status().as_u16()
    };
    let role = |verbs: &[&str]| {
        let rule = json!({"apiGroups": ["lamplighter.dev"], "resources": ["lampstacks"], "verbs": verbs});
        json!({
            "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "Role", "metadata": {"name": "mine"}, "rules": [rule]
        })
    };
    let mine = format!("{RBAC}/roles/mine");
    assert_eq!(apply(&mine, role(&["*"])).await, 403, "created");
    assert_eq!(apply(&mine, role(&["get"])).await, 201);
    assert_eq!(apply(&mine, role(&["*"])).await, 403, "changed");
    assert_eq!(apply(&mine, role(&["get", "list"])).await, 200);

    let patcher = json!({"apiGroups": ["lamplighter.dev"], "resources": ["lampstacks"], "verbs": ["patch"]});
    let patcher = json!({"metadata": {"name": "patcher"}, "rules": [patcher]});
    api.post(&format!("{CLUSTER}/clusterroles"), &patcher).await.ok(201);
    let everything = format!("{RBAC}/rolebindings/ann-admin");
    api.delete(&everything).await.ok(200);
    bind(&api, "patcher", "ann").await;
    assert_eq!(
        apply(&format!("{STACKS}/shop"), small("shop")).await,
        403,
        "who may only patch creates nothing"
    );
    api.post(STACKS, &small("shop")).await.ok(201);
    assert_eq!(apply(&format!("{STACKS}/shop"), small("shop")).await, 200);
}
