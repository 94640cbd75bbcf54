//! The store under fire: kills, full disks, flipped bits. Exits 1 if anything is lost, silently smaller, or hangs; the last
//! line is a summary.

use std::path::PathBuf;
use std::process::ExitCode;

use anyhow::Result;
use clap::Parser;
use lamp_tests::fire::{self, Fire, Report};

/// Kills processes that write a store, fills their disk, flips bits in their files; exits 1 on any loss.
#[derive(Parser)]
#[command(name = "cargo xtask store-fire")]
struct Args {
    /// SIGKILLs, at any moment.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    kills: u32,
    /// Disks that fill up and have room again. As root on a small file system, otherwise by a limit of the process.
    #[arg(long, value_name = "N", default_value_t = 50)]
    full_disks: u32,
    /// Stores in which bits flip.
    #[arg(long, value_name = "N", default_value_t = 1_000)]
    flips: u32,
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// The process that is killed.
    #[arg(long, hide = true, value_name = "DIR")]
    write: Option<PathBuf>,
    /// The process that looks.
    #[arg(long, hide = true, value_name = "DIR")]
    check: Option<PathBuf>,
    /// How often each of its writers writes; for ever, if not given.
    #[arg(long, hide = true, value_name = "N")]
    rounds: Option<u64>,
    /// How large an object is.
    #[arg(long, hide = true, value_name = "N", default_value_t = 512)]
    bytes: usize,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    if let Some(dir) = &args.write {
        fire::write(dir, args.rounds, args.bytes)?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(dir) = &args.check {
        fire::check(dir)?;
        return Ok(ExitCode::SUCCESS);
    }
    let Args { kills, full_disks, flips, seed, .. } = args;
    let report = fire::fire(&Fire { kills, full_disks, flips, seed })?;
    for failure in &report.failures {
        println!("{failure}");
    }
    println!("{}", line(&args, &report));
    Ok(if report.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(args: &Args, report: &Report) -> String {
    let by = report.full_disks_by.map(|by| format!(" (by {by})")).unwrap_or_default();
    format!(
        "{} kills, {} full disks{by}, {} flips: {} failures; {} acknowledged writes looked for, {} stores made good, \
         {} refused whose only copy was hit, slowest opening {:.1} s",
        args.kills,
        args.full_disks,
        args.flips,
        report.failures.len(),
        report.acknowledged,
        report.repaired,
        report.refused,
        report.slowest.as_secs_f64(),
    )
}
