//! `cargo xtask peers`: the real daemon, and Terraform where it is installed, keep the same site in the same emulated AWS
//! behind the same counting proxy: what a quiet look, a start from nothing, and each drift cost them.
//!
//! Terraform and its configuration are no part of this workspace: they are run where they are, or left out.

mod lamplighter;
mod report;
mod terraform;
mod usage;

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use serde_json::Value;

use crate::account::Account;
use crate::bench::Figures;
use crate::drift::{self, Drift};
use crate::proxy::Tally;
use lamplighter::Lamplighter;
use report::Report;
use terraform::Terraform;

/// What is measured.
#[derive(Clone, Debug)]
pub struct Options {
    /// Numbers of stacks.
    pub stacks: Vec<usize>,
    /// A folder with `terraform/`, the same site as a configuration, and `moto_patched.py`, what it needs of moto.
    pub peer: Option<PathBuf>,
    /// The drifts to play, with one stack; empty for none.
    pub drifts: Vec<Drift>,
}

/// From nothing to done.
#[derive(Clone, Copy, Debug)]
struct Raised {
    calls: u64,
    changes: u64,
    seconds: f64,
    /// Resources that are kept from then on.
    resources: usize,
}

/// One look at a site that is as it should be.
#[derive(Clone, Copy, Debug)]
struct Pass {
    calls: f64,
    changes: f64,
    cpu_seconds: f64,
    peak_mib: f64,
    seconds: f64,
}

/// What became of one drift.
#[derive(Clone, Debug)]
struct Faced {
    /// Seconds until there was a sign of it.
    noticed: Option<f64>,
    /// Seconds until it was put back.
    repaired: Option<f64>,
    calls: u64,
    changes: u64,
    /// What the tool itself says of it.
    said: String,
}

#[allow(clippy::cast_precision_loss, reason = "counts of calls are far below 2^52")]
fn share(count: u64, of: u64) -> f64 {
    count as f64 / of as f64
}

impl Faced {
    fn new(noticed: Option<f64>, repaired: Option<f64>, tally: &Tally, said: String) -> Self {
        Self { noticed, repaired, calls: tally.total(), changes: tally.changes(), said }
    }
}

/// Measures everything, and prints it side by side.
///
/// # Errors
/// When a tool does not bring its sites up, or changes what is as it should be.
pub async fn run(options: &Options) -> Result<Figures> {
    let mut report = Report::default();
    let folder = options.peer.as_deref().context("no folder with its configuration is there, or asked for");
    let peer = folder.and_then(Terraform::find);
    if let Err(why) = &peer {
        report.note(format!("Terraform is left out: {why:#}"));
    }
    for count in &options.stacks {
        let drifts = if *count == 1 { options.drifts.as_slice() } else { &[] };
        measure_lamplighter(&mut report, *count, options.peer.as_deref(), drifts)
            .await
            .with_context(|| format!("Lamplighter, {count} stacks"))?;
        if let Ok(peer) = &peer {
            measure_terraform(&mut report, *count, peer, drifts)
                .await
                .with_context(|| format!("Terraform, {count} stacks"))?;
        }
    }
    report.settings(peer.is_ok());
    print!("{report}");
    Ok(report.figures())
}

/// The same emulator for both: as Terraform needs it, if there is one.
fn account(peer: Option<&Path>) -> Result<Account> {
    let patch = peer.map(|peer| peer.join("moto_patched.py")).filter(|patch| patch.is_file());
    patch.map_or_else(Account::new, |patch| Account::patched(&patch))
}

async fn measure_lamplighter(
    report: &mut Report,
    count: usize,
    peer: Option<&Path>,
    drifts: &[Drift],
) -> Result<()> {
    let account = account(peer)?;
    let mut tool = Lamplighter::start(&account).await?;
    eprintln!("Lamplighter: {count} stacks from nothing …");
    report.raised("lamplighter", count, tool.raise(&account, count).await?);
    eprintln!("Lamplighter: quiet passes …");
    report.pass("lamplighter", count, tool.pass().await?);
    for drift in drifts {
        eprintln!("Lamplighter: {} …", drift.what);
        let faced = tool.face(&account, drift).await.with_context(|| drift.what)?;
        report.faced("lamplighter", drift, faced);
    }
    Ok(())
}

async fn measure_terraform(
    report: &mut Report,
    count: usize,
    peer: &Terraform,
    drifts: &[Drift],
) -> Result<()> {
    let account = account(Some(peer.folder()))?;
    let tool = peer.start(&account, count).await?;
    eprintln!("Terraform: {count} stacks from nothing …");
    report.raised("terraform", count, tool.raise()?);
    eprintln!("Terraform: quiet plans …");
    report.pass("terraform", count, tool.pass()?);
    for drift in drifts {
        eprintln!("Terraform: {} …", drift.what);
        let faced = tool.face(&account, drift).with_context(|| drift.what)?;
        report.faced("terraform", drift, faced);
    }
    Ok(())
}

/// The drifts of these names; all of them for none.
///
/// # Errors
/// When there is no drift of a name.
pub fn drifts(names: &[String]) -> Result<Vec<Drift>> {
    if names.is_empty() {
        return Ok(drift::ALL.to_vec());
    }
    let find = |name: &String| drift::ALL.iter().find(|drift| drift.name == name).copied();
    names.iter().map(|name| find(name).with_context(|| format!("no drift {name}"))).collect()
}

/// Whether what a drift is about is as it was.
fn is_whole(account: &Account, drift: &Drift, parts: &drift::Parts, whole: &Value) -> bool {
    // What is looked at may be gone for a moment while it is repaired.
    drift.look(account, parts).is_ok_and(|now| now == *whole)
}
