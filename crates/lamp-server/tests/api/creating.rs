//! POST.

use expect_test::expect;
use reqwest::Method;
use serde_json::json;

use crate::harness::{STACKS, shop, small, start};

#[tokio::test]
async fn an_object_is_completed() {
    let api = start().await;
    let created = api.post(STACKS, &shop("shop")).await.ok(201);
    let metadata = &created["metadata"];
    assert_eq!(metadata["namespace"], "default");
    assert_eq!(metadata["generation"], 1);
    assert_eq!(metadata["finalizers"], json!(["lamplighter.dev/teardown"]));
    assert!(metadata["uid"].is_string() && metadata["creationTimestamp"].is_string());
    assert!(metadata["resourceVersion"].as_str().unwrap().parse::<u64>().unwrap() > 0);
    assert_eq!(created["spec"]["mode"], "Enforce");
    assert_eq!(created["spec"]["tiers"][1]["loadBalancer"]["healthCheck"]["intervalSeconds"], 15);
    assert_eq!(api.get(&format!("{STACKS}/shop")).await.ok(200), created);
}

#[tokio::test]
async fn status_and_system_fields_are_not_the_clients() {
    let api = start().await;
    let mut stack = small("a");
    stack["status"] = json!({"summary": "All is well."});
    stack["metadata"]["uid"] = json!("mine");
    stack["metadata"]["generation"] = json!(7);
    stack["metadata"]["creationTimestamp"] = json!(null);
    let created = api.post(STACKS, &stack).await.ok(201);
    assert_eq!(created.get("status"), None);
    assert_ne!(created["metadata"]["uid"], "mine");
    assert_eq!(created["metadata"]["generation"], 1);
}

