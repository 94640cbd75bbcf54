//! The unmodified kubectl, in every version that is installed, over TLS and with a token.

mod access;
mod applying;
mod changing;
mod reading;
mod removing;
pub(crate) mod tool;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use lamp_api::kinds::LAMPSTACK;
use lamp_store::Store;
use serde_json::{Value, json};

use crate::tls::secure::Secure;
use tool::Kubectl;

/// Runs one suite with each kubectl, each against a server of its own.
async fn with_each(suite: fn(&Kubectl)) {
    let binaries = tool::installed();
    if binaries.is_empty() {
        println!("kubectl not installed: skipped");
        return;
    }
    let runs = binaries.into_iter().map(|binary| tokio::spawn(run(binary, suite)));
    for result in futures::future::join_all(runs).await {
        result.expect("a suite");
    }
}

async fn run(binary: PathBuf, suite: fn(&Kubectl)) {
    let api = Secure::start().await;
    let user = format!("{{token: {}}}", api.administrator().await);
    let controller = tokio::spawn(play_controller(api.store.clone()));
    let kubectl = Arc::new(Kubectl::with(binary, &api.cluster(), &user));
    let here = Arc::clone(&kubectl);
    tokio::task::spawn_blocking(move || suite(&here))
        .await
        .unwrap_or_else(|_| panic!("{} failed", kubectl.name()));
    controller.abort();
}

/// Does what the controller does, as far as clients see it: reports stacks as ready, and lets deleted ones go.
async fn play_controller(store: Store) {
    loop {
        let (stacks, _) = store.list(LAMPSTACK.plural, None).unwrap();
        for stack in stacks {
            let mut object = Value::clone(&stack.object);
            if object["metadata"]["deletionTimestamp"].is_string() {
                object["metadata"]["finalizers"] = json!([]);
            } else {
                object["status"] = ready(&object);
            }
            // Whatever a client changed meanwhile is seen in the next round.
            if let Err(error) = store.update(&stack.key, Some(stack.revision), object).await {
                println!("{}: {error}", stack.key);
            }
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

fn ready(stack: &Value) -> Value {
    let generation = &stack["metadata"]["generation"];
    let condition = |kind: &str, status: &str, reason: &str| {
        json!({
            "type": kind, "status": status, "reason": reason, "message": "As observed.",
            "lastTransitionTime": "2026-11-20T00:00:00Z", "observedGeneration": generation
        })
    };
    json!({
        "observedGeneration": generation, "summary": "The site serves.", "url": "http://shop.example",
        "conditions": [condition("Ready", "True", "Serving"), condition("Progressing", "False", "Settled")],
        "tiers": [{"name": "web", "desired": 2, "instances": 2, "ready": 2}]
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn access() {
    with_each(access::suite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn applying() {
    with_each(applying::suite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn reading() {
    with_each(reading::suite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn changing() {
    with_each(changing::suite).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn removing() {
    with_each(removing::suite).await;
}
