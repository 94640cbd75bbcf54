//! The authorisation matrix: every route and verb, for everybody who may come.

use std::fmt::Write;

use expect_test::expect_file;
use lamp_api::kinds::KINDS;
use reqwest::Method;
use serde_json::json;

use super::tokens::{bearer, issue};
use crate::harness::{Harness, start_with};

const NEVER: &str = "2999-01-31T18:00:00Z";
const URLS: [(&str, &str); 16] = [
    ("GET", "/healthz"),
    ("GET", "/livez"),
    ("GET", "/readyz"),
    ("POST", "/readyz"),
    ("GET", "/version"),
    ("GET", "/metrics"),
    ("GET", "/openapi/v2"),
    ("GET", "/openapi/v3"),
    ("GET", "/openapi/v3/api/v1"),
    ("GET", "/api"),
    ("GET", "/api/v1"),
    ("GET", "/apis"),
    ("GET", "/apis/lamplighter.dev"),
    ("GET", "/apis/lamplighter.dev/v1alpha1"),
    ("GET", "/nowhere"),
    ("GET", "/api/v1/nodes"),
];
const REVIEWS: [&str; 5] = [
    "/apis/authorization.k8s.io/v1/subjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews",
    "/apis/authorization.k8s.io/v1/selfsubjectrulesreviews",
    "/apis/authentication.k8s.io/v1/selfsubjectreviews",
    "/apis/authentication.k8s.io/v1beta1/selfsubjectreviews",
];

/// Who comes, and with which headers.
async fn everybody(api: &Harness) -> Vec<(&'static str, Vec<(&'static str, String)>)> {
    api.post("/api/v1/namespaces", &json!({"metadata": {"name": "team"}})).await.ok(201);
    api.post("/api/v1/namespaces", &json!({"metadata": {"name": "other"}})).await.ok(201);
    for (namespace, role) in [("team", "admin"), ("team", "edit"), ("team", "view"), ("other", "admin")] {
        let path = format!("/apis/rbac.authorization.k8s.io/v1/namespaces/{namespace}/rolebindings");
        let binding = json!({
            "metadata": {"name": role}, "roleRef": {"kind": "ClusterRole", "name": role},
            "subjects": [{"kind": "Group", "name": format!("{namespace}-{role}")}]
        });
        api.post(&path, &binding).await.ok(201);
    }
    let mut everybody = Vec::new();
    for (title, group) in [
        ("masters", "system:masters"),
        ("team admin", "team-admin"),
        ("team editor", "team-edit"),
        ("team viewer", "team-view"),
        ("foreign admin", "other-admin"),
        ("nobody's", "none"),
    ] {
        let name = group.replace(':', "-");
        everybody.push((title, bearer(&issue(api, &name, &name, &[group], NEVER).await)));
    }
    everybody.push(("anonymous", vec![("impersonate-user", "system:anonymous".to_owned())]));
    let expired = issue(api, "expired", "ann", &["system:masters"], "2020-01-01T00:00:00Z").await;
    everybody.push(("expired", bearer(&expired)));
    everybody
}

/// Requests of each verb for each kind, none of which changes anything.
fn requests() -> Vec<(Method, String)> {
    let mut requests: Vec<(Method, String)> =
        URLS.iter().map(|(method, path)| (method.parse().unwrap(), (*path).to_owned())).collect();
    requests.extend(REVIEWS.map(|path| (Method::POST, path.to_owned())));
    for kind in KINDS {
        let root = if kind.group.is_empty() {
            "/api/v1".to_owned()
        } else {
            format!("/apis/{}", kind.api_version())
        };
        let namespace = if kind.namespaced { "/namespaces/team" } else { "" };
        let all = format!("{root}{namespace}/{}", kind.plural);
        let one = format!("{all}/team");
        requests.push((Method::GET, all.clone()));
        requests.push((Method::GET, format!("{all}?watch=true&timeoutSeconds=1&resourceVersion=999999")));
        if kind.namespaced {
            requests.push((Method::GET, format!("{root}/{}", kind.plural)));
        }
        requests.push((Method::POST, format!("{all}?dryRun=All")));
        requests.push((Method::DELETE, format!("{all}?dryRun=All")));
        requests.push((Method::GET, one.clone()));
        for method in [Method::PUT, Method::PATCH, Method::DELETE] {
            requests.push((method, format!("{one}?dryRun=All")));
        }
        if kind.has_status {
            requests.push((Method::GET, format!("{one}/status")));
            requests.push((Method::PUT, format!("{one}/status?dryRun=All")));
            requests.push((Method::PATCH, format!("{one}/status?dryRun=All")));
        }
    }
    requests
}

#[tokio::test]
async fn every_route_and_verb_is_open_to_whom_it_should_be_and_to_nobody_else() {
    let limits = lamp_server::Limits { burst_each: 10_000, failures_each: 10_000, ..Default::default() };
    let api = start_with(limits).await;
    let everybody = everybody(&api).await;
    let mut table = String::new();
    for (title, _) in &everybody {
        write!(table, "{title:<14}").unwrap();
    }
    table.push_str("request\n");
    for (method, path) in requests() {
        for (_, headers) in &everybody {
            let code = api.ask(method.clone(), &path, headers, None).await.code.as_u16();
            let cell = if matches!(code, 401 | 403) { code.to_string() } else { "may".to_owned() };
            write!(table, "{cell:<14}").unwrap();
        }
        writeln!(table, "{method} {path}").unwrap();
    }
    expect_file!["matrix.txt"].assert_eq(&table);
}
