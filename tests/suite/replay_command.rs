//! `lampctl replay` and `lampctl scaling` against the real daemon on a simulated region.

use std::path::Path;
use std::process::Command;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};
use kube::api::PostParams;
use lamp_tests::account::REGION;
use lamp_tests::daemon::{Home, binary};
use serde_json::{Value, json};

use crate::daemon::{stacks, until_ready};

/// Simulated seconds in one of the wall clock: half an hour of metrics takes six seconds.
const SPEED: u32 = 300;
const PATIENCE: Duration = Duration::from_secs(60);

fn lampctl(home: &Home, arguments: &[&str]) -> Result<String> {
    let mut command = Command::new(binary("lampctl")?);
    for variable in ["KUBECONFIG", "LAMPLIGHTER_NAMESPACE", "CLICOLOR_FORCE"] {
        command.env_remove(variable);
    }
    let output = command.args(arguments).env("LAMPLIGHTER_SERVER", home.url()).output()?;
    let errors = String::from_utf8_lossy(&output.stderr);
    ensure!(output.status.success(), "lampctl {arguments:?} ended with {}: {errors}", output.status);
    Ok(String::from_utf8(output.stdout)?)
}

fn json_of(home: &Home, arguments: &[&str]) -> Result<Value> {
    Ok(serde_json::from_str(&lampctl(home, &[arguments, &["-o", "json"]].concat())?)?)
}

/// Waits until CloudWatch has so many minutes of the tier.
async fn until_measured(home: &Home, minutes: usize) -> Result<()> {
    let began = Instant::now();
    loop {
        let measured =
            json_of(home, &["scaling", "shop"]).map(|it| it["capacity"].as_array().map_or(0, Vec::len));
        if measured.as_ref().is_ok_and(|measured| *measured >= minutes) {
            return Ok(());
        }
        ensure!(began.elapsed() < PATIENCE, "{measured:?} minutes are measured");
        tokio::time::sleep(Duration::from_millis(500)).await;
    }
}

fn policy(folder: &Path) -> Result<String> {
    let path = folder.join("lower.yaml");
    std::fs::write(&path, "policies:\n- {type: TargetTracking, metric: CPUUtilization, target: 20}\n")?;
    Ok(path.to_string_lossy().into_owned())
}

#[tokio::test]
async fn a_running_stack_is_replayed_and_plotted_from_its_own_metrics() -> Result<()> {
    let (home, folder) = (Home::simulated(SPEED)?, tempfile::tempdir()?);
    let _daemon = home.start().await?;
    let scaling = json!({"policies": [{"metric": "CPUUtilization", "target": 50}]});
    let tier =
        json!({"name": "web", "loadBalancer": {}, "capacity": {"min": 2, "max": 6}, "scaling": scaling});
    let site = json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack", "metadata": {"name": "shop"},
                      "spec": {"region": REGION, "tiers": [tier]}});
    let api = stacks(&home)?;
    api.create(&PostParams::default(), &serde_json::from_value(site)?).await?;
    until_ready(&api, "shop", PATIENCE).await?;
    until_measured(&home, 30).await?;

    let shown = lampctl(&home, &["scaling", "shop", "--tier", "web"])?;
    ensure!(shown.contains("CPUUtilization against a target of 50"), "{shown}");
    ensure!(shown.contains("Capacity, 2 to 6 instances"), "{shown}");
    let (policy, svg) = (policy(folder.path())?, folder.path().join("out.svg"));
    let svg_path = svg.to_string_lossy().into_owned();
    let replayed = json_of(&home, &["replay", "shop", "--policy", &policy, "--svg", &svg_path])?;
    let names: Vec<&str> =
        replayed["runs"].as_array().into_iter().flatten().filter_map(|run| run["name"].as_str()).collect();
    ensure!(names == ["in force", "lower.yaml"], "{names:?}");
    let hours = |run: usize| replayed["runs"][run]["instanceHours"].as_f64().unwrap_or_default();
    ensure!(hours(0) > 0.9, "two instances for half an hour: {replayed}");
    ensure!(hours(1) >= hours(0), "a lower target never needs fewer: {replayed}");
    let svg = std::fs::read_to_string(svg)?;
    ensure!(svg.starts_with("<svg") && svg.contains("in force: "), "{svg}");
    ensure!(lampctl(&home, &["get", "scalinghistories"])?.is_empty(), "questions are removed");
    Ok(())
}