#[tokio::test]
async fn refusals() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    let refused = |stack: serde_json::Value| {
        let api = &api;
        async move { api.post(STACKS, &stack).await.refusal() }
    };
    expect![[r#"409 AlreadyExists: lampstacks.lamplighter.dev "a" already exists"#]]
        .assert_eq(&refused(small("a")).await);
    let mut stack = small("b");
    stack["metadata"]["resourceVersion"] = json!("5");
    expect!["400 BadRequest: resourceVersion should not be set on objects to be created"]
        .assert_eq(&refused(stack).await);
    let mut stack = small("b");
    stack["metadata"]["namespace"] = json!("other");
    expect!["400 BadRequest: the namespace of the object (other) does not match the namespace on the URL (default)"].assert_eq(&refused(stack).await);
    expect![[r#"422 Invalid: LampStack.lamplighter.dev "B_c" is invalid: metadata.name: Invalid value: "B_c": must be an RFC 1123 label: at most 63 lower-case letters, digits or '-', beginning and ending with a letter or digit"#]].assert_eq(&refused(small("B_c")).await);
    let mut stack = small("b");
    stack["kind"] = json!("Lamp");
    expect![[r#"400 BadRequest: the kind of the object ("Lamp") is not that of the address ("LampStack")"#]]
        .assert_eq(&refused(stack).await);
    let elsewhere = STACKS.replace("default", "nowhere");
    expect![[r#"404 NotFound: namespaces "nowhere" not found"#]]
        .assert_eq(&api.post(&elsewhere, &small("b")).await.refusal());
    let text = api.send(Method::POST, STACKS, "text/plain", small("b").to_string()).await.refusal();
    expect![[r#"415 UnsupportedMediaType: the body has the unsupported type "text/plain""#]].assert_eq(&text);
    let text = api.send(Method::POST, STACKS, "application/json", "{\"a\": }").await.refusal();
    expect!["400 BadRequest: the body is no valid JSON: expected value at line 1 column 7"].assert_eq(&text);
}

#[tokio::test]
async fn every_problem_has_a_cause() {
    let api = start().await;
    let mut stack = shop("shop");
    stack["spec"]["network"]["cidr"] = json!("10.20.1.0/24");
    stack["spec"]["tiers"][0]["capacity"] = json!({"min": 5, "max": 4});
    stack["spec"]["tiers"][2]["uses"] = json!(["web"]);
    stack["spec"]["database"]["backups"]["retentionDays"] = json!(0);
    let body = api.post(STACKS, &stack).await.ok(422);
    assert_eq!((&body["details"]["kind"], &body["details"]["name"]), (&json!("LampStack"), &json!("shop")));
    let causes: String =
        body["details"]["causes"].as_array().unwrap().iter().map(|cause| format!("{cause}\n")).collect();
    expect![[r#"
        {"field":"spec.network.cidr","message":"Invalid value: \"10.20.1.0/24\": must be from /16, AWS's largest, to /22, which holds three subnets in each of six zones","reason":"FieldValueInvalid"}
        {"field":"spec.tiers[0].capacity.min","message":"Invalid value: 5: must not be more than max, which is 4","reason":"FieldValueInvalid"}
        {"field":"spec.tiers[0].uses","message":"Invalid value: \"web\": the tiers use each other in a circle: web -> app -> search -> web","reason":"FieldValueInvalid"}
        {"field":"spec.database.backups.retentionDays","message":"Invalid value: 0: read replicas are made from backups: keep them for at least one day","reason":"FieldValueInvalid"}
    "#]].assert_eq(&causes);
}

#[tokio::test]
async fn unknown_fields_by_strictness() {
    let api = start().await;
    let mut stack = small("a");
    stack["spec"]["colour"] = json!("red");
    stack["spec"]["tiers"][0]["prot"] = json!(80);
    let strict = api.post(&format!("{STACKS}?fieldValidation=Strict"), &stack).await;
    expect![[r#"400 BadRequest: LampStack in version "v1alpha1" cannot be handled as a LampStack: strict decoding error: unknown field "spec.colour", unknown field "spec.tiers[0].prot""#]].assert_eq(&strict.refusal());
    let warned = api.post(&format!("{STACKS}?dryRun=All"), &stack).await;
    assert_eq!(
        warned.warnings,
        [r#"299 - "unknown field \"spec.colour\"""#, r#"299 - "unknown field \"spec.tiers[0].prot\"""#]
    );
    let ignored = api.post(&format!("{STACKS}?fieldValidation=Ignore"), &stack).await;
    assert!(ignored.warnings.is_empty());
    assert_eq!(ignored.ok(201)["spec"].get("colour"), None);
    let twice = r#"{"metadata": {"name": "b"}, "spec": {"region": "eu-west-1", "region": "eu-central-1"}}"#;
    let strict =
        api.send(Method::POST, &format!("{STACKS}?fieldValidation=Strict"), "application/json", twice).await;
    assert!(strict.refusal().ends_with(r#"duplicate field "spec.region""#), "{}", strict.refusal());
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let api = start().await;
    let head = api.store.head();
    let created = api.post(&format!("{STACKS}?dryRun=All"), &small("a")).await.ok(201);
    assert_eq!(created["spec"]["mode"], "Enforce");
    assert_eq!(api.get(&format!("{STACKS}/a")).await.code, 404);
    assert_eq!(api.store.head(), head);
    api.post(STACKS, &small("a")).await.ok(201);
    assert_eq!(api.post(&format!("{STACKS}?dryRun=All"), &small("a")).await.code, 409);
    assert_eq!(api.post(&format!("{STACKS}?dryRun=Some"), &small("b")).await.code, 400);
}

#[tokio::test]
async fn names_can_be_generated() {
    let api = start().await;
    let mut stack = small("");
    stack["metadata"] = json!({"generateName": "shop-"});
    let [one, two] = [api.post(STACKS, &stack).await.ok(201), api.post(STACKS, &stack).await.ok(201)];
    let name = one["metadata"]["name"].as_str().unwrap();
    assert!(name.starts_with("shop-") && name.len() == 10, "{name}");
    assert_ne!(one["metadata"]["name"], two["metadata"]["name"]);
}

#[tokio::test]
async fn clients_without_types_are_served() {
    let api = start().await;
    let body = json!({"metadata": {"name": "a"}, "spec": {"region": "eu-central-1"}}).to_string();
    let response = api.client.post(format!("{}{STACKS}", api.url)).body(body).send().await.unwrap();
    assert_eq!(response.status(), 201);
}
