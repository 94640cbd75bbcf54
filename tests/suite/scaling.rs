//! Scaling against the AWS endpoint, over the real SDK: metrics that another client puts move the capacity.

use anyhow::{Context, Result, ensure};
use lamp_store::Key;
use serde_json::{Value, json};

use crate::site::Site;

/// Everything at once: nothing warms up, and there is no window.
fn hasty(scaling: &mut Value) {
    scaling["behavior"] = json!({"warmupSeconds": 0, "scaleDown": {"stabilizationWindowSeconds": 0}});
}

fn desired(site: &Site, group: &str) -> Result<u64> {
    let capacity = site.emulator.hand(&["capacity", group])?;
    capacity["desired"].as_u64().with_context(|| format!("no capacity: {capacity}"))
}

/// Another client's datapoints, one for each of the last five minutes.
fn put(site: &Site, namespace: &str, name: &str, dimension: &str, value: f64) -> Result<()> {
    let value = value.to_string();
    site.emulator.hand(&["put-minutes", namespace, name, dimension, &value, "5"]).map(drop)
}

fn replicas(site: &Site, key: &Key) -> Result<usize> {
    let primary = site.part(key, "database")?;
    Ok(site.emulator.hand(&["replicas", &primary])?.as_array().map_or(0, Vec::len))
}

fn said(site: &Site, key: &Key, part: &str, words: &str) -> Result<()> {
    let status = site.status(key)?.context("no status")?;
    let lines: Vec<_> =
        status.decisions.iter().map(|it| format!("{} {}: {}", it.action, it.part, it.reason)).collect();
    ensure!(lines.iter().any(|line| line.contains(part) && line.contains(words)), "{lines:#?}");
    Ok(())
}

#[tokio::test]
async fn metrics_of_another_client_move_capacities_and_the_number_of_replicas() -> Result<()> {
    let site = Site::new().await?;
    let mut spec = site.spec("lamp")?;
    for pointer in ["/spec/tiers/0/scaling", "/spec/tiers/1/scaling", "/spec/database/replicas/scaling"] {
        hasty(spec.pointer_mut(pointer).context("no scaling")?);
    }
    spec["spec"]["tiers"][1]["scaling"]["policies"] = json!([{"type": "Simple", "threshold": 100, "adjustment": 3,
        "customMetric": {"metrics": [{"namespace": "Shop", "name": "Waiting", "dimensions": {"Queue": "orders"}}]}}]);
    let key = site.apply(&spec).await?;
    site.until_ready(&key).await?;
    let (web, app) = (site.part(&key, "auto-scaling-group/web")?, site.part(&key, "auto-scaling-group/app")?);
    let replica = site.part(&key, "replica/1")?;
    let before = (desired(&site, &web)?, desired(&site, &app)?, replicas(&site, &key)?);
    ensure!(before == (2, 2, 1), "{before:?}");

    put(&site, "AWS/EC2", "CPUUtilization", &format!("AutoScalingGroupName={web}"), 90.0)?;
    site.until("grown by CPU", |site| Ok(desired(site, &web)? >= 3)).await?;
    said(&site, &key, "auto-scaling-group/web", "2 -> 3: CPUUtilization 90 against a target of 60 on 2")?;

    put(&site, "Shop", "Waiting", "Queue=orders", 150.0)?;
    site.until("grown by a metric of the user's own", |site| Ok(desired(site, &app)? >= 4)).await?;
    said(
        &site,
        &key,
        "auto-scaling-group/app",
        "2 -> 4: Shop Waiting 150, 150, 150 in the newest minutes on 2, at least 100",
    )?;

    put(&site, "AWS/RDS", "CPUUtilization", &format!("DBInstanceIdentifier={replica}"), 95.0)?;
    site.until("more replicas", |site| Ok(replicas(site, &key)? >= 2)).await?;
    said(&site, &key, "replicas", "1 -> 2: CPUUtilization 95 against a target of 65 on 1")
}
