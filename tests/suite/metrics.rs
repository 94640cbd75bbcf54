//! The metrics that people see: those that documents, dashboards and alerts name exist, and those that exist are
//! documented.

use std::collections::BTreeSet;
use std::sync::Arc;

use anyhow::{Context, Result, ensure};
use lamp_server::{Dependencies, Limits, Server};
use lamp_store::Store;
use prometheus::process_collector::ProcessCollector;
use prometheus::{IntGauge, Registry};
use tokio_util::sync::CancellationToken;

use crate::files::{in_folder, read};
use crate::promtool::metrics_of_a_daemon_that_has_worked;

const PREFIX: &str = "lamplighter_";
/// What follows the name of a histogram in its series.
const SERIES: [&str; 3] = ["_bucket", "_count", "_sum"];

/// A registry with what a daemon registers.
fn registry() -> Result<Registry> {
    let registry = Registry::new();
    lamp_controller::Metrics::register(&registry)?;
    Server::new(Dependencies {
        store: Store::in_memory(jiff::Timestamp::now),
        registry: registry.clone(),
        metrics_text: Arc::new(String::new),
        readiness: Arc::new(|| Ok(())),
        clock: Arc::new(jiff::Timestamp::now),
        limits: Limits::default(),
        shutdown: CancellationToken::new(),
    })?;
    registry.register(Box::new(ProcessCollector::for_self()))?;
    Ok(registry)
}

/// Whether the name is taken. A registry shows only metrics that have values, but takes no name twice.
fn is_registered(registry: &Registry, name: &str) -> Result<bool> {
    let probe = IntGauge::new(name, "probe").with_context(|| format!("{name} cannot be a metric"))?;
    let is_free = registry.register(Box::new(probe.clone())).is_ok();
    if is_free {
        registry.unregister(Box::new(probe))?;
    }
    Ok(!is_free)
}

/// The metrics that a text names.
fn named(text: &str, prefixes: &[&str]) -> BTreeSet<String> {
    let is_metric =
        |word: &&str| prefixes.iter().any(|prefix| word.len() > prefix.len() && word.starts_with(prefix));
    let family = |word: &str| SERIES.iter().find_map(|end| word.strip_suffix(end)).unwrap_or(word).to_owned();
    let words = text.split(|letter: char| !letter.is_ascii_alphanumeric() && letter != '_');
    words.filter(is_metric).map(family).collect()
}

/// Where metrics are made.
const SOURCES: [&str; 3] = [
    "crates/lamp-controller/src/metrics.rs",
    "crates/lamp-controller/src/metrics/calls.rs",
    "crates/lamp-server/src/metrics.rs",
];

/// Every metric of ours: the sources hold each name as a literal, without the prefix where it is the namespace.
fn ours(registry: &Registry) -> Result<BTreeSet<String>> {
    let mut found = BTreeSet::new();
    for path in SOURCES {
        for literal in read(path)?.split('"') {
            let name = format!("{PREFIX}{}", literal.trim_start_matches(PREFIX));
            if IntGauge::new(&name, "probe").is_ok() && is_registered(registry, &name)? {
                found.insert(name);
            }
        }
    }
    Ok(found)
}

#[test]
fn every_metric_that_is_named_exists() -> Result<()> {
    let registry = registry()?;
    let mut seen = BTreeSet::new();
    let documents = ["deploy/grafana/lamplighter.json", "docs/operations.md", "docs/runbook.md"];
    for path in documents.map(String::from).into_iter().chain(in_folder("deploy/prometheus")?) {
        for name in named(&read(&path)?, &[PREFIX, "process_"]) {
            ensure!(is_registered(&registry, &name)?, "{path} names {name}, which the daemon does not have");
            seen.insert(name);
        }
    }
    ensure!(seen.len() > 20, "the documents name only {seen:?}");
    Ok(())
}

#[test]
fn every_metric_of_ours_is_documented() -> Result<()> {
    let documented = named(&read("docs/operations.md")?, &[PREFIX]);
    let ours = ours(&registry()?)?;
    let unexplained: Vec<_> = ours.difference(&documented).collect();
    ensure!(unexplained.is_empty(), "docs/operations.md does not say what {unexplained:?} are");
    Ok(())
}

/// What ties the tests above, which ask a registry of their own, to the real daemon.
#[tokio::test]
async fn a_daemon_shows_no_metric_that_the_sources_do_not_name() -> Result<()> {
    let ours = ours(&registry()?)?;
    let text = metrics_of_a_daemon_that_has_worked().await?;
    let shown: BTreeSet<String> = text
        .lines()
        .filter_map(|line| line.strip_prefix("# TYPE ")?.split(' ').next())
        .filter(|name| name.starts_with(PREFIX))
        .map(str::to_owned)
        .collect();
    ensure!(shown.len() > 10, "it shows only {shown:?}");
    let unknown: Vec<_> = shown.difference(&ours).collect();
    ensure!(unknown.is_empty(), "the sources do not name {unknown:?}");
    Ok(())
}
