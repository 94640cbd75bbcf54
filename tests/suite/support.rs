//! What tests against real processes share.

use std::pin::Pin;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use lamp_aws::AwsCloud;
use lamp_cloud::Clock;
use serde_json::Value;

#[path = "../../crates/lamp-aws/tests/moto/server.rs"]
mod server;

/// The region of the specs that come with Lamplighter.
pub(crate) const REGION: &str = "ap-northeast-2";

/// The clock on the wall.
pub(crate) struct WallClock;

impl Clock for WallClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// An empty AWS account behind an emulator of its own.
pub(crate) struct Account {
    server: server::Server,
}

impl Account {
    pub(crate) fn new() -> Result<Self> {
        Ok(Self { server: server::Server::start().context("the AWS emulator does not start")? })
    }

    pub(crate) fn url(&self) -> &str {
        self.server.url()
    }

    pub(crate) async fn connect(&self, install: &str) -> Result<AwsCloud> {
        let config = lamp_aws::Config { region: REGION.to_owned(), install: install.to_owned() };
        Ok(AwsCloud::connect_to(config, self.url()).await?)
    }

    /// A spec with a certificate that the account has, wherever it names one.
    pub(crate) fn with_certificate(&self, mut object: Value) -> Result<Value> {
        for tier in object["spec"]["tiers"].as_array_mut().into_iter().flatten() {
            if tier.pointer("/loadBalancer/certificateArn").is_some() {
                tier["loadBalancer"]["certificateArn"] = self.hand(&["certificate"])?;
            }
        }
        Ok(object)
    }

    /// Another client: see `tests/moto/hand.py`.
    pub(crate) fn hand(&self, arguments: &[&str]) -> Result<Value> {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/moto/hand.py");
        let output = Command::new(server::interpreter()?)
            .arg(script)
            .args(arguments)
            .env("AWS_ENDPOINT_URL", self.url())
            .env("AWS_REGION", REGION)
            .output()?;
        ensure!(
            output.status.success(),
            "hand.py {arguments:?}: {}",
            String::from_utf8_lossy(&output.stderr)
        );
        Ok(serde_json::from_slice(&output.stdout)?)
    }
}
