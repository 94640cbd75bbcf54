//! The SDK's clients, twice: for reading calls, which the SDK may repeat, and for mutations, which nobody repeats but
//! the intent that asked for them.

use std::time::Duration;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, ConfigLoader, Region, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::ProvideCredentials;
use aws_smithy_http_client::proxy::ProxyConfig;
use aws_smithy_http_client::{Builder, ConnectorBuilder, tls};
use aws_smithy_runtime_api::client::http::SharedHttpClient;

use crate::config::{Config, ConnectError};

const CONNECT_TIMEOUT: Duration = Duration::from_secs(3);
const ATTEMPT_TIMEOUT: Duration = Duration::from_secs(10);
const READ_TIMEOUT: Duration = Duration::from_secs(30);
const MUTATION_TIMEOUT: Duration = Duration::from_secs(15);
const READ_ATTEMPTS: u32 = 3;

/// One client for each service.
pub(crate) struct Clients {
    pub(crate) ec2: aws_sdk_ec2::Client,
    pub(crate) autoscaling: aws_sdk_autoscaling::Client,
    pub(crate) elb: aws_sdk_elasticloadbalancingv2::Client,
    pub(crate) rds: aws_sdk_rds::Client,
    pub(crate) cloudwatch: aws_sdk_cloudwatch::Client,
    pub(crate) secrets: aws_sdk_secretsmanager::Client,
    pub(crate) sts: aws_sdk_sts::Client,
}

/// The clients for reads, and those for mutations.
pub(crate) async fn connect(config: &Config) -> Result<(Clients, Clients), ConnectError> {
    config.check()?;
    let sdk = loader(config).load().await;
    credentials(&sdk).await?;
    Ok(both(&sdk))
}

/// The same for an emulator at `endpoint`, which takes any credentials.
pub(crate) async fn connect_to(config: &Config, endpoint: &str) -> Result<(Clients, Clients), ConnectError> {
    config.check()?;
    let anybody = Credentials::new("test", "test", None, None, "emulator");
    let sdk = loader(config).endpoint_url(endpoint).credentials_provider(anybody).load().await;
    Ok(both(&sdk))
}

fn both(sdk: &SdkConfig) -> (Clients, Clients) {
    let reads = RetryConfig::standard().with_max_attempts(READ_ATTEMPTS);
    (Clients::new(sdk, reads, READ_TIMEOUT), Clients::new(sdk, RetryConfig::disabled(), MUTATION_TIMEOUT))
}

fn loader(config: &Config) -> ConfigLoader {
    aws_config::defaults(BehaviorVersion::latest())
        .region(Region::new(config.region.clone()))
        .http_client(http_client())
}

// The SDK's own default, once for all services and not once for each: one pool of connections, one set of root
// certificates. Like the default it heeds HTTPS_PROXY and NO_PROXY.
fn http_client() -> SharedHttpClient {
    Builder::new().build_with_connector_fn(|settings, components| {
        let mut connector = ConnectorBuilder::default()
            .tls_provider(tls::Provider::Rustls(tls::rustls_provider::CryptoMode::AwsLc))
            .proxy_config(ProxyConfig::from_env());
        connector.set_connector_settings(settings.cloned());
        if let Some(components) = components {
            connector.set_sleep_impl(components.sleep_impl());
        }
        connector.build()
    })
}

async fn credentials(sdk: &SdkConfig) -> Result<(), ConnectError> {
    let provider = sdk
        .credentials_provider()
        .ok_or_else(|| ConnectError::NoCredentials("the SDK has no provider of credentials".into()))?;
    provider
        .provide_credentials()
        .await
        .map(|_| ())
        .map_err(|error| ConnectError::NoCredentials(Box::new(error)))
}

impl Clients {
    fn new(sdk: &SdkConfig, retries: RetryConfig, operation: Duration) -> Self {
        let timeouts = TimeoutConfig::builder()
            .connect_timeout(CONNECT_TIMEOUT)
            .operation_attempt_timeout(ATTEMPT_TIMEOUT)
            .operation_timeout(operation)
            .build();
        let sdk = sdk.to_builder().retry_config(retries).timeout_config(timeouts).build();
        Self {
            ec2: aws_sdk_ec2::Client::new(&sdk),
            autoscaling: aws_sdk_autoscaling::Client::new(&sdk),
            elb: aws_sdk_elasticloadbalancingv2::Client::new(&sdk),
            rds: aws_sdk_rds::Client::new(&sdk),
            cloudwatch: aws_sdk_cloudwatch::Client::new(&sdk),
            secrets: aws_sdk_secretsmanager::Client::new(&sdk),
            sts: aws_sdk_sts::Client::new(&sdk),
        }
    }
}
