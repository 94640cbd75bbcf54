//! Server-side apply, and who owns which fields.

use expect_test::expect;
use reqwest::Method;
use serde_json::{Value, json};

use crate::harness::{Answer, Harness, STACKS, small, start};

/// Applies `fields` of the stack `shop` as `query` says.
async fn apply(api: &Harness, query: &str, fields: Value) -> Answer {
    let mut config =
        json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack", "metadata": {"name": "shop"}});
    json_merge(&mut config, &fields);
    send(api, &format!("{STACKS}/shop?{query}"), config.to_string()).await
}

async fn send(api: &Harness, path: &str, body: String) -> Answer {
    api.send(Method::PATCH, path, "application/apply-patch+yaml", body).await
}

fn json_merge(target: &mut Value, fields: &Value) {
    match (target.as_object_mut(), fields.as_object()) {
        (Some(target), Some(fields)) => {
            for (name, value) in fields {
                json_merge(target.entry(name).or_insert(Value::Null), value);
            }
        }
        _ => *target = fields.clone(),
    }
}

fn tiers(names: &[&str]) -> Value {
    json!({"spec": {"region": "eu-central-1", "tiers": names.iter().map(|name| json!({"name": name})).collect::<Vec<_>>()}})
}

/// Who owns what: manager, operation, subresource, fields.
fn owners(object: &Value) -> String {
    let entries = object["metadata"]["managedFields"].as_array().into_iter().flatten();
    let line = |entry: &Value| {
        let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
        assert!(entry["time"].is_string() && entry["apiVersion"] == object["apiVersion"], "{entry}");
        format!("{} {} {} {}\n", text("manager"), text("operation"), text("subresource"), entry["fieldsV1"])
    };
    entries.map(line).collect()
}

