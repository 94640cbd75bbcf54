//! `get`, `events`, `why`, `describe`.

use serde_json::{Value, json};

use crate::fake::{Fake, Reply, list, not_found, ok, stack};
use crate::run::run;

fn table(names: &[&str]) -> Reply {
    let rows: Vec<Value> = names
        .iter()
        .map(|name| json!({"cells": [name, "True", "eu"], "object": {"metadata": {"namespace": "default"}}}))
        .collect();
    ok(json!({"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": "7"},
        "columnDefinitions": [{"name": "Name", "priority": 0}, {"name": "Ready", "priority": 0},
                              {"name": "Region", "priority": 1}], "rows": rows}))
}

#[test]
fn tables_are_the_servers() {
    let fake = Fake::start(|asked| {
        assert!(asked.table);
        table(&["shop", "a-longer-one"])
    });
    assert_eq!(
        run(&fake.address, &["get"]).stdout,
        "NAME           READY\nshop           True\na-longer-one   True\n"
    );
    let wide = run(&fake.address, &["get", "lamp", "-o", "wide", "--no-headers"]);
    assert_eq!(wide.stdout, "shop           True   eu\na-longer-one   True   eu\n");
    let everywhere = run(&fake.address, &["get", "lampstacks", "-A", "-l", "team=web"]);
    assert!(everywhere.stdout.starts_with("NAMESPACE   NAME"), "{}", everywhere.stdout);
    let last = fake.asked().pop().unwrap();
    assert_eq!(last.path, "/apis/lamplighter.dev/v1alpha1/lampstacks");
    assert!(last.query.contains("labelSelector=team%3Dweb"), "{}", last.query);
}

#[test]
fn who_owns_what_shows_on_demand() {
    let fake = Fake::start(|_| {
        let mut shop = stack(&[]);
        shop["metadata"]["managedFields"] = json!([{"manager": "kubectl"}]);
        ok(shop)
    });
    for format in ["json", "yaml"] {
        let get = ["get", "lamp", "shop", "-o", format];
        assert!(!run(&fake.address, &get).stdout.contains("managedFields"), "{format}");
        let shown = run(&fake.address, &[&get[..], &["--show-managed-fields"]].concat()).stdout;
        assert!(shown.contains("managedFields"), "{shown}");
    }
    let path = "jsonpath={.metadata.managedFields[0].manager}";
    assert_eq!(run(&fake.address, &["get", "lamp", "shop", "-o", path]).stdout, "kubectl");
}

#[test]
fn a_table_is_watched_in_its_columns_and_goes_on_where_the_server_ended_it() {
    let fake = Fake::start(|asked| {
        if !asked.is_watch() {
            return table(&["a-longer-one"]);
        }
        if asked.query.contains("resourceVersion=7") {
            let (_, mut rows) = table(&["shop"]);
            rows[0]["rows"][0]["object"]["metadata"]["resourceVersion"] = json!("9");
            return ok(json!({"type": "ADDED", "object": rows[0]}));
        }
        assert!(asked.query.contains("resourceVersion=9"), "{}", asked.query);
        let expired = json!({"kind": "Status", "code": 410, "reason": "Expired", "message": "too old", "status": "Failure"});
        ok(json!({"type": "ERROR", "object": expired}))
    });
    let ended = run(&fake.address, &["get", "-w"]);
    assert_eq!(ended.stdout, "NAME           READY\na-longer-one   True\nshop           True\n");
    assert_eq!(ended.code, Some(1));
    assert!(ended.stderr.contains("(Expired): too old"), "{}", ended.stderr);
}

#[test]
fn pages_are_put_together() {
    let fake = Fake::start(|asked| {
        if asked.query.contains("continue=next") {
            return list(&[json!({"metadata": {"name": "b"}})]);
        }
        let mut first = list(&[json!({"metadata": {"name": "a"}})]);
        first.1[0]["metadata"]["continue"] = json!("next");
        first
    });
    let ended = run(&fake.address, &["get", "lamp", "-o", "name"]);
    assert_eq!(ended.stdout, "lampstack.lamplighter.dev/a\nlampstack.lamplighter.dev/b\n");
}

#[test]
fn programs_get_what_they_ask_for() {
    let fake = Fake::start(|asked| {
        if asked.path.ends_with("/nope") { not_found() } else { ok(stack(&[("Ready", "True")])) }
    });
    let path = r#"jsonpath={.status.conditions[?(@.type=="Ready")].status}{"\n"}"#;
    assert_eq!(run(&fake.address, &["get", "lamp", "shop", "-o", path]).stdout, "True\n");
    let json = run(&fake.address, &["get", "lamp/shop", "-o", "json"]).stdout;
    assert_eq!(serde_json::from_str::<Value>(&json).unwrap()["metadata"]["name"], "shop");
    assert!(run(&fake.address, &["get", "lamp/shop", "-o", "yaml"]).stdout.contains("\n  name: shop\n"));
    let both = run(&fake.address, &["get", "lamp", "shop", "nope", "-o", "name"]);
    assert_eq!((both.code, both.stdout.as_str()), (Some(1), "lampstack.lamplighter.dev/shop\n"));
    assert!(both.stderr.contains("Error from server (NotFound)"), "{}", both.stderr);
    assert_eq!(
        run(&fake.address, &["get", "lamp", "nope", "-o", "name", "--ignore-not-found"]).code,
        Some(0)
    );
}

#[test]
fn events_stand_in_the_order_of_time() {
    let event = |name: &str, time: &str| {
        json!({"metadata": {"name": name, "namespace": "default"}, "reason": name, "type": "Normal", "message": "m",
               "lastTimestamp": time, "involvedObject": {"kind": "LampStack", "name": "shop"}})
    };
    let events = [event("Later", "2026-11-20T10:00:00Z"), event("Sooner", "2026-11-20T09:00:00Z")];
    let fake = Fake::start(move |_| list(&events));
    let text = run(&fake.address, &["events", "shop"]).stdout;
    let (sooner, later) = (text.find("Sooner").unwrap(), text.find("Later").unwrap());
    assert!(text.starts_with("LAST SEEN") && sooner < later, "{text}");
    let query = fake.asked().remove(0).query;
    assert!(query.contains("involvedObject.name%3Dshop"), "{query}");
}

#[test]
fn a_person_gets_a_page() {
    let fake = Fake::start(|asked| {
        if asked.path.ends_with("/events") { list(&[]) } else { ok(stack(&[("Ready", "True")])) }
    });
    let page = run(&fake.address, &["describe", "lamp", "shop"]).stdout;
    assert!(
        page.contains("Region:            eu-central-1") && page.contains("Events:\n  <none>\n"),
        "{page}"
    );
    let why = run(&fake.address, &["why", "shop"]).stdout;
    assert!(why.contains("! vpc: raise the quota"), "{why}");
}

#[test]
fn a_stack_that_is_not_there_says_where_to_look() {
    let fake = Fake::start(|_| not_found());
    for verb in ["tree", "why", "describe", "pause"] {
        let ended = run(&fake.address, &[verb, "shop"]);
        assert_eq!(ended.code, Some(1), "{verb}");
        assert!(ended.stderr.contains("get lamp -A"), "{verb}: {}", ended.stderr);
    }
}
