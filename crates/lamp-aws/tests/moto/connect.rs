//! Connecting as the daemon does: with what the environment says. A test that needs an environment of its own runs
//! itself again in another process, because a process cannot change its own safely.

use std::collections::BTreeMap;
use std::process::Command;
use std::sync::atomic::Ordering;

use lamp_aws::{AwsCloud, Config, ConnectError};
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{Cloud, ErrorClass, Kind, Listing, Read, Reading, Request};

use crate::account::Account;
use crate::stub::{Answer, Stub};

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
async fn in_its_own_account_everything_passes_and_in_another_nothing() {
    let account = Account::new("eu-west-3").await;
    let own = account.cloud.account().await.expect("an account");
    assert_eq!(own.len(), 12, "{own}");
    let listing = Read::List { listing: Listing::Zones, page: None };
    let at_home = account.as_install("test").await.in_account(own);
    assert!(matches!(at_home.read(&listing).await, Ok(Reading::Zones(zones)) if !zones.items.is_empty()));
    let elsewhere = account.as_install("test").await.in_account("999999999999".to_owned());
    let error = elsewhere.read(&listing).await.expect_err("another account");
    assert_eq!((error.class, error.code.as_str()), (ErrorClass::Denied, "OtherAccount"));
    assert!(error.message.contains("was made for account 999999999999"), "{error}");
    let vpc = Request::Create {
        part: "vpc".into(),
        name: "vpc".into(),
        tags: BTreeMap::new(),
        token: "t".into(),
        body: Vpc { cidr: "10.9.0.0/16".into(), dns_support: None, dns_hostnames: None }.into(),
    };
    let error = elsewhere.apply(&vpc).await.expect_err("another account");
    assert_eq!(error.code, "OtherAccount");
    let made = account.python(
        "import boto3; print([v for v in boto3.client('ec2').describe_vpcs()['Vpcs'] if not v['IsDefault']])",
    );
    assert_eq!(made.trim(), "[]", "nothing was made there");
}

#[tokio::test]
async fn the_account_is_asked_once_for_many_calls() {
    const IDENTITY: &str = "<GetCallerIdentityResponse xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\">\
                            <GetCallerIdentityResult><Account>222222222222</Account></GetCallerIdentityResult>\
                            </GetCallerIdentityResponse>";
    let stub = Stub::new(Answer::Say(200, IDENTITY)).await;
    let (asked, cloud) = stub.in_account("111111111111");
    let listing = Read::List { listing: Listing::Zones, page: None };
    let gone = Read::One { kind: Kind::Vpc, id: "vpc-1".into() };
    for read in [&listing, &gone, &listing, &gone] {
        assert_eq!(cloud.read(read).await.expect_err("another account").code, "OtherAccount");
    }
    assert_eq!(asked.load(Ordering::SeqCst), 1);
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
