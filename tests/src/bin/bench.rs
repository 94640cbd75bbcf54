//! Prints the figures: calls, CPU, memory, times, rates. `--json FILE` writes them as one flat object too.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::{Parser, Subcommand};
use lamp_tests::bench::{Figures, api, converge, decisions, scaling, speed, sweep, watch};

/// Prints the figures: calls, CPU, memory, times, rates.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// Writes the figures as one flat JSON object too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    #[command(subcommand)]
    only: Option<Only>,
    /// Measures one pass over so many stacks, for the process that asked.
    #[arg(long, value_name = "STACKS", hide = true)]
    sweep: Option<usize>,
}

#[derive(Subcommand)]
enum Only {
    /// Replays recorded loads through target tracking of AWS, the Horizontal Pod Autoscaler, and the defaults of ours.
    Scaling {
        /// A folder of `.csv` files with lines of `timestamp,value`.
        #[arg(default_value = "../shared/traces")]
        folder: PathBuf,
        /// Sets the defaults of ours beside the same with a forecast instead.
        #[arg(long)]
        predictive: bool,
        /// Writes the figures as one flat JSON object too.
        #[arg(long, value_name = "FILE")]
        json: Option<PathBuf>,
    },
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(count) = args.sweep {
        print!("{}", sweep::measure(count)?.to_lines());
        return Ok(());
    }
    if let Some(Only::Scaling { folder, predictive, json }) = args.only {
        if predictive {
            print!("{}", scaling::predictive::table(&folder)?);
            return Ok(());
        }
        let all = scaling::replay_all(&folder)?;
        print!("{}", scaling::table(&all)?);
        let decisions = decisions::measure()?;
        print!("{decisions}");
        let mut figures = scaling::figures(&all);
        figures.extend(decisions);
        return write(&figures, json.or(args.json));
    }
    let figures = all()?;
    print!("{figures}");
    write(&figures, args.json)
}

fn write(figures: &Figures, path: Option<PathBuf>) -> Result<()> {
    let Some(path) = path else { return Ok(()) };
    let text = format!("{:#}\n", figures.to_json());
    fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn all() -> Result<Figures> {
    let mut figures = Figures::default();
    for count in sweep::SIZES {
        eprintln!("a pass over {count} stacks …");
        figures.extend(sweep::in_a_child(count)?);
    }
    eprintln!("from nothing to Ready …");
    figures.extend(converge::measure()?);
    figures.extend(decisions::measure()?);
    eprintln!("a simulated day …");
    figures.extend(speed::measure()?);
    let runtime = tokio::runtime::Runtime::new()?;
    eprintln!("API writes and watches …");
    figures.extend(runtime.block_on(api::measure())?);
    figures.extend(runtime.block_on(watch::measure())?);
    Ok(figures)
}
