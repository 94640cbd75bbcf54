//! Prints the figures: calls, CPU, memory, times, rates. `--json FILE` writes them as one flat object too.

use std::fs;
use std::path::PathBuf;

use anyhow::{Context, Result};
use clap::Parser;
use lamp_tests::bench::{Figures, api, converge, scaling, speed, sweep, watch};

/// Prints the figures: calls, CPU, memory, times, rates.
#[derive(Parser)]
#[command(name = "cargo xtask bench")]
struct Args {
    /// Writes the figures as one flat JSON object too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Instead: replays the recorded loads of a folder (`timestamp,value` lines in `.csv` files) through target tracking
    /// of AWS, the Horizontal Pod Autoscaler, and the defaults of ours.
    #[arg(long, value_name = "DIR")]
    scaling: Option<PathBuf>,
    /// With `--scaling`: sets the defaults of ours beside the same with a forecast.
    #[arg(long, requires = "scaling")]
    predictive: bool,
    /// Measures one pass over so many stacks, for the process that asked.
    #[arg(long, value_name = "STACKS", hide = true)]
    sweep: Option<usize>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    if let Some(count) = args.sweep {
        print!("{}", sweep::measure(count)?.to_lines());
        return Ok(());
    }
    if let Some(folder) = args.scaling {
        let table =
            if args.predictive { scaling::predictive::table(&folder)? } else { scaling::table(&folder)? };
        print!("{table}");
        return Ok(());
    }
    let figures = all()?;
    print!("{figures}");
    if let Some(path) = args.json {
        let text = format!("{:#}\n", figures.to_json());
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

fn all() -> Result<Figures> {
    let mut figures = Figures::default();
    for count in sweep::SIZES {
        eprintln!("a pass over {count} stacks …");
        figures.extend(sweep::in_a_child(count)?);
    }
    eprintln!("from nothing to Ready …");
    figures.extend(converge::measure()?);
    eprintln!("a simulated day …");
    figures.extend(speed::measure()?);
    let runtime = tokio::runtime::Runtime::new()?;
    eprintln!("API writes and watches …");
    figures.extend(runtime.block_on(api::measure())?);
    figures.extend(runtime.block_on(watch::measure())?);
    Ok(figures)
}
