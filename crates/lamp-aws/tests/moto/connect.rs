//! Connecting as the daemon does: with what the environment says. A test that needs an environment of its own runs
//! itself again in another process, because a process cannot change its own safely.

use std::process::Command;

use lamp_aws::{AwsCloud, Config, ConnectError};
use lamp_cloud::{Cloud, Listing, Read, Reading};

use crate::account::Account;

const INSIDE: &str = "LAMPLIGHTER_TEST_INSIDE";

fn is_inside() -> bool {
    std::env::var_os(INSIDE).is_some()
}

fn config() -> Config {
    Config { region: "eu-west-1".into(), install: "test".into() }
}

/// Runs one test of this binary with nothing of AWS in its environment but `variables`.
fn run_inside(test: &str, variables: &[(&str, &str)]) {
    let ours = std::env::vars_os().filter(|(name, _)| !name.to_string_lossy().starts_with("AWS_"));
    let output = Command::new(std::env::current_exe().expect("this binary"))
        .args(["--exact", test])
        .env_clear()
        .envs(ours)
        .env(INSIDE, "yes")
        .env("AWS_CONFIG_FILE", "/nonexistent")
        .env("AWS_SHARED_CREDENTIALS_FILE", "/nonexistent")
        .env("AWS_EC2_METADATA_DISABLED", "true")
        .envs(variables.iter().copied())
        .output()
        .expect("the test runs");
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success() && said.contains("1 passed"), "{said}");
}

#[tokio::test]
async fn the_environment_names_endpoint_and_credentials() {
    if !is_inside() {
        let account = Account::new("eu-west-1").await;
        let variables = [
            ("AWS_ENDPOINT_URL", account.url()),
            ("AWS_ACCESS_KEY_ID", "test"),
            ("AWS_SECRET_ACCESS_KEY", "test"),
        ];
        return run_inside("connect::the_environment_names_endpoint_and_credentials", &variables);
    }
    let cloud = AwsCloud::connect(config()).await.expect("a connection");
    assert_eq!(cloud.region(), "eu-west-1");
    let answer = cloud.read(&Read::List { listing: Listing::Zones, page: None }).await.expect("zones");
    assert!(matches!(answer, Reading::Zones(page) if !page.items.is_empty()));
}

#[tokio::test]
async fn without_credentials_there_is_no_connection() {
    if !is_inside() {
        return run_inside("connect::without_credentials_there_is_no_connection", &[]);
    }
    let error = AwsCloud::connect(config()).await.expect_err("no credentials");
    assert!(matches!(error, ConnectError::NoCredentials(_)), "{error:?}");
    assert!(error.to_string().contains("AWS_PROFILE"), "it says what to do: {error}");
}
