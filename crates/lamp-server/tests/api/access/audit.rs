//! The audit log: every request, allowed or not, and no secret.

use jiff::Timestamp;
use lamp_server::Limits;
use lamp_store::{AuditLog, Store};
use reqwest::Method;
use serde_json::{Value, json};

use super::tokens::{bearer, issue};
use crate::harness::{STACKS, small, start_on};

/// The last lines of the only file, as they matter here.
fn lines(dir: &std::path::Path, count: usize) -> Vec<Value> {
    let file = std::fs::read_dir(dir.join("audit")).unwrap().next().unwrap().unwrap().path();
    let text = std::fs::read_to_string(file).unwrap();
    let mut lines: Vec<Value> = text.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    lines.split_off(lines.len() - count)
}

#[tokio::test]
async fn every_request_is_written_down_with_who_asked_and_how_it_was_answered() {
    let dir = tempfile::tempdir().unwrap();
    let api = start_on(Store::open(dir.path(), Timestamp::now).unwrap(), Limits::default()).await;
    let token = issue(&api, "ann", "ann", &["team"], "2999-01-31T18:00:00Z").await;
    let ann = bearer(&token);
    api.ask(Method::GET, STACKS, &ann, None).await;
    let wrong = bearer(&token.replace("lmp_ann", "lmp_bob"));
    api.ask(Method::DELETE, &format!("{STACKS}/shop"), &wrong, None).await;
    api.post(&format!("{STACKS}?dryRun=All"), &small("shop")).await.ok(201);
    let masked =
        [("impersonate-user", "eve".to_owned()), ("user-agent", "kubectl/v1.32.5 (linux)".to_owned())];
    api.ask(Method::GET, "/metrics", &masked, None).await;
    api.get("/healthz").await;

    let lines = lines(dir.path(), 4);
    let stacks = |verb: &str| json!({"verb": verb, "group": "lamplighter.dev", "resource": "lampstacks", "namespace": "default"});
    assert_eq!((&lines[0]["user"], &lines[0]["code"]), (&json!("ann"), &json!(403)));
    assert_eq!(lines[0]["groups"], json!(["system:authenticated", "team"]));
    assert_eq!((&lines[0]["request"], &lines[0]["from"]), (&stacks("list"), &json!("127.0.0.1")));
    assert_eq!((&lines[1]["user"], &lines[1]["code"]), (&Value::Null, &json!(401)));
    assert_eq!(
        (&lines[1]["request"]["verb"], &lines[1]["request"]["name"]),
        (&json!("delete"), &json!("shop"))
    );
    assert_eq!((&lines[2]["user"], &lines[2]["code"]), (&json!("system:admin"), &json!(201)));
    assert_eq!(lines[2]["request"]["dryRun"], "All");
    assert_eq!((&lines[3]["user"], &lines[3]["as"]), (&json!("system:admin"), &json!("eve")));
    assert_eq!((&lines[3]["agent"], &lines[3]["code"]), (&json!("kubectl/v1.32.5 (linux)"), &json!(403)));
    assert_eq!(lines[3]["request"], json!({"verb": "get", "path": "/metrics"}));
    assert!(lines.iter().all(|line| line["time"].is_string() && line["chain"].is_string()));

    assert!(!json!(lines).to_string().contains(&token["lmp_ann_".len()..]), "a token is in the log");
    assert_eq!(AuditLog::verify(dir.path()).unwrap().broken, None);
}
