//! Prometheus' own tool, on what the daemon exports and on the alerts.

use std::io::{ErrorKind, Write};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use kube::api::{Patch, PatchParams, PostParams};
use lamp_api::v1alpha1::LampStack;
use lamp_tests::specs;
use serde_json::json;

use lamp_tests::daemon::Home;

use crate::daemon::{self, until_ready};
use crate::files::root;

/// Simulated seconds a second: a site comes up in moments.
const SPEED: u32 = 600;
/// How long a site may take for that.
const PATIENCE: Duration = Duration::from_secs(120);
const SITE: &str = "whatisthetime";

/// What `/metrics` says of a daemon that has made a site and changed it.
pub(crate) async fn metrics_of_a_daemon_that_has_worked() -> Result<String> {
    let home = Home::simulated(SPEED)?;
    let daemon = home.start().await?;
    let api = daemon::stacks(&home)?;
    let stack: LampStack = serde_json::from_value(specs::load(SITE)?)?;
    api.create(&PostParams::default(), &stack).await?;
    until_ready(&api, SITE, PATIENCE).await.with_context(|| daemon.log())?;
    let change = json!({"spec": {"tiers": [{"name": "web", "capacity": {"min": 3, "max": 6}}]}});
    api.patch(SITE, &PatchParams::default(), &Patch::Strategic(change)).await?;
    until_ready(&api, SITE, PATIENCE).await.with_context(|| daemon.log())?;
    Ok(reqwest::get(format!("{}/metrics", home.url())).await?.error_for_status()?.text().await?)
}

/// Runs promtool at the root. `None`, and said so, where there is none.
fn promtool(arguments: &[&str], input: &str) -> Result<Option<Output>> {
    let spawned = Command::new("promtool")
        .args(arguments)
        .current_dir(root())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn();
    let mut child = match spawned {
        Ok(child) => child,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            // Not by `eprintln!`, which the harness swallows when a test passes.
            let notice = b"NOT CHECKED: promtool is not on the PATH; `cargo xtask test` fetches it\n";
            std::io::stderr().write_all(notice)?;
            return Ok(None);
        }
        Err(error) => bail!("promtool does not start: {error}"),
    };
    child.stdin.take().context("no standard input")?.write_all(input.as_bytes())?;
    Ok(Some(child.wait_with_output()?))
}

/// Fails with what promtool says when it does.
fn is_content_with(arguments: &[&str], input: &str) -> Result<()> {
    let Some(output) = promtool(arguments, input)? else { return Ok(()) };
    let said = [output.stdout, output.stderr].map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    ensure!(output.status.success(), "promtool {arguments:?}: {}", said.concat());
    Ok(())
}

#[tokio::test]
async fn promtool_finds_no_fault_with_the_metrics() -> Result<()> {
    let metrics = metrics_of_a_daemon_that_has_worked().await?;
    ensure!(metrics.lines().count() > 200, "hardly any metrics: {metrics}");
    is_content_with(&["check", "metrics"], &metrics)
}

#[test]
fn promtool_finds_the_alerts_lawful_and_their_tests_pass() -> Result<()> {
    is_content_with(&["check", "rules", "deploy/prometheus/lamplighter.rules.yml"], "")?;
    is_content_with(&["test", "rules", "deploy/prometheus/lamplighter.test.yml"], "")
}