#[tokio::test]
async fn an_apply_creates_and_the_same_again_writes_nothing() {
    let api = start().await;
    let created = apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(201);
    assert_eq!(created["metadata"]["finalizers"], json!(["lamplighter.dev/teardown"]));
    assert_eq!(created["spec"]["mode"], "Enforce");
    expect![[r#"
        a Apply  {"f:spec":{"f:region":{},"f:tiers":{"k:{\"name\":\"web\"}":{".":{},"f:name":{}}}}}
    "#]]
    .assert_eq(&owners(&created));
    assert_eq!(apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(200), created);
    let shared = apply(&api, "fieldManager=b", tiers(&["web"])).await.ok(200);
    assert_ne!(shared["metadata"]["resourceVersion"], created["metadata"]["resourceVersion"]);
    assert_eq!(shared["metadata"]["generation"], 1);
    assert_eq!(owners(&shared).lines().count(), 2);
    assert_eq!(apply(&api, "fieldManager=b&force=true", tiers(&["web"])).await.ok(200), shared);
}

#[tokio::test]
async fn what_others_own_is_a_conflict_and_force_takes_it() {
    let api = start().await;
    apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(201);
    apply(
        &api,
        "fieldManager=a",
        json!({"spec": {"mode": "Paused", "region": "eu-central-1", "tiers": [{"name": "web", "port": 81}]}}),
    )
    .await
    .ok(200);
    api.merge(&format!("{STACKS}/shop?fieldManager=editor"), json!({"metadata": {"labels": {"x": "1"}}}))
        .await
        .ok(200);
    let one = json!({"spec": {"mode": "Observe"}});
    expect![[r#"409 Conflict: Apply failed with 1 conflict: conflict with "a": .spec.mode"#]]
        .assert_eq(&apply(&api, "fieldManager=b", one).await.refusal());
    let mine = json!({"metadata": {"labels": {"x": "2"}}, "spec": {"mode": "Observe", "tiers": [{"name": "web", "port": 82}]}});
    let refused = apply(&api, "fieldManager=b", mine.clone()).await;
    expect![[r#"
        409 Conflict: Apply failed with 3 conflicts: conflicts with "a":
        - .spec.mode
        - .spec.tiers[name="web"].port
        conflicts with "editor" using lamplighter.dev/v1alpha1:
        - .metadata.labels.x"#]]
    .assert_eq(&refused.refusal());
    expect![[r#"{"causes":[{"field":".spec.mode","message":"conflict with \"a\"","reason":"FieldManagerConflict"},{"field":".spec.tiers[name=\"web\"].port","message":"conflict with \"a\"","reason":"FieldManagerConflict"},{"field":".metadata.labels.x","message":"conflict with \"editor\" using lamplighter.dev/v1alpha1","reason":"FieldManagerConflict"}]}"#]]
    .assert_eq(&refused.body["details"].to_string());
    let taken = apply(&api, "fieldManager=b&force=true", mine.clone()).await.ok(200);
    assert_eq!((&taken["spec"]["mode"], &taken["metadata"]["labels"]["x"]), (&json!("Observe"), &json!("2")));
    expect![[r#"
        a Apply  {"f:spec":{"f:region":{},"f:tiers":{"k:{\"name\":\"web\"}":{".":{},"f:name":{}}}}}
        b Apply  {"f:metadata":{"f:labels":{"f:x":{}}},"f:spec":{"f:mode":{},"f:tiers":{"k:{\"name\":\"web\"}":{".":{},"f:name":{},"f:port":{}}}}}
        editor Update  {"f:metadata":{"f:labels":{}}}
    "#]]
    .assert_eq(&owners(&taken));
    assert_eq!(apply(&api, "fieldManager=b", mine).await.ok(200), taken);
}

#[tokio::test]
async fn what_is_given_up_goes_unless_another_owns_it() {
    let api = start().await;
    let full = json!({
        "metadata": {"labels": {"x": "1"}, "annotations": {"note": "n"}},
        "spec": {"mode": "Paused", "region": "eu-central-1", "tiers": [{"name": "web"}, {"name": "app", "port": 8080}]}
    });
    apply(&api, "fieldManager=a", full).await.ok(201);
    apply(&api, "fieldManager=b", json!({"metadata": {"annotations": {"note": "n"}}})).await.ok(200);
    let less = apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(200);
    assert_eq!(less["spec"]["mode"], "Enforce", "the default is back");
    assert_eq!(less["metadata"].get("labels"), None);
    assert_eq!(less["metadata"]["annotations"], json!({"note": "n"}));
    assert_eq!(less["spec"]["tiers"].as_array().unwrap().len(), 1);
    let gone = apply(&api, "fieldManager=b", json!({})).await.ok(200);
    assert_eq!(gone["metadata"].get("annotations"), None);
    let nothing = apply(&api, "fieldManager=a", json!({})).await;
    assert!(nothing.refusal().starts_with("422 Invalid"), "{}", nothing.refusal());
    assert_eq!(api.get(&format!("{STACKS}/shop")).await.ok(200), gone);
}

#[tokio::test]
async fn a_tier_stays_while_another_owns_a_field_of_it() {
    let api = start().await;
    apply(&api, "fieldManager=a", tiers(&["web", "app"])).await.ok(201);
    let capacity = json!({"spec": {"tiers": [{"name": "app", "capacity": {"max": 7}}]}});
    let patch = api
        .send(
            Method::PATCH,
            &format!("{STACKS}/shop?fieldManager=scaler"),
            "application/strategic-merge-patch+json",
            capacity.to_string(),
        )
        .await
        .ok(200);
    assert!(
        owners(&patch).contains(
            r#"scaler Update  {"f:spec":{"f:tiers":{"k:{\"name\":\"app\"}":{"f:capacity":{"f:max":{}}}}}}"#
        ),
        "{}",
        owners(&patch)
    );
    let kept = apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(200);
    assert_eq!(
        (&kept["spec"]["tiers"][1]["name"], &kept["spec"]["tiers"][1]["capacity"]["max"]),
        (&json!("app"), &json!(7))
    );
}

#[tokio::test]
async fn the_default_of_one_image_does_not_stand_in_the_way_of_another() {
    let api = start().await;
    let created = apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(201);
    assert!(created["spec"]["tiers"][0]["image"]["ssmParameter"].is_string());
    let image = json!({"spec": {"region": "eu-central-1", "tiers": [{"name": "web", "image": {"id": "ami-0123456789abcdef0"}}]}});
    let changed = apply(&api, "fieldManager=a", image).await.ok(200);
    assert_eq!(changed["spec"]["tiers"][0]["image"], json!({"id": "ami-0123456789abcdef0"}));
}

#[tokio::test]
async fn all_writes_are_tracked() {
    let api = start().await;
    let request =
        api.client.post(format!("{}{STACKS}", api.url)).header("user-agent", "kubectl/v1.32 (linux)");
    request.body(small("shop").to_string()).send().await.unwrap().error_for_status().unwrap();
    let path = format!("{STACKS}/shop");
    let created = api.get(&path).await.ok(200);
    let fields = &created["metadata"]["managedFields"][0];
    assert_eq!((&fields["manager"], &fields["operation"]), (&json!("kubectl"), &json!("Update")));
    assert!(fields["fieldsV1"]["f:spec"]["f:mode"].is_object(), "defaults are the creator's");
    assert_eq!(fields["fieldsV1"].get("f:metadata"), None, "the finalizer is the server's");
    let mut stack = small("shop");
    stack["spec"]["mode"] = json!("Paused");
    api.put(&format!("{path}?fieldManager=replacer"), &stack).await.ok(200);
    api.merge(&format!("{path}/status?fieldManager=reporter"), json!({"status": {"summary": "All serves."}}))
        .await
        .ok(200);
    api.send(
        Method::PATCH,
        &path,
        "application/json-patch+json",
        r#"[{"op": "add", "path": "/metadata/labels", "value": {"x": "y"}}]"#,
    )
    .await
    .ok(200);
    let tracked = api.get(&path).await.ok(200);
    let others: String = owners(&tracked)
        .lines()
        .filter(|line| !line.starts_with("kubectl "))
        .map(|line| format!("{line}\n"))
        .collect();
    let mut others: Vec<&str> = others.lines().collect();
    others.sort_unstable();
    expect![[r#"
        replacer Update  {"f:spec":{"f:mode":{}}}
        reporter Update status {"f:status":{".":{},"f:conditions":{},"f:decisions":{},"f:parts":{},"f:summary":{},"f:tiers":{},"f:waiting":{}}}
        unknown Update  {"f:metadata":{"f:labels":{".":{},"f:x":{}}}}"#]]
    .assert_eq(&others.join("\n"));
    assert_eq!(tracked["metadata"]["managedFields"].as_array().unwrap().len(), 4);
}

#[tokio::test]
async fn clients_may_write_who_owns_what() {
    let api = start().await;
    let created = apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(201);
    let path = format!("{STACKS}/shop");
    let mut entry = created["metadata"]["managedFields"][0].clone();
    entry["manager"] = json!("b");
    let patch = json!([
        {"op": "replace", "path": "/metadata/managedFields", "value": [entry]},
        {"op": "replace", "path": "/metadata/resourceVersion", "value": created["metadata"]["resourceVersion"]}
    ]);
    let renamed =
        api.send(Method::PATCH, &path, "application/json-patch+json", patch.to_string()).await.ok(200);
    assert_eq!(renamed["metadata"]["managedFields"], json!([entry]));
    let stale = api.send(Method::PATCH, &path, "application/json-patch+json", patch.to_string()).await;
    assert_eq!(stale.code, 409);
    entry["operation"] = json!("Delete");
    let wrong = api.merge(&path, json!({"metadata": {"managedFields": [entry]}})).await;
    expect![[r#"422 Invalid: LampStack.lamplighter.dev "shop" is invalid: metadata.managedFields[0].operation: Invalid value: "Delete": must be `Apply` or `Update`"#]]
        .assert_eq(&wrong.refusal());
    let ignorant = api.put(&path, &small("shop")).await.ok(200);
    assert_eq!(ignorant["metadata"]["managedFields"][0], renamed["metadata"]["managedFields"][0]);
    for reset in [json!([]), json!([{}])] {
        apply(&api, "fieldManager=a&force=true", tiers(&["web"])).await.ok(200);
        let mut stack = small("shop");
        stack["metadata"]["managedFields"] = reset;
        assert_eq!(api.put(&path, &stack).await.ok(200)["metadata"].get("managedFields"), None);
    }
}

#[tokio::test]
async fn what_was_there_before_is_owned_by_those_who_were_there() {
    let api = start().await;
    api.post(STACKS, &small("shop")).await.ok(201);
    let path = format!("{STACKS}/shop");
    api.merge(&path, json!({"metadata": {"managedFields": [{}]}})).await.ok(200);
    let paused = api.merge(&path, json!({"spec": {"mode": "Paused"}})).await.ok(200);
    assert_eq!(paused["metadata"].get("managedFields"), None);
    let refused = apply(&api, "fieldManager=a", json!({"spec": {"mode": "Observe"}})).await;
    expect![[r#"409 Conflict: Apply failed with 1 conflict: conflict with "before-first-apply" using lamplighter.dev/v1alpha1: .spec.mode"#]]
        .assert_eq(&refused.refusal());
    let agreed = apply(&api, "fieldManager=a", json!({"spec": {"mode": "Paused"}})).await.ok(200);
    assert!(owners(&agreed).contains("before-first-apply Update"));
}

#[tokio::test]
async fn status_is_applied_at_its_own_address() {
    let api = start().await;
    apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(201);
    let status = json!({"metadata": {"name": "shop", "labels": {"x": "y"}}, "spec": {"mode": "Paused"}, "status": {"summary": "All serves."}});
    let applied =
        send(&api, &format!("{STACKS}/shop/status?fieldManager=a"), status.to_string()).await.ok(200);
    assert_eq!(
        (&applied["status"]["summary"], &applied["spec"]["mode"]),
        (&json!("All serves."), &json!("Enforce"))
    );
    assert!(
        owners(&applied).contains(r#"a Apply status {"f:status":{"f:summary":{}}}"#),
        "{}",
        owners(&applied)
    );
    let other = json!({"status": {"summary": "Nothing serves."}});
    let refused = send(&api, &format!("{STACKS}/shop/status?fieldManager=b"), other.to_string()).await;
    expect![[r#"409 Conflict: Apply failed with 1 conflict: conflict with "a" with subresource "status": .status.summary"#]].assert_eq(&refused.refusal());
    let ignored = apply(&api, "fieldManager=a", json!({"spec": {"region": "eu-central-1", "tiers": [{"name": "web"}]}, "status": {"summary": "Lies."}})).await.ok(200);
    assert_eq!(ignored, applied);
    assert_eq!(
        send(&api, &format!("{STACKS}/nope/status?fieldManager=b"), other.to_string()).await.code,
        404
    );
}

#[tokio::test]
async fn a_dry_run_stores_nothing() {
    let api = start().await;
    let shown = apply(&api, "fieldManager=a&dryRun=All", tiers(&["web"])).await.ok(201);
    assert!(owners(&shown).starts_with("a Apply"));
    assert_eq!(api.get(&format!("{STACKS}/shop")).await.code, 404);
    let created = apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(201);
    let shown = apply(&api, "fieldManager=a&dryRun=All", tiers(&["web", "app"])).await.ok(200);
    assert_eq!(
        (shown["spec"]["tiers"].as_array().unwrap().len(), &shown["metadata"]["generation"]),
        (2, &json!(2))
    );
    assert_eq!(api.get(&format!("{STACKS}/shop")).await.ok(200), created);
}

#[tokio::test]
async fn versions_and_uids_are_preconditions() {
    let api = start().await;
    for (field, value) in [("uid", "5f0e"), ("resourceVersion", "5")] {
        let mut config = tiers(&["web"]);
        config["metadata"][field] = json!(value);
        let refused = apply(&api, "fieldManager=a", config).await.refusal();
        assert_eq!(
            refused,
            format!(
                "409 Conflict: Operation cannot be fulfilled on lampstacks.lamplighter.dev \"shop\": Precondition failed: \
             {field} in precondition: {value}, but there is no such object"
            )
        );
    }
    let created = apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(201);
    for (field, value, code) in [
        ("uid", json!("5f0e"), 409),
        ("resourceVersion", json!("1"), 409),
        ("uid", created["metadata"]["uid"].clone(), 200),
        ("resourceVersion", created["metadata"]["resourceVersion"].clone(), 200),
    ] {
        let mut config = tiers(&["web"]);
        config["metadata"][field] = value;
        assert_eq!(apply(&api, "fieldManager=a", config).await.code, code, "{field}");
    }
}

#[tokio::test]
async fn refusals() {
    let api = start().await;
    let path = format!("{STACKS}/shop");
    expect![[r#"422 Invalid: PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch"#]]
        .assert_eq(&apply(&api, "", tiers(&["web"])).await.refusal());
    assert_eq!(apply(&api, &format!("fieldManager={}", "x".repeat(129)), tiers(&["web"])).await.code, 422);
    let unprintable = api
        .send(
            Method::POST,
            &format!("{STACKS}?fieldManager=a%07"),
            "application/json",
            small("shop").to_string(),
        )
        .await;
    expect![[r#"422 Invalid: CreateOptions.meta.k8s.io "" is invalid: fieldManager: Invalid value: "a\u{7}": invalid character U+0007 (at position 1)"#]].assert_eq(&unprintable.refusal());
    expect![[r#"422 Invalid: PatchOptions.meta.k8s.io "" is invalid: force: Forbidden: may not be specified for non-apply patch"#]]
        .assert_eq(&api.merge(&format!("{path}?force=true"), json!({})).await.refusal());
    let mut owned = tiers(&["web"]);
    owned["metadata"] = json!({"managedFields": []});
    expect!["400 BadRequest: metadata.managedFields must be nil"]
        .assert_eq(&apply(&api, "fieldManager=a", owned).await.refusal());
    for (config, code) in [
        (json!({"metadata": {"name": "other"}}), 400),
        (json!({"kind": "Plan"}), 400),
        (json!({"spec": {"region": "eu-central-1", "tiers": [{"name": "web"}, {"name": "web"}]}}), 422),
        (json!({"spec": {"region": "eu-central-1", "tiers": "web"}}), 422),
        (json!({"spec": "large"}), 422),
    ] {
        assert_eq!(apply(&api, "fieldManager=a", config.clone()).await.code, code, "{config}");
    }
    for body in ["a: [", "- x", "5", "", "a: &x 1\nb: *x\n"] {
        assert_eq!(send(&api, &format!("{path}?fieldManager=a"), body.to_owned()).await.code, 400, "{body}");
    }
    let elsewhere = path.replace("default", "nowhere");
    assert_eq!(send(&api, &format!("{elsewhere}?fieldManager=a"), small("shop").to_string()).await.code, 404);
    assert_eq!(api.get(&path).await.code, 404);
}

#[tokio::test]
async fn unknown_fields_are_named_where_they_were_sent() {
    let api = start().await;
    apply(&api, "fieldManager=a", tiers(&["web", "app"])).await.ok(201);
    let typo = json!({"spec": {"tiers": [{"name": "app", "prot": 80}]}});
    expect![[r#"400 BadRequest: LampStack in version "v1alpha1" cannot be handled as a LampStack: strict decoding error: unknown field "spec.tiers[0].prot""#]]
        .assert_eq(&apply(&api, "fieldManager=b&fieldValidation=Strict", typo.clone()).await.refusal());
    let warned = apply(&api, "fieldManager=b", typo.clone()).await;
    assert_eq!(warned.warnings, [r#"299 - "unknown field \"spec.tiers[0].prot\"""#]);
    assert!(!owners(&warned.ok(200)).contains("prot"));
    assert_eq!(
        apply(&api, "fieldManager=b&fieldValidation=Ignore", typo).await.warnings,
        Vec::<String>::new()
    );
}

#[tokio::test]
async fn manifests_may_be_yaml() {
    let api = start().await;
    let yaml = "apiVersion: lamplighter.dev/v1alpha1\nkind: LampStack\nmetadata:\n  name: shop\nspec:\n  region: eu-central-1\n  tiers:\n  - name: web\n    port: 81\n";
    let created =
        send(&api, &format!("{STACKS}/shop?fieldManager=a&fieldValidation=Strict"), yaml.to_owned())
            .await
            .ok(201);
    assert_eq!(created["spec"]["tiers"][0]["port"], 81);
}

#[tokio::test]
async fn other_kinds_are_applied_as_well() {
    let api = start().await;
    let path = "/apis/rbac.authorization.k8s.io/v1/clusterroles/reader?fieldManager=a";
    let mut role = json!({
        "apiVersion": "rbac.authorization.k8s.io/v1", "kind": "ClusterRole", "metadata": {"name": "reader", "labels": {"x": "y"}},
        "rules": [{"apiGroups": ["lamplighter.dev"], "resources": ["lampstacks"], "verbs": ["get"]}]
    });
    let created = send(&api, path, role.to_string()).await.ok(201);
    assert_eq!(send(&api, path, role.to_string()).await.ok(200), created);
    role.as_object_mut().unwrap().remove("rules");
    let emptied = send(&api, path, role.to_string()).await.ok(200);
    assert!(emptied["rules"].as_array().is_none_or(Vec::is_empty), "{emptied}");
    let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team", "labels": {"owner": "me"}}});
    let created = send(&api, "/api/v1/namespaces/team?fieldManager=a", namespace.to_string()).await.ok(201);
    assert_eq!(created["status"]["phase"], "Active");
    let without = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "team"}});
    let changed = send(&api, "/api/v1/namespaces/team?fieldManager=a", without.to_string()).await.ok(200);
    assert_eq!(changed["metadata"]["labels"], json!({"kubernetes.io/metadata.name": "team"}));
}

#[tokio::test]
async fn the_teardown_finalizer_is_no_appliers() {
    let api = start().await;
    let mut config = tiers(&["web"]);
    config["metadata"] = json!({"finalizers": ["lamplighter.dev/teardown", "x/y"]});
    apply(&api, "fieldManager=a", config).await.ok(201);
    let less = apply(&api, "fieldManager=a", tiers(&["web"])).await.ok(200);
    assert_eq!(less["metadata"]["finalizers"], json!(["lamplighter.dev/teardown"]));
    api.delete(&format!("{STACKS}/shop")).await.ok(200);
    let mut more = tiers(&["web"]);
    more["metadata"] = json!({"finalizers": ["x/y"]});
    let refused = apply(&api, "fieldManager=a", more).await;
    assert!(refused.refusal().contains("no new finalizers can be added"), "{}", refused.refusal());
}

#[tokio::test]
async fn those_who_apply_at_once_all_get_there() {
    let api = start().await;
    let applies = (0..6).map(|n| {
        let api = &api;
        async move {
            let mut config = tiers(&["web"]);
            config["metadata"] = json!({"labels": {format!("n{n}"): "x"}});
            apply(api, &format!("fieldManager=m{n}"), config).await.code.as_u16()
        }
    });
    let mut codes = futures::future::join_all(applies).await;
    codes.sort_unstable();
    assert_eq!(codes, [200, 200, 200, 200, 200, 201]);
    let object = api.get(&format!("{STACKS}/shop")).await.ok(200);
    assert_eq!(object["metadata"]["labels"].as_object().unwrap().len(), 6);
    assert_eq!(owners(&object).lines().count(), 6);
}
