//! Prints what Lamplighter and Terraform take for the same site, side by side. `--json FILE` writes the figures as one
//! flat object too.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use clap::Parser;
use lamp_tests::peers::{self, Options};

/// Prints what Lamplighter and Terraform take for the same site, side by side.
#[derive(Parser)]
#[command(name = "cargo xtask peers")]
struct Args {
    /// Writes the figures as one flat JSON object too.
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
    /// Numbers of stacks to measure; drifts are played with one.
    #[arg(long, value_name = "N,N,...", value_delimiter = ',', default_value = "1,5,20")]
    stacks: Vec<usize>,
    /// Folder of Terraform's configuration (`terraform/`) and of what it needs of the emulator; found in `shared/peers`
    /// beside or above the workspace.
    #[arg(long, value_name = "DIR")]
    peer: Option<PathBuf>,
    /// Leaves Terraform out.
    #[arg(long, conflicts_with = "peer")]
    alone: bool,
    /// Leaves the drifts out.
    #[arg(long, conflicts_with = "drifts")]
    no_drift: bool,
    /// Only these drifts, by the names that they have in figures.
    #[arg(long, value_name = "NAME,NAME,...", value_delimiter = ',')]
    drifts: Vec<String>,
}

fn main() -> Result<()> {
    let args = Args::parse();
    let options = Options {
        peer: if args.alone { None } else { args.peer.clone().or_else(beside) },
        drifts: if args.no_drift { Vec::new() } else { peers::drifts(&args.drifts)? },
        stacks: args.stacks,
    };
    let figures = tokio::runtime::Runtime::new()?.block_on(peers::run(&options))?;
    if let Some(path) = args.json {
        let text = format!("{:#}\n", figures.to_json());
        fs::write(&path, text).with_context(|| format!("cannot write {}", path.display()))?;
    }
    Ok(())
}

/// The folder of the peer, if there is one.
fn beside() -> Option<PathBuf> {
    let above = Path::new(env!("CARGO_MANIFEST_DIR")).ancestors();
    above.map(|folder| folder.join("shared/peers")).find(|folder| folder.is_dir())
}
