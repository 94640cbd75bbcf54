//! `failover` and `promote`: ordered as they were typed, and told as they ended.

use serde_json::{Value, json};

use crate::fake::{Fake, ok};
use crate::run::run;

/// A daemon that does this with an order.
fn daemon(status: Value) -> Fake {
    let object = json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "DatabaseOperation",
                        "metadata": {"name": "n", "resourceVersion": "7"}, "spec": {}, "status": status});
    Fake::start(move |asked| match asked.method.as_str() {
        "GET" if asked.is_watch() => (200, vec![json!({"type": "ADDED", "object": object})]),
        "GET" => ok(json!({"kind": "List", "apiVersion": "lamplighter.dev/v1alpha1",
                           "metadata": {"resourceVersion": "7"}, "items": [object.clone()]})),
        _ => ok(object.clone()),
    })
}

fn orders(fake: &Fake) -> Vec<Value> {
    let ordered = fake.asked().into_iter().filter(|asked| asked.is("POST", "/databaseoperations"));
    ordered.map(|asked| asked.body["spec"].clone()).collect()
}

#[test]
fn an_order_is_what_was_typed() {
    let fake = daemon(json!({"phase": "Done", "message": "the standby took over"}));
    let done = run(&fake.address, &["failover", "shop", "--yes", "--wait"]);
    assert_eq!(done.code, Some(0), "{done:?}");
    assert!(done.stdout.starts_with("databaseoperation.lamplighter.dev \"failover-"), "{}", done.stdout);
    assert!(done.stderr.contains("the standby took over"), "{}", done.stderr);
    let forced = ["promote", "shop", "--replica", "replica/2", "--force", "--yes"];
    assert_eq!(run(&fake.address, &forced).code, Some(0));
    let failover = json!({"stack": "shop", "operation": "Failover"});
    let promote = json!({"stack": "shop", "operation": "Promote", "replica": "replica/2", "force": true});
    assert_eq!(orders(&fake), [failover, promote]);
}

#[test]
fn nothing_is_ordered_that_nobody_confirms_and_force_names_what_it_promotes() {
    let fake = daemon(Value::Null);
    let unconfirmed = run(&fake.address, &["failover", "shop"]);
    assert_eq!(unconfirmed.code, Some(64), "{unconfirmed:?}");
    assert!(unconfirmed.stderr.contains("interrupt the database of shop"), "{}", unconfirmed.stderr);
    assert_eq!(run(&fake.address, &["promote", "shop", "--force", "--yes"]).code, Some(64));
    assert!(orders(&fake).is_empty());
}

#[test]
fn a_refused_order_fails_and_says_why() {
    let fake = daemon(json!({"phase": "Refused", "message": "the primary is there"}));
    let ended = run(&fake.address, &["promote", "shop", "--yes"]);
    assert_eq!(ended.code, Some(1), "{ended:?}");
    assert!(ended.stderr.contains("refused: the primary is there"), "{}", ended.stderr);
}

#[test]
fn an_accepted_order_goes_on_without_us() {
    let fake = daemon(json!({"phase": "Running", "message": "the standby takes over"}));
    let accepted = run(&fake.address, &["failover", "shop", "--yes"]);
    assert_eq!(accepted.code, Some(0), "{accepted:?}");
    assert!(accepted.stdout.ends_with("accepted\n"), "{}", accepted.stdout);
    assert!(accepted.stderr.contains("goes on in the background"), "{}", accepted.stderr);
}
