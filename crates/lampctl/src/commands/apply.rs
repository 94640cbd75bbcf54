//! `apply`: create or change objects from files, as `kubectl apply` does.

use std::time::Duration;

use clap::{Args, ValueEnum};
use lamp_api::kinds;

use super::await_goal::{Goal, await_goal};
use super::upsert::upsert;
use crate::cli::{Files, duration};
use crate::exit::{Failure, Outcome};
use crate::session::Session;
use crate::yaml::{self, Manifest};

#[derive(Debug, Args)]
pub(crate) struct Apply {
    #[command(flatten)]
    files: Files,
    /// `server`: check everything, store nothing
    #[arg(long, value_enum, default_value = "none", value_name = "HOW")]
    dry_run: DryRun,
    /// Wait until the stacks are ready; stop at once where a person must act
    #[arg(long)]
    wait: bool,
    /// How long to wait; 0 means for ever
    #[arg(long, default_value = "30m", value_parser = duration, requires = "wait", value_name = "DURATION")]
    timeout: Duration,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum DryRun {
    None,
    Server,
}

impl Apply {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let dry_run = self.dry_run == DryRun::Server;
        if dry_run && self.wait {
            return Err(Failure::Usage("--wait has nothing to wait for with --dry-run=server".to_owned()));
        }
        let manifests = yaml::load(&self.files, session)?;
        let mut failures = Vec::new();
        let mut applied = Vec::new();
        for manifest in &manifests {
            match one(session, manifest, dry_run).await {
                Ok(()) => applied.push(manifest),
                Err(failure @ (Failure::BrokenPipe | Failure::Unreachable { .. })) => return Err(failure),
                Err(failure) => failures.push(failure),
            }
        }
        Failure::all(failures)?;
        if self.wait {
            wait(session, &applied, self.timeout).await?;
        }
        Ok(Outcome::Done)
    }
}

async fn one(session: &mut Session, manifest: &Manifest, dry_run: bool) -> Result<(), Failure> {
    let done = upsert(session, manifest, dry_run, true).await?;
    let suffix = if dry_run { " (server dry run)" } else { "" };
    session.out.line(&format!("{} {}{suffix}", manifest.full_name(), done.change.word()))
}

async fn wait(session: &mut Session, applied: &[&Manifest], timeout: Duration) -> Result<(), Failure> {
    for manifest in applied.iter().filter(|manifest| manifest.kind == &kinds::LAMPSTACK) {
        let target = (manifest.kind, manifest.namespace.as_str(), manifest.name.as_str());
        await_goal(session, target, &Goal::ready(), timeout).await?;
        session.out.line(&format!("{} condition met", manifest.full_name()))?;
    }
    Ok(())
}
