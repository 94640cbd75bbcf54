//! The real API over a real store on disk, served on a port of this machine.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use jiff::Timestamp;
use lamp_server::{Dependencies, Limits, Security, Server, serve};
use lamp_store::Store;
use prometheus::{Registry, TextEncoder};
use reqwest::Client;
use serde_json::json;
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;

use super::shop;

/// A served API; it ends when this is dropped.
pub(super) struct Serving {
    url: String,
    shutdown: CancellationToken,
    _directory: TempDir,
}

impl Drop for Serving {
    fn drop(&mut self) {
        self.shutdown.cancel();
    }
}

impl Serving {
    /// An empty store in a temporary directory, served.
    pub(super) async fn start() -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let shutdown = CancellationToken::new();
        let server = Server::new(dependencies(Store::open(directory.path(), Timestamp::now)?, &shutdown))?;
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let url = format!("http://{}", listener.local_addr()?);
        let router = server.router();
        tokio::spawn(async move { server.keep_namespaces().await });
        tokio::spawn(serve(
            listener,
            router,
            Security::Plain,
            Limits::default().connections,
            shutdown.clone(),
        ));
        let serving = Self { url, shutdown, _directory: directory };
        serving.until_it_serves().await?;
        Ok(serving)
    }

    async fn until_it_serves(&self) -> Result<()> {
        for _ in 0..500 {
            let answer = reqwest::get(format!("{}/api/v1/namespaces/default", self.url)).await;
            if answer.is_ok_and(|answer| answer.status().is_success()) {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        anyhow::bail!("the API does not serve")
    }

    /// Address of all stacks.
    pub(super) fn stacks(&self) -> String {
        format!("{}/apis/lamplighter.dev/v1alpha1/namespaces/default/lampstacks", self.url)
    }

    /// Makes a stack; its address.
    pub(super) async fn create(&self, name: &str) -> Result<String> {
        let body = shop(name)?.to_string();
        let request = Client::new().post(self.stacks()).header("content-type", "application/json").body(body);
        let answer = request.send().await?;
        let status = answer.status();
        ensure!(status.is_success(), "create {name}: {status} {}", answer.text().await?);
        Ok(format!("{}/{name}", self.stacks()))
    }
}

fn dependencies(store: Store, shutdown: &CancellationToken) -> Dependencies {
    let registry = Registry::new();
    let text = registry.clone();
    Dependencies {
        store,
        registry,
        metrics_text: Arc::new(move || {
            TextEncoder::new().encode_to_string(&text.gather()).unwrap_or_default()
        }),
        readiness: Arc::new(|| Ok(())),
        clock: Arc::new(Timestamp::now),
        limits: Limits::default(),
        shutdown: shutdown.clone(),
    }
}

/// Writes an annotation of a stack, durably when this returns.
pub(super) async fn annotate(client: &Client, url: &str, value: &str) -> Result<()> {
    let body = json!({"metadata": {"annotations": {"bench": value}}}).to_string();
    let request = client.patch(url).header("content-type", "application/merge-patch+json").body(body);
    let answer = request.send().await?;
    let status = answer.status();
    let text = answer.bytes().await.context("an answer that ends early")?;
    ensure!(status.is_success(), "{url}: {status} {}", String::from_utf8_lossy(&text));
    Ok(())
}
