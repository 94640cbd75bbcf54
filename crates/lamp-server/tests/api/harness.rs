//! A server on a port of its own, over a store in memory.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::kinds::LAMPSTACK;
use lamp_server::{Dependencies, Limits, Security, Server, serve};
use lamp_store::{Key, Store};
use prometheus::{Registry, TextEncoder};
use reqwest::{Client, Method, StatusCode};
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

/// Path of the stacks of the namespace `default`.
pub(crate) const STACKS: &str = "/apis/lamplighter.dev/v1alpha1/namespaces/default/lampstacks";

pub(crate) struct Harness {
    pub(crate) store: Store,
    pub(crate) url: String,
    pub(crate) client: Client,
    pub(crate) shutdown: CancellationToken,
}

impl Drop for Harness {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

pub(crate) async fn start() -> Harness {
    start_with(Limits::default()).await
}

pub(crate) async fn start_with(limits: Limits) -> Harness {
    start_on(Store::in_memory(Timestamp::now), limits).await
}

pub(crate) async fn start_on(store: Store, limits: Limits) -> Harness {
    let shutdown = CancellationToken::new();
    let server = server(store.clone(), limits, shutdown.clone());
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let router = server.router();
    tokio::spawn(async move { server.keep_namespaces().await });
    tokio::spawn(serve(listener, router, Security::Plain, limits.connections, shutdown.clone()));
    let harness = Harness { store, url, client: Client::new(), shutdown };
    harness.until("/api/v1/namespaces/default", |answer| answer.code == StatusCode::OK).await;
    harness
}

/// A server that is not served yet.
pub(crate) fn server(store: Store, limits: Limits, shutdown: CancellationToken) -> Server {
    let registry = Registry::new();
    let text = registry.clone();
    Server::new(Dependencies {
        store,
        registry,
        metrics_text: Arc::new(move || TextEncoder::new().encode_to_string(&text.gather()).unwrap()),
        readiness: Arc::new(|| Ok(())),
        clock: Arc::new(Timestamp::now),
        limits,
        shutdown,
    })
    .unwrap()
}

/// An answer of the API.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) code: StatusCode,
    pub(crate) warnings: Vec<String>,
    pub(crate) content_type: String,
    pub(crate) body: Value,
}

impl Answer {
    #[track_caller]
    pub(crate) fn ok(self, code: u16) -> Value {
        assert_eq!(self.code.as_u16(), code, "{:#}", self.body);
        self.body
    }

    /// Code, reason and message of a refusal.
    #[track_caller]
    pub(crate) fn refusal(&self) -> String {
        assert_eq!(self.body["kind"], "Status", "{:#}", self.body);
        assert_eq!(self.body["code"], self.code.as_u16());
        format!(
            "{} {}: {}",
            self.code.as_u16(),
            self.body["reason"].as_str().unwrap(),
            self.body["message"].as_str().unwrap()
        )
    }
}

impl Harness {
    pub(crate) async fn send(
        &self,
        method: Method,
        path: &str,
        content_type: &str,
        body: impl Into<reqwest::Body>,
    ) -> Answer {
        let request =
            self.client.request(method, format!("{}{path}", self.url)).header("content-type", content_type);
        answer(request.body(body).send().await.unwrap()).await
    }

    /// A request as someone: with these headers besides.
    pub(crate) async fn ask(
        &self,
        method: Method,
        path: &str,
        headers: &[(&str, String)],
        body: Option<&Value>,
    ) -> Answer {
        let mut request = self.client.request(method, format!("{}{path}", self.url));
        for (name, value) in headers {
            request = request.header(*name, value);
        }
        if let Some(body) = body {
            request = request.header("content-type", "application/json").body(body.to_string());
        }
        answer(request.send().await.unwrap()).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        answer(self.client.get(format!("{}{path}", self.url)).send().await.unwrap()).await
    }

    pub(crate) async fn get_as(&self, path: &str, accept: &str) -> Answer {
        let request = self.client.get(format!("{}{path}", self.url)).header("accept", accept);
        answer(request.send().await.unwrap()).await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::POST, path, "application/json", body.to_string()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        self.send(Method::PUT, path, "application/json", body.to_string()).await
    }

    pub(crate) async fn merge(&self, path: &str, body: Value) -> Answer {
        self.send(Method::PATCH, path, "application/merge-patch+json", body.to_string()).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send(Method::DELETE, path, "application/json", "").await
    }

    /// Asks again until the answer is as wished.
    pub(crate) async fn until(&self, path: &str, wished: impl Fn(&Answer) -> bool) -> Answer {
        for _ in 0..500 {
            let answer = self.get(path).await;
            if wished(&answer) {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("{path} never became what was wished: {:#}", self.get(path).await.body);
    }

    /// Does what the controller does when a stack is gone from AWS.
    pub(crate) async fn finish_teardown(&self, namespace: &str, name: &str) {
        let key = Key::new(LAMPSTACK.plural, namespace, name);
        let mut object = Value::clone(&self.store.get(&key).unwrap().unwrap().object);
        object["metadata"]["finalizers"] = json!([]);
        self.store.update(&key, None, object).await.unwrap();
    }
}

async fn answer(response: reqwest::Response) -> Answer {
    let code = response.status();
    let header = |name: &str| {
        response.headers().get_all(name).iter().map(|v| v.to_str().unwrap().to_owned()).collect()
    };
    let warnings: Vec<String> = header("warning");
    let types: Vec<String> = header("content-type");
    let text = response.text().await.unwrap();
    let body = serde_json::from_str(&text).unwrap_or(Value::String(text));
    Answer { code, warnings, content_type: types.concat(), body }
}

/// The sample site under another name.
pub(crate) fn shop(name: &str) -> Value {
    let mut stack: Value = serde_saphyr::from_str(include_str!("shop.yaml")).unwrap();
    stack["metadata"]["name"] = json!(name);
    stack
}

/// The smallest stack.
pub(crate) fn small(name: &str) -> Value {
    json!({
        "apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack", "metadata": {"name": name},
        "spec": {"region": "eu-central-1", "tiers": [{"name": "web"}]}
    })
}
