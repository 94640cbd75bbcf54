//! Version, health, metrics, discovery and schemas.

use expect_test::expect;
use serde_json::json;

use crate::harness::{STACKS, small, start};

#[tokio::test]
async fn version_and_health() {
    let api = start().await;
    let version = api.get("/version").await.ok(200);
    assert_eq!((&version["major"], &version["minor"]), (&json!("1"), &json!("32")));
    assert!(version["gitVersion"].as_str().unwrap().starts_with("v1.32.4+lamplighter."));
    assert_eq!(api.get("/version/").await.code, 200);
    for path in ["/healthz", "/livez", "/readyz"] {
        assert_eq!(api.get(path).await.ok(200), "ok");
    }
    let nothing = api.get("/nothing/here").await;
    assert_eq!((nothing.code.as_u16(), nothing.content_type.as_str()), (404, "text/plain; charset=utf-8"));
}

#[tokio::test]
async fn metrics_count_requests() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    api.post(STACKS, &small("a")).await.ok(409);
    let text = api.get("/metrics").await.ok(200);
    let text = text.as_str().unwrap();
    for line in [
        r#"lamplighter_api_requests_total{code="201",resource="lampstacks",verb="create"} 1"#,
        r#"lamplighter_api_requests_total{code="409",resource="lampstacks",verb="create"} 1"#,
        r#"lamplighter_api_request_duration_seconds_count{resource="lampstacks",verb="create"} 2"#,
    ] {
        assert!(text.contains(line), "{line} is not in\n{text}");
    }
}

#[tokio::test]
async fn discovery_in_both_forms() {
    let api = start().await;
    let aggregated = "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList,application/json";
    let answer = api.get_as("/apis", aggregated).await;
    assert_eq!(answer.content_type, "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
    let resource = &answer.body["items"][0]["versions"][0]["resources"][0];
    expect![[r#"{"categories":["all","lamplighter"],"resource":"lampstacks","responseKind":{"group":"lamplighter.dev","kind":"LampStack","version":"v1alpha1"},"scope":"Namespaced","shortNames":["lamp"],"singularResource":"lampstack","subresources":[{"responseKind":{"group":"lamplighter.dev","kind":"LampStack","version":"v1alpha1"},"subresource":"status","verbs":["get","patch","update"]}],"verbs":["create","delete","deletecollection","get","list","patch","update","watch"]}"#]].assert_eq(&resource.to_string());
    let core = api.get_as("/api", aggregated).await;
    assert_eq!(core.body["items"][0]["versions"][0]["version"], "v1");

    assert_eq!(api.get("/api").await.ok(200)["versions"], json!(["v1"]));
    assert_eq!(api.get("/apis").await.ok(200)["groups"][0]["name"], "lamplighter.dev");
    assert_eq!(api.get("/apis/lamplighter.dev").await.ok(200)["kind"], "APIGroup");
    let list = api.get("/apis/lamplighter.dev/v1alpha1").await.ok(200);
    let names: Vec<&str> =
        list["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(
        names,
        [
            "lampstacks",
            "lampstacks/status",
            "plans",
            "plans/status",
            "imports",
            "imports/status",
            "orphanreports",
            "orphanreports/status",
            "orphandeletions",
            "orphandeletions/status",
            "databaseoperations",
            "databaseoperations/status",
            "scalinghistories",
            "scalinghistories/status",
            "accesstokens"
        ]
    );
    let list = api.get("/api/v1/").await.ok(200);
    let names: Vec<&str> =
        list["resources"].as_array().unwrap().iter().map(|r| r["name"].as_str().unwrap()).collect();
    assert_eq!(names, ["namespaces", "namespaces/status", "events"]);
    assert_eq!(api.get("/apis/apps").await.code, 404);
    assert_eq!(api.get("/apis/lamplighter.dev/v1").await.code, 404);
}

#[tokio::test]
async fn schemas_may_be_kept_by_their_hash() {
    let api = start().await;
    let index = api.get("/openapi/v3").await.ok(200);
    let url = index["paths"]["apis/lamplighter.dev/v1alpha1"]["serverRelativeURL"].as_str().unwrap();
    let response = api.client.get(format!("{}{url}", api.url)).send().await.unwrap();
    assert_eq!(response.headers()["cache-control"], "public, immutable");
    let (path, _) = url.split_once('?').unwrap();
    let response = api.client.get(format!("{}{path}?hash=OLD", api.url)).send().await.unwrap();
    assert!(response.headers().get("cache-control").is_none());
    assert_eq!(api.get("/openapi/v3/apis/apps/v1").await.code, 404);
    let v2 = api.get("/openapi/v2").await;
    assert_eq!(v2.content_type, "application/com.github.proto-openapi.spec.v2.v1.0+protobuf");
    assert_eq!(v2.body, "");
}
