//! `orphans`: listed, and deleted as they were listed.

use serde_json::{Value, json};

use crate::fake::{Asked, Fake, Reply, ok};
use crate::run::run;

fn orphan(part: &str, id: &str, deletable: bool) -> Value {
    json!({"uid": "u-1", "stack": "default/shop", "part": part, "kind": "Vpc", "id": id,
           "region": "eu-central-1", "seenSince": "2026-11-20T10:00:00Z", "deletable": deletable})
}

/// A daemon that has these orphans, and does this with an order.
fn daemon(orphans: Vec<Value>, order: Value) -> Fake {
    Fake::start(move |asked| answer(asked, &orphans, &order))
}

fn answer(asked: &Asked, orphans: &[Value], order: &Value) -> Reply {
    let mut object = json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "OrphanReport",
                            "metadata": {"name": "n", "resourceVersion": "7"}, "spec": {}});
    if asked.path.contains("orphandeletions") {
        object["kind"] = json!("OrphanDeletion");
        object["status"] = order.clone();
    } else {
        object["status"] = json!({"phase": "Answered", "orphans": orphans});
    }
    match asked.method.as_str() {
        "GET" if asked.is_watch() => (200, vec![json!({"type": "ADDED", "object": object})]),
        "GET" => ok(json!({"kind": "List", "apiVersion": "lamplighter.dev/v1alpha1",
                           "metadata": {"resourceVersion": "7"}, "items": [object]})),
        _ => ok(object),
    }
}

fn orders(fake: &Fake) -> Vec<Value> {
    let ordered = fake.asked().into_iter().filter(|asked| asked.is("POST", "/orphandeletions"));
    ordered.map(|asked| asked.body["spec"].clone()).collect()
}

#[test]
fn orphans_are_listed_as_a_table_and_as_data() {
    let fake = daemon(vec![orphan("vpc", "vpc-1", true)], Value::Null);
    let shown = run(&fake.address, &["orphans"]);
    assert_eq!(shown.code, Some(0), "{shown:?}");
    assert!(shown.stdout.starts_with("STACK "), "{}", shown.stdout);
    assert!(shown.stdout.contains("default/shop   u-1   vpc    Vpc    vpc-1"), "{}", shown.stdout);
    let shown = run(&fake.address, &["orphans", "-o", "json"]);
    let rows: Vec<Value> = serde_json::from_str(&shown.stdout).unwrap();
    assert_eq!(rows, [orphan("vpc", "vpc-1", true)]);
    let none = run(&daemon(Vec::new(), Value::Null).address, &["orphans"]);
    assert_eq!((none.code, none.stdout.as_str()), (Some(0), ""));
    assert!(none.stderr.contains("There are no orphans."), "{}", none.stderr);
}

#[test]
fn exactly_what_was_listed_is_ordered() {
    let rows = vec![orphan("vpc", "vpc-1", true), orphan("subnet/public/1", "subnet-1", true)];
    let fake = daemon(rows, json!({"phase": "Deleted", "finalSnapshots": ["db-final"]}));
    let done = run(&fake.address, &["orphans", "delete", "--uid", "u-1", "--yes", "--wait"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.starts_with("orphandeletion.lamplighter.dev \"orphandeletion-"), "{}", done.stdout);
    assert!(done.stderr.contains("The final snapshot db-final stays."), "{}", done.stderr);
    let resources = json!([{"kind": "Vpc", "id": "vpc-1"}, {"kind": "Vpc", "id": "subnet-1"}]);
    assert_eq!(orders(&fake), [json!({"uid": "u-1", "region": "eu-central-1", "resources": resources})]);
}

#[test]
fn nothing_is_ordered_that_nobody_confirms_or_that_is_too_young() {
    let fake = daemon(vec![orphan("vpc", "vpc-1", true)], Value::Null);
    let unconfirmed = run(&fake.address, &["orphans", "delete", "--uid", "u-1"]);
    assert_eq!(unconfirmed.code, Some(64), "{unconfirmed:?}");
    assert!(unconfirmed.stderr.contains("add --yes"), "{}", unconfirmed.stderr);
    assert_eq!(run(&fake.address, &["orphans", "delete"]).code, Some(64), "which stack?");
    assert!(orders(&fake).is_empty());
    let fake = daemon(vec![orphan("vpc", "vpc-1", false)], Value::Null);
    let young = run(&fake.address, &["orphans", "delete", "--uid", "u-1", "--yes"]);
    assert_eq!(young.code, Some(1));
    assert!(young.stderr.contains("1 of 1 are without a stack only since a few minutes"), "{}", young.stderr);
    assert!(orders(&fake).is_empty());
    let none = run(&daemon(Vec::new(), Value::Null).address, &["orphans", "delete", "--uid", "u", "--yes"]);
    assert_eq!(none.code, Some(1), "{none:?}");
}

#[test]
fn a_refused_order_fails_and_says_why() {
    let refused = json!({"phase": "Refused", "message": "nothing is deleted: 1 of 1 may not be",
                         "refused": [{"kind": "Vpc", "id": "vpc-1", "why": "it belongs to the stack default/shop"}]});
    let fake = daemon(vec![orphan("vpc", "vpc-1", true)], refused);
    let ended = run(&fake.address, &["orphans", "delete", "--uid", "u-1", "--yes"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("Vpc vpc-1: it belongs to the stack default/shop"), "{}", ended.stderr);
}
