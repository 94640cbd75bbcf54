//! GET: lists, pages, selectors, tables and metadata.

use expect_test::expect;
use serde_json::{Value, json};

use crate::harness::{Harness, STACKS, shop, small, start};

const TABLE: &str = "application/json;as=Table;v=v1;g=meta.k8s.io,application/json";

async fn with_five() -> Harness {
    let api = start().await;
    for name in ["a", "b", "c", "d", "e"] {
        let mut stack = small(name);
        stack["metadata"]["labels"] =
            json!({"name": name, "vowel": if "ae".contains(name) { "yes" } else { "no" }});
        api.post(STACKS, &stack).await.ok(201);
    }
    api
}

fn names(list: &Value) -> Vec<&str> {
    list["items"].as_array().unwrap().iter().map(|item| item["metadata"]["name"].as_str().unwrap()).collect()
}

#[tokio::test]
async fn lists_and_selectors() {
    let api = with_five().await;
    let list = api.get(STACKS).await.ok(200);
    assert_eq!((&list["kind"], names(&list)), (&json!("LampStackList"), vec!["a", "b", "c", "d", "e"]));
    assert_eq!(list["metadata"]["resourceVersion"], api.store.head().to_string());
    let selected = api.get(&format!("{STACKS}?labelSelector=vowel%3Dyes,name%21%3Da")).await.ok(200);
    assert_eq!(names(&selected), ["e"]);
    let selected = api.get(&format!("{STACKS}?labelSelector=name+in+(a,b),!zzz")).await.ok(200);
    assert_eq!(names(&selected), ["a", "b"]);
    let selected = api.get(&format!("{STACKS}?fieldSelector=metadata.name%3Dc")).await.ok(200);
    assert_eq!(names(&selected), ["c"]);
    let refused = api.get(&format!("{STACKS}?fieldSelector=spec.bogus%3Dc")).await;
    expect!["400 BadRequest: field label not supported: spec.bogus"].assert_eq(&refused.refusal());
    assert_eq!(api.get(&format!("{STACKS}?labelSelector=a%20b")).await.code, 400);
    let everywhere = api.get("/apis/lamplighter.dev/v1alpha1/lampstacks").await.ok(200);
    assert_eq!(names(&everywhere).len(), 5);
    let nowhere = api.get(&STACKS.replace("default", "nowhere")).await.ok(200);
    assert_eq!(nowhere["items"], json!([]));
}

#[tokio::test]
async fn pages() {
    let api = with_five().await;
    let first = api.get(&format!("{STACKS}?limit=2")).await.ok(200);
    assert_eq!((names(&first), &first["metadata"]["remainingItemCount"]), (vec!["a", "b"], &json!(3)));
    let token = first["metadata"]["continue"].as_str().unwrap();
    api.post(STACKS, &small("bb")).await.ok(201);
    let second = api.get(&format!("{STACKS}?limit=2&continue={token}")).await.ok(200);
    assert_eq!(names(&second), ["bb", "c"]);
    assert_eq!(second["metadata"]["resourceVersion"], first["metadata"]["resourceVersion"]);
    let token = second["metadata"]["continue"].as_str().unwrap();
    let last = api.get(&format!("{STACKS}?limit=2&continue={token}")).await.ok(200);
    assert_eq!((names(&last), last["metadata"].get("continue")), (vec!["d", "e"], None));
    assert_eq!(api.get(&format!("{STACKS}?continue=nonsense")).await.code, 400);
    assert_eq!(api.get(&format!("{STACKS}?limit=many")).await.code, 400);
}

#[tokio::test]
async fn versions_that_do_not_exist() {
    let api = with_five().await;
    let future = api.get(&format!("{STACKS}?resourceVersion=99999")).await;
    assert!(
        future.refusal().starts_with("504 Timeout: Too large resource version: 99999"),
        "{}",
        future.refusal()
    );
    assert_eq!(future.body["details"]["causes"][0]["reason"], "ResourceVersionTooLarge");
    assert_eq!(api.get(&format!("{STACKS}?resourceVersion=1&resourceVersionMatch=Exact")).await.code, 410);
    assert_eq!(api.get(&format!("{STACKS}?resourceVersion=1")).await.code, 200);
}

#[tokio::test]
async fn tables() {
    let api = start().await;
    api.post(STACKS, &shop("shop")).await.ok(201);
    let table = api.get_as(STACKS, TABLE).await.ok(200);
    let columns: Vec<String> = table["columnDefinitions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|column| format!("{}/{}", column["name"].as_str().unwrap(), column["priority"]))
        .collect();
    expect!["Name/0 Ready/0 Status/0 Tiers/0 Replicas/0 Age/0 Region/1 URL/1 Message/1"]
        .assert_eq(&columns.join(" "));
    let row = &table["rows"][0];
    assert_eq!(row["cells"].as_array().unwrap()[..5], ["shop", "Unknown", "Pending", "0/6", "0/1"]);
    assert_eq!((&row["object"]["kind"], row["object"].get("spec")), (&json!("PartialObjectMetadata"), None));
    let whole = api.get_as(&format!("{STACKS}/shop?includeObject=Object"), TABLE).await.ok(200);
    assert_eq!(whole["rows"][0]["object"]["spec"]["region"], "eu-central-1");
    let none = api.get_as(&format!("{STACKS}?includeObject=None"), TABLE).await.ok(200);
    assert_eq!(none["rows"][0].get("object"), None);
}

#[tokio::test]
async fn metadata_alone() {
    let api = with_five().await;
    let accept = "application/json;as=PartialObjectMetadataList;v=v1;g=meta.k8s.io";
    let list = api.get_as(STACKS, accept).await.ok(200);
    assert_eq!((&list["kind"], names(&list).len()), (&json!("PartialObjectMetadataList"), 5));
    assert_eq!(list["items"][0].get("spec"), None);
    let refused = api.get_as(STACKS, "application/vnd.kubernetes.protobuf").await;
    assert_eq!(refused.code, 406);
}
