//! Random faults against the simulated region. Exits 1 on a violation; the last line is a summary.

use std::collections::BTreeSet;
use std::process::ExitCode;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use anyhow::{Context, Result};
use clap::Parser;
use lamp_tests::bugs::Bug;
use lamp_tests::swarm::{Calms, Failure, Order, Summary, Trouble, boundaries, dies_twice, hunt, swarm, tell};

/// Lets sites come up and live in random trouble; exits 1 if one does not recover, or breaks a law.
#[derive(Parser)]
#[command(name = "cargo xtask sim")]
struct Args {
    /// How long seeds are taken; 0 takes the first only, and tells what happened.
    #[arg(long, value_name = "N", default_value_t = 1)]
    minutes: u64,
    /// The first seed; the next ones follow it.
    #[arg(long, value_name = "N", default_value_t = 1)]
    seed: u64,
    /// Take at most so many seeds.
    #[arg(long, value_name = "N", default_value_t = u64::MAX)]
    seeds: u64,
    /// Seeds at once. Default: as many as there are cores.
    #[arg(long, value_name = "N")]
    workers: Option<usize>,
    /// Of the one seed, only the ingredients with these numbers, or `none`.
    #[arg(long, value_name = "N,N", value_delimiter = ',')]
    keep: Option<Vec<String>>,
    /// Of the one seed, only so many seconds.
    #[arg(long, value_name = "SECONDS")]
    span: Option<u64>,
    /// Seeds for eight hours, then deaths at every ordered pair of boundaries of the smallest site.
    #[arg(long)]
    long: bool,
    /// Puts bugs in, one at a time, and counts the seeds that it takes to find each.
    #[arg(long)]
    seeded_bugs: bool,
}

fn main() -> Result<ExitCode> {
    let args = Args::parse();
    let calms = Calms::default();
    let fine = if args.seeded_bugs {
        seeded_bugs(&args, &calms)
    } else if args.long {
        let seeds = many(&Args { minutes: 480, ..args }, &calms);
        pairs()? && seeds
    } else if args.minutes == 0 {
        one(&args, &calms)?
    } else {
        many(&args, &calms)
    };
    Ok(if fine { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn cores() -> usize {
    std::thread::available_parallelism().map_or(1, usize::from)
}

/// One trouble, told.
fn one(args: &Args, calms: &Calms) -> Result<bool> {
    let mut trouble = Trouble::draw(args.seed);
    if let Some(keep) = &args.keep {
        let numbers = keep.iter().filter(|word| *word != "none").map(|word| word.parse());
        let numbers: BTreeSet<usize> =
            numbers.collect::<Result<_, _>>().context("--keep takes numbers, or `none`")?;
        trouble = trouble.with_only(&numbers);
    }
    if let Some(span) = args.span {
        trouble = trouble.within(Duration::from_secs(span));
    }
    println!("{trouble}");
    let began = Instant::now();
    let (outcome, story) = tell(&trouble, calms, None);
    println!("{story}");
    let mut summary = Summary { seeds: 1, worked: began.elapsed(), ..Summary::default() };
    match outcome {
        Ok(lived) => summary.lived = lived,
        Err(failure) => {
            println!("{}: {}", failure.kind, failure.text);
            summary.failures.push(*failure);
        }
    }
    println!("{}", summary.line());
    Ok(summary.failures.is_empty())
}

fn many(args: &Args, calms: &Calms) -> bool {
    let order = Order {
        first: args.seed,
        seeds: args.seeds,
        span: Duration::from_secs(args.minutes * 60),
        workers: args.workers.unwrap_or_else(cores),
    };
    let summary = swarm(order, calms, report);
    println!("{}", summary.lived.coverage);
    let holes = summary.lived.coverage.holes();
    if !holes.is_empty() {
        println!("not met by these seeds: {}", holes.join(", "));
    }
    println!("{}", summary.line());
    summary.failures.is_empty()
}

fn report(failure: &Failure) {
    println!("{}{}", failure.story, failure.trouble);
    println!("{}: {}", failure.kind, failure.text);
    println!("replay it: {}\n", failure.trouble.command());
}

/// A bug that no seed finds is a hole in the simulator.
fn seeded_bugs(args: &Args, calms: &Calms) -> bool {
    let most = args.seeds.min(2000);
    let next = AtomicUsize::new(0);
    let missed = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..args.workers.unwrap_or_else(cores) {
            scope.spawn(|| {
                while let Some(bug) = Bug::ALL.get(next.fetch_add(1, Ordering::Relaxed)) {
                    match hunt(*bug, calms, args.seed, most) {
                        Some(found) => {
                            let text = found.text.lines().next().unwrap_or_default();
                            let text: String = text.chars().take(110).collect();
                            let (seeds, took) = (found.seeds, found.took.as_secs_f64());
                            println!(
                                "{bug:?}: found by {} after {seeds} seeds, {took:.1} s: {text}",
                                found.kind
                            );
                        }
                        None => {
                            missed.fetch_add(1, Ordering::Relaxed);
                            println!("{bug:?}: not found in {most} seeds");
                        }
                    }
                }
            });
        }
    });
    let (all, missed) = (Bug::ALL.len(), missed.into_inner());
    println!("{} of {all} bugs found", all - missed);
    missed == 0
}

/// The smallest site, dead at every ordered pair of boundaries.
fn pairs() -> Result<bool> {
    const SPEC: &str = "whatisthetime";
    let (count, census) = boundaries(SPEC)?;
    let next = AtomicUsize::new(0);
    let broken = AtomicUsize::new(0);
    std::thread::scope(|scope| {
        for _ in 0..cores() {
            scope.spawn(|| {
                loop {
                    let index = next.fetch_add(1, Ordering::Relaxed);
                    if index >= count * count {
                        return;
                    }
                    if let Err(error) = dies_twice(SPEC, index / count, index % count, &census) {
                        broken.fetch_add(1, Ordering::Relaxed);
                        println!("{error:#}");
                    }
                }
            });
        }
    });
    let broken = broken.into_inner();
    println!("{} pairs of boundaries, {broken} violations", count * count);
    Ok(broken == 0)
}
