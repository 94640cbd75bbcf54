//! PUT and PATCH, of objects and of their status.

use expect_test::expect;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Harness, STACKS, shop, small, start};

async fn with_shop() -> (Harness, String, Value) {
    let api = start().await;
    let created = api.post(STACKS, &shop("shop")).await.ok(201);
    (api, format!("{STACKS}/shop"), created)
}

#[tokio::test]
async fn generations_count_changes_of_the_spec() {
    let (api, path, created) = with_shop().await;
    let labelled = api.merge(&path, json!({"metadata": {"labels": {"a": "b"}}})).await.ok(200);
    assert_eq!(labelled["metadata"]["generation"], 1);
    assert_ne!(labelled["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"]);
    let same = api.merge(&path, json!({"metadata": {"labels": {"a": "b"}}})).await.ok(200);
    assert_eq!(same, labelled);
    let changed = api.merge(&path, json!({"spec": {"mode": "Paused"}})).await.ok(200);
    assert_eq!(changed["metadata"]["generation"], 2);
}

#[tokio::test]
async fn writers_do_not_overwrite_each_other() {
    let (api, path, created) = with_shop().await;
    api.merge(&path, json!({"spec": {"mode": "Paused"}})).await.ok(200);
    let conflict = api.put(&path, &created).await;
    expect![[r#"409 Conflict: Operation cannot be fulfilled on lampstacks.lamplighter.dev "shop": the object has been modified; please apply your changes to the latest version and try again"#]].assert_eq(&conflict.refusal());
    let patch = json!({"metadata": {"resourceVersion": created["metadata"]["resourceVersion"]}});
    assert_eq!(api.merge(&path, patch).await.code, 409);
    let mut unconditional = shop("shop");
    unconditional["spec"]["mode"] = json!("Observe");
    let replaced = api.put(&path, &unconditional).await.ok(200);
    assert_eq!(replaced["metadata"]["finalizers"], json!(["lamplighter.dev/teardown"]));
    assert_eq!(replaced["metadata"]["uid"], created["metadata"]["uid"]);
    let mut other = shop("shop");
    other["metadata"]["uid"] = json!("another");
    assert_eq!(api.put(&path, &other).await.code, 409);
    assert_eq!(api.put(&path, &shop("other")).await.code, 400);
    assert_eq!(api.put(&format!("{STACKS}/nope"), &shop("nope")).await.code, 404);
}

#[tokio::test]
async fn patches_without_a_version_all_take_effect() {
    let (api, path, _) = with_shop().await;
    let patches =
        (0..20).map(|n| {
            let (api, path) = (&api, &path);
            async move {
                api.merge(path, json!({"metadata": {"labels": {format!("n{n}"): "x"}}})).await.code.as_u16()
            }
        });
    let codes = futures_all(patches).await;
    let labels = api.get(&path).await.ok(200)["metadata"]["labels"].as_object().unwrap().len();
    let taken = codes.iter().filter(|code| **code == 200).count();
    assert_eq!(labels, 1 + taken);
    assert!(taken >= 8, "{codes:?}");
}

async fn futures_all<T>(futures: impl Iterator<Item = impl Future<Output = T>>) -> Vec<T> {
    futures::future::join_all(futures).await
}

#[tokio::test]
async fn status_has_its_own_address() {
    let (api, path, _) = with_shop().await;
    let status = json!({"status": {"summary": "All serves."}, "spec": {"mode": "Paused"}});
    let written = api.merge(&format!("{path}/status"), status).await.ok(200);
    assert_eq!(
        (&written["status"]["summary"], &written["spec"]["mode"]),
        (&json!("All serves."), &json!("Enforce"))
    );
    assert_eq!(written["metadata"]["generation"], 1);
    let written =
        api.merge(&path, json!({"status": {"summary": "Lies."}, "spec": {"mode": "Paused"}})).await.ok(200);
    assert_eq!(
        (&written["status"]["summary"], &written["spec"]["mode"]),
        (&json!("All serves."), &json!("Paused"))
    );
    assert_eq!(api.get(&format!("{path}/status")).await.ok(200), written);
    let wrong = api.merge(&format!("{path}/status"), json!({"status": {"summary": 5}})).await;
    assert_eq!(wrong.code, 422);
}

#[tokio::test]
async fn a_status_that_would_not_be_admitted_today_stands_in_nobodys_way() {
    let (api, path, _) = with_shop().await;
    let key = lamp_store::Key::new("lampstacks", "default", "shop");
    let mut object = Value::clone(&api.store.get(&key).unwrap().unwrap().object);
    object["status"] = json!({"summary": 5, "retired": true});
    api.store.update(&key, None, object).await.unwrap();
    let changed = api.merge(&path, json!({"spec": {"mode": "Paused"}})).await.ok(200);
    assert_eq!(changed["status"], json!({"summary": 5, "retired": true}));
}

#[tokio::test]
async fn immutable_fields() {
    let (api, path, _) = with_shop().await;
    let patch = json!({"spec": {"region": "us-east-1", "network": {"cidr": "10.30.0.0/16"}, "database": null, "tiers": []}});
    expect![[r#"422 Invalid: LampStack.lamplighter.dev "shop" is invalid: [spec.region: Forbidden: is immutable: it is "eu-central-1", and a site cannot move to another region, spec.network.cidr: Forbidden: is immutable: it is "10.20.0.0/16", and AWS cannot change the range of a VPC, spec.database: Forbidden: is immutable: removing the database from a living stack would delete its data; delete the whole stack, whose deletionPolicy says what becomes of the data]"#]].assert_eq(&api.merge(&path, patch).await.refusal());
}

#[tokio::test]
async fn json_patches() {
    let (api, path, _) = with_shop().await;
    let send = |patch: Value| {
        let (api, path) = (&api, &path);
        async move { api.send(Method::PATCH, path, "application/json-patch+json", patch.to_string()).await }
    };
    let patched =
        send(json!([{"op": "replace", "path": "/spec/tiers/0/capacity/max", "value": 9}])).await.ok(200);
    assert_eq!(patched["spec"]["tiers"][0]["capacity"]["max"], 9);
    let failed = send(json!([{"op": "test", "path": "/spec/mode", "value": "Paused"}])).await;
    expect![[r#"422 Invalid: LampStack.lamplighter.dev "shop" is invalid: /spec/mode: Invalid value: "…": operation 0 of the patch: value did not match"#]].assert_eq(&failed.refusal());
    assert_eq!(send(json!([{"op": "remove", "path": "/spec/nothing"}])).await.code, 422);
    assert_eq!(send(json!({"op": "remove"})).await.code, 400);
}

#[tokio::test]
async fn strategic_patches_merge_tiers_by_name() {
    let (api, path, _) = with_shop().await;
    let patch = json!({"spec": {"tiers": [{"name": "app", "capacity": {"max": 6}}]}}).to_string();
    let patched =
        api.send(Method::PATCH, &path, "application/strategic-merge-patch+json", patch).await.ok(200);
    let tiers = patched["spec"]["tiers"].as_array().unwrap();
    assert_eq!(tiers.len(), 3);
    assert_eq!(tiers[1]["capacity"], json!({"min": 2, "max": 6}));
}

#[tokio::test]
async fn unsupported_patches() {
    let (api, path, _) = with_shop().await;
    let plain = api.send(Method::PATCH, &path, "application/json", "{}").await;
    expect!["415 UnsupportedMediaType: a patch is application/merge-patch+json, application/json-patch+json, application/strategic-merge-patch+json or application/apply-patch+yaml"].assert_eq(&plain.refusal());
    assert_eq!(api.send(Method::PATCH, &path, "application/merge-patch+json", "[]").await.code, 400);
}

#[tokio::test]
async fn a_dry_run_changes_nothing() {
    let (api, path, created) = with_shop().await;
    let answer = api.merge(&format!("{path}?dryRun=All"), json!({"spec": {"mode": "Paused"}})).await.ok(200);
    assert_eq!((&answer["spec"]["mode"], &answer["metadata"]["generation"]), (&json!("Paused"), &json!(2)));
    assert_eq!(api.get(&path).await.ok(200), created);
}

#[tokio::test]
async fn the_teardown_finalizer_stays_until_deletion() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    let path = format!("{STACKS}/a");
    let patched = api.merge(&path, json!({"metadata": {"finalizers": null}})).await.ok(200);
    assert_eq!(patched["metadata"]["finalizers"], json!(["lamplighter.dev/teardown"]));
    api.delete(&path).await.ok(200);
    let manifest = api.put(&path, &small("a")).await.ok(200);
    assert_eq!(manifest["metadata"]["finalizers"], json!(["lamplighter.dev/teardown"]));
    let added =
        api.merge(&path, json!({"metadata": {"finalizers": ["lamplighter.dev/teardown", "x/y"]}})).await;
    assert!(added.refusal().contains("no new finalizers can be added"), "{}", added.refusal());
    api.merge(&path, json!({"metadata": {"finalizers": null}})).await.ok(200);
    assert_eq!(api.get(&path).await.code, 404);
}
