//! Watches: what exists first, what changes then, and when to list again.

use std::time::Duration;

use reqwest::Response;
use serde_json::{Value, json};

use crate::harness::{Harness, STACKS, small, start, start_with};

/// The lines of a watch as they come.
struct Lines {
    response: Response,
    rest: Vec<u8>,
}

async fn watch(api: &Harness, query: &str) -> Lines {
    let response = api.client.get(format!("{}{STACKS}?watch=true{query}", api.url)).send().await.unwrap();
    assert_eq!(response.status(), 200);
    Lines { response, rest: Vec::new() }
}

impl Lines {
    /// The next line; `None` at the end of the stream.
    async fn next(&mut self) -> Option<Value> {
        loop {
            if let Some(end) = self.rest.iter().position(|byte| *byte == b'\n') {
                let line: Vec<u8> = self.rest.drain(..=end).collect();
                return Some(serde_json::from_slice(&line).unwrap());
            }
            let chunk = tokio::time::timeout(Duration::from_secs(10), self.response.chunk())
                .await
                .expect("a line in time");
            self.rest.extend_from_slice(&chunk.unwrap()?);
        }
    }

    async fn short(&mut self) -> String {
        let line = self.next().await.expect("a line");
        format!(
            "{} {}",
            line["type"].as_str().unwrap(),
            line["object"]["metadata"]["name"].as_str().unwrap_or_default()
        )
    }

    async fn shorts(&mut self, count: usize) -> Vec<String> {
        let mut shorts = Vec::new();
        for _ in 0..count {
            shorts.push(self.short().await);
        }
        shorts
    }
}

async fn relabel(api: &Harness, name: &str, label: Value) {
    api.merge(&format!("{STACKS}/{name}"), json!({"metadata": {"labels": {"x": label}}})).await.ok(200);
}

#[tokio::test]
async fn what_exists_then_what_changes() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    for query in ["", "&resourceVersion=0"] {
        let mut lines = watch(&api, query).await;
        assert_eq!(lines.short().await, "ADDED a", "{query}");
        relabel(&api, "a", json!(query.len().to_string())).await;
        assert_eq!(lines.short().await, "MODIFIED a");
    }
}

#[tokio::test]
async fn from_a_list_on_nothing_is_missed() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    let list = api.get(STACKS).await.ok(200);
    let from = list["metadata"]["resourceVersion"].as_str().unwrap().to_owned();
    api.post(STACKS, &small("b")).await.ok(201);
    relabel(&api, "a", json!("1")).await;
    let mut lines = watch(&api, &format!("&resourceVersion={from}")).await;
    assert_eq!(lines.shorts(2).await, ["ADDED b", "MODIFIED a"]);
    api.delete(&format!("{STACKS}/b")).await.ok(200);
    api.finish_teardown("default", "b").await;
    assert_eq!(lines.shorts(2).await, ["MODIFIED b", "DELETED b"]);
}

#[tokio::test]
async fn entering_and_leaving_a_selection() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    let mut lines = watch(&api, "&labelSelector=x%3D1").await;
    relabel(&api, "a", json!("1")).await;
    api.merge(&format!("{STACKS}/a"), json!({"spec": {"mode": "Paused"}})).await.ok(200);
    relabel(&api, "a", json!("2")).await;
    relabel(&api, "a", json!("3")).await;
    relabel(&api, "a", json!("1")).await;
    assert_eq!(lines.shorts(4).await, ["ADDED a", "MODIFIED a", "DELETED a", "ADDED a"]);
}

#[tokio::test]
async fn initial_events_are_announced_when_asked_for() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    let query = "&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true";
    let mut lines = watch(&api, query).await;
    assert_eq!(lines.short().await, "ADDED a");
    let bookmark = lines.next().await.unwrap();
    assert_eq!(bookmark["type"], "BOOKMARK");
    assert_eq!(bookmark["object"]["kind"], "LampStack");
    assert_eq!(bookmark["object"]["metadata"]["annotations"]["k8s.io/initial-events-end"], "true");
    assert_eq!(bookmark["object"]["metadata"]["resourceVersion"], api.store.head().to_string());
    let refused = api.get(&format!("{STACKS}?watch=true&sendInitialEvents=true")).await;
    assert_eq!(refused.code, 422);
}

