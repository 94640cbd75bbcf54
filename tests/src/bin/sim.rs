//! Random faults against the simulated region. Exits 1 on a violation; the last line is a summary.

use std::process::ExitCode;
use std::time::Duration;

use anyhow::Result;
use clap::Parser;
use lamp_tests::swarm::{Summary, swarm};

/// Lets sites come up and live in random trouble; exits 1 if one does not recover, or breaks a law.
#[derive(Parser)]
#[command(name = "cargo xtask sim")]
struct Args {
    /// How long seeds are taken; 0 takes the first only.
    #[arg(long, value_name = "N", default_value_t = 1)]
    minutes: u64,
    /// The first seed; the next ones follow it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let workers =
        if args.minutes == 0 { 1 } else { std::thread::available_parallelism().map_or(1, usize::from) };
    let summary = swarm(args.seed, Duration::from_secs(args.minutes * 60), workers, |seed, story| {
        println!("seed {seed}: {story}\nreplay it: cargo xtask sim --minutes 0 --seed {seed}\n");
    })?;
    println!("{}", line(&summary));
    Ok(if summary.failures.is_empty() { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn line(summary: &Summary) -> String {
    let lived = &summary.lived;
    format!(
        "{} seeds, {} violations, {} simulated hours, {} crashes, {} instances hurt, {} mutations struck",
        summary.seeds,
        summary.failures.len(),
        lived.simulated.as_secs() / 3600,
        lived.crashes,
        lived.instances_hurt,
        lived.calls_struck,
    )
}
