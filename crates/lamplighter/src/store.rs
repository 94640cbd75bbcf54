//! `lamplighter store`: a data directory without a daemon. Each task takes the directory for itself, and refuses one that
//! a daemon has.

use std::path::Path;

use anyhow::{Result, bail};
use lamp_store::{Store, care};

use crate::args::{StoreArgs, StoreTask};

/// Carries out one task, and prints what came of it.
pub(crate) fn run(args: &StoreArgs) -> Result<()> {
    let dir = args.data_dir.as_path();
    match &args.task {
        StoreTask::Verify => verify(dir),
        StoreTask::Export { file } => export(dir, file),
        StoreTask::Import { file } => import(dir, file),
        StoreTask::Rebuild => rebuild(dir),
        StoreTask::Confirm => confirm(dir),
    }
}

fn verify(dir: &Path) -> Result<()> {
    let verified = care::verify(dir)?;
    println!("{}: {}", dir.display(), verified.journal);
    for (plural, count) in &verified.counts {
        println!("  {count} {plural}");
    }
    println!("  {} lines of the audit log", verified.audit.entries);
    if let Some(broken) = &verified.audit.broken {
        println!("tampered with, or damaged: the audit log, {broken}");
    }
    for damage in &verified.damage {
        println!("damaged: {damage}");
    }
    match &verified.lost {
        Some(lost) => bail!(
            "the store is damaged, and something of it is lost: {lost}. Restore a backup, or give up what is lost with \
             `lamplighter store rebuild --data-dir {}`",
            dir.display()
        ),
        None if verified.damage.is_empty() && verified.audit.broken.is_some() => {
            bail!("the audit log is not as it was written; the rest is sound")
        }
        None if verified.is_sound() => println!("sound: everything is as it was written"),
        None => {
            bail!("the store is damaged, and nothing of it is lost: the daemon makes it good when it starts")
        }
    }
    Ok(())
}

fn export(dir: &Path, file: &Path) -> Result<()> {
    let rows = care::export(dir, file)?;
    println!("{rows} rows of {} are in {}", dir.display(), file.display());
    Ok(())
}

fn import(dir: &Path, file: &Path) -> Result<()> {
    let rows = care::import(file, dir)?;
    println!("{} holds the {rows} rows of {}", dir.display(), file.display());
    Ok(())
}

fn rebuild(dir: &Path) -> Result<()> {
    let rebuilt = care::rebuild(dir)?;
    for damage in &rebuilt.damage {
        println!("was damaged: {damage}");
    }
    println!(
        "{} holds {} rows and is sound; what was damaged is in its replaced-… folders",
        dir.display(),
        rebuilt.rows
    );
    if rebuilt.lost > 0 {
        println!(
            "the last {} batches of writes are lost: compare `kubectl get lamp -A -o yaml` with what should be there",
            rebuilt.lost
        );
    }
    Ok(())
}

/// Opens the store as the daemon does: what is damaged is made good on the way.
fn confirm(dir: &Path) -> Result<()> {
    if !dir.is_dir() {
        bail!("there is no data directory {}", dir.display());
    }
    let store = Store::open(dir, jiff::Timestamp::now)?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    match runtime.block_on(lamp_controller::confirm_epoch(&store))? {
        Some(time) => println!(
            "{} stands from now on, although AWS carries resources that were made after it, in the hour after {time}. \
             What it does not know is left alone until it is adopted",
            dir.display()
        ),
        None => println!("{} was not found to be older than AWS: nothing is to be confirmed", dir.display()),
    }
    Ok(())
}