#[tokio::test]
async fn bookmarks_move_on_without_changes() {
    let limits =
        lamp_server::Limits { bookmark: Duration::from_millis(50), ..lamp_server::Limits::default() };
    let api = start_with(limits).await;
    let head = api.store.head();
    let mut lines = watch(&api, &format!("&allowWatchBookmarks=true&resourceVersion={head}")).await;
    api.post("/api/v1/namespaces", &json!({"metadata": {"name": "other"}})).await.ok(201);
    for _ in 0..100 {
        let line = lines.next().await.unwrap();
        assert_eq!(line["type"], "BOOKMARK");
        let revision = line["object"]["metadata"]["resourceVersion"].as_str().unwrap();
        if revision.parse() == Ok(api.store.head()) {
            return;
        }
    }
    panic!("no bookmark of the newest revision");
}

#[tokio::test]
async fn a_watch_ends_when_it_said() {
    let api = start().await;
    let mut lines = watch(&api, "&timeoutSeconds=1").await;
    assert_eq!(lines.next().await, None);
}

#[tokio::test]
async fn a_watch_ends_when_the_server_stops() {
    let api = start().await;
    let mut lines = watch(&api, "").await;
    api.shutdown.cancel();
    assert_eq!(lines.next().await, None);
}

#[tokio::test]
async fn versions_too_old_or_too_new() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    // More changes than the store remembers.
    let key = lamp_store::Key::new("lampstacks", "default", "a");
    let object = Value::clone(&api.store.get(&key).unwrap().unwrap().object);
    for n in 0..10_050 {
        let mut object = object.clone();
        object["metadata"]["annotations"] = json!({"n": n.to_string()});
        api.store.update(&key, None, object).await.unwrap();
    }
    let old = api.get(&format!("{STACKS}?watch=true&resourceVersion=2")).await;
    assert!(old.refusal().starts_with("410 Expired: too old resource version: 2"), "{}", old.refusal());
    let new = api.get(&format!("{STACKS}?watch=true&resourceVersion=99999999")).await;
    assert!(new.refusal().starts_with("504 Timeout: Too large resource version"), "{}", new.refusal());
}

#[tokio::test]
async fn a_watch_as_a_table() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    let request = api.client.get(format!("{}{STACKS}?watch=true", api.url));
    let accept = "application/json;as=Table;v=v1;g=meta.k8s.io";
    let response = request.header("accept", accept).send().await.unwrap();
    let line = Lines { response, rest: Vec::new() }.next().await.unwrap();
    assert_eq!((&line["type"], &line["object"]["kind"]), (&json!("ADDED"), &json!("Table")));
    assert_eq!(line["object"]["rows"][0]["cells"][0], "a");
}

#[tokio::test]
async fn a_client_that_does_not_read_slows_no_writer() {
    let api = start().await;
    api.post(STACKS, &small("a")).await.ok(201);
    let _stuck = watch(&api, "").await;
    let key = lamp_store::Key::new("lampstacks", "default", "a");
    let mut object = Value::clone(&api.store.get(&key).unwrap().unwrap().object);
    for n in 0..500 {
        object["metadata"]["annotations"] = json!({"n": n.to_string(), "filler": "x".repeat(20_000)});
        tokio::time::timeout(Duration::from_secs(5), api.store.update(&key, None, object.clone()))
            .await
            .unwrap()
            .unwrap();
    }
    let mut reader = watch(&api, "").await;
    assert_eq!(reader.short().await, "ADDED a");
}

#[tokio::test]
async fn open_watches_are_limited() {
    let api = start_with(lamp_server::Limits { watches: 1, ..lamp_server::Limits::default() }).await;
    let first = watch(&api, "").await;
    let second = api.client.get(format!("{}{STACKS}?watch=true", api.url)).send().await.unwrap();
    assert_eq!((second.status().as_u16(), &second.headers()["retry-after"]), (429, &"1".parse().unwrap()));
    drop(first);
    for _ in 0..500 {
        let again = api.client.get(format!("{}{STACKS}?watch=true", api.url)).send().await.unwrap();
        if again.status() == 200 {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("the place of a closed watch was never free again");
}
