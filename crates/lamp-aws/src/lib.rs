//! The one adapter from the port in `lamp-cloud` to AWS: EC2, Auto Scaling, load balancing, RDS, CloudWatch and
//! Secrets Manager.
//!
//! It turns each [`Read`] and each [`Request`] into one AWS call and the answer into the port's words. It must not know
//! stacks, plans, intents or the store, decides nothing, and keeps no state but what RDS's ARNs have in common, and whose
//! account it was in when it last asked. The
//! master password of a database is made, stored and read here; it never leaves this crate, and no input of the SDK is
//! ever logged.
//!
//! A few requests need another call, which only reads:
//!
//! - the creation of a primary database reads its master password (`GetSecretValue`) first;
//! - tags of RDS resources are addressed by ARN: if no listing has shown one yet, the resource is described first.

mod account;
mod answer;
mod apply;
mod arns;
mod clients;
mod config;
mod errors;
mod kinds;
mod live;
mod password;
mod read;
mod tags;

use std::fmt;

use lamp_cloud::{Applied, Cloud, CloudError, Read, Reading, Request};

use account::Guard;
use arns::RdsArns;
use clients::Clients;
pub use config::{Config, ConnectError};

/// One AWS region, as one installation sees and changes it.
pub struct AwsCloud {
    region: String,
    install: String,
    reads: Clients,
    mutations: Clients,
    arns: RdsArns,
    guard: Option<Guard>,
}

impl AwsCloud {
    /// Finds credentials the SDK's own way (environment, profiles, roles; `AWS_ENDPOINT_URL`) and makes the clients.
    /// AWS itself is not called yet, except where the credentials come from there.
    ///
    /// # Errors
    /// When the configuration is incomplete, or no credentials can be had.
    pub async fn connect(config: Config) -> Result<Self, ConnectError> {
        let clients = clients::connect(&config).await?;
        Ok(Self::new(config, clients))
    }

    /// Connects to an emulator of AWS at `endpoint`, which takes any credentials. For tests that run several of them
    /// in one process; elsewhere `AWS_ENDPOINT_URL` says the same.
    ///
    /// # Errors
    /// When the configuration is incomplete.
    pub async fn connect_to(config: Config, endpoint: &str) -> Result<Self, ConnectError> {
        let clients = clients::connect_to(&config, endpoint).await?;
        Ok(Self::new(config, clients))
    }

    fn new(config: Config, (reads, mutations): (Clients, Clients)) -> Self {
        Self {
            region: config.region,
            install: config.install,
            reads,
            mutations,
            arns: RdsArns::default(),
            guard: None,
        }
    }

    /// The account that the credentials are of: twelve digits.
    ///
    /// # Errors
    /// When AWS does not say.
    pub async fn account(&self) -> Result<String, CloudError> {
        account::ask(&self.reads.sts).await
    }

    /// Calls nothing any more while the credentials are of another account than this one.
    #[must_use]
    pub fn in_account(self, account: String) -> Self {
        Self { guard: Some(Guard::of(account)), ..self }
    }
}

impl fmt::Debug for AwsCloud {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AwsCloud")
            .field("region", &self.region)
            .field("install", &self.install)
            .finish_non_exhaustive()
    }
}

impl Cloud for AwsCloud {
    fn region(&self) -> &str {
        &self.region
    }

    async fn read(&self, read: &Read) -> Result<Reading, CloudError> {
        if let Some(guard) = &self.guard {
            guard.before_read(&self.reads.sts, read).await?;
        }
        read::read(self, read).await
    }

    async fn apply(&self, request: &Request) -> Result<Applied, CloudError> {
        if let Some(guard) = &self.guard {
            guard.before_change(&self.reads.sts).await?;
        }
        apply::apply(self, request).await
    }
}
