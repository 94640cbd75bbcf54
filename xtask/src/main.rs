//! The project's own chores: `cargo xtask test`, `lint`, `bench`, `peers`, `sim`, `store-fire`, `codegen`.
//!
//! Whatever a chore needs beyond cargo it fetches into `target/` itself.

mod fetch;
mod tree;

use std::process::Command;

use anyhow::{Result, ensure};
use clap::{Parser, Subcommand};

/// The project's own chores.
#[derive(Parser)]
#[command(name = "cargo xtask")]
struct Args {
    #[command(subcommand)]
    chore: Chore,
}

#[derive(Subcommand)]
enum Chore {
    /// All tests, with the AWS emulator and promtool fetched into `target/`.
    Test {
        /// Passed on to `cargo test`, for example a name to filter by.
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Formatting, clippy, and cargo-deny where it is installed.
    Lint,
    /// Prints the figures: calls, CPU, memory, times, rates.
    Bench {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// What the daemon and Terraform, where it is installed, take for the same site: calls, CPU, memory, times, drifts.
    Peers {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Random faults against the simulated region; exits 1 on a violation.
    Sim {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// The store under fire: kills, full disks, flipped bits; exits 1 if anything is lost.
    StoreFire {
        #[arg(trailing_var_arg = true, allow_hyphen_values = true)]
        arguments: Vec<String>,
    },
    /// Writes the files that are made from the sources: `specs/schema/lampstack.json`, `deploy/iam/*.json`.
    Codegen,
}

fn main() -> Result<()> {
    match Args::parse().chore {
        Chore::Test { arguments } => test(&arguments),
        Chore::Lint => lint(),
        Chore::Bench { arguments } => measure("bench", &arguments),
        Chore::Peers { arguments } => peers(&arguments),
        Chore::Sim { arguments } => measure("sim", &arguments),
        Chore::StoreFire { arguments } => measure("store-fire", &arguments),
        Chore::Codegen => tree::cargo(&["run", "--quiet", "--package", "lamp-tests", "--bin", "codegen"]),
    }
}

// One feature set for binaries and tests, so that the AWS SDKs are compiled once.
fn test(arguments: &[String]) -> Result<()> {
    let python = fetch::moto()?;
    fetch::promtool();
    tree::cargo(&["build", "--workspace", "--all-targets", "--locked"])?;
    let mut command = tree::cargo_command(&["test", "--workspace", "--locked", "--no-fail-fast"]);
    let status = command
        .args(arguments)
        .env("LAMPLIGHTER_MOTO_PYTHON", python)
        .env("LAMPLIGHTER_BINARIES", tree::target().join("debug"))
        .env("PATH", fetch::path_with_tools()?)
        .status()?;
    ensure!(status.success(), "tests failed");
    Ok(())
}

fn lint() -> Result<()> {
    tree::cargo(&["fmt", "--all", "--check"])?;
    tree::cargo(&["clippy", "--workspace", "--all-targets", "--locked", "--", "-D", "warnings"])?;
    if tree::is_installed("cargo-deny") {
        tree::cargo(&["deny", "check"])
    } else {
        eprintln!("cargo-deny is not installed: advisories and licences were not checked");
        Ok(())
    }
}

// Figures are taken from an optimised build.
fn measure(binary: &str, arguments: &[String]) -> Result<()> {
    let mut command = tree::cargo_command(&[
        "run",
        "--release",
        "--locked",
        "--quiet",
        "--package",
        "lamp-tests",
        "--bin",
        binary,
        "--",
    ]);
    let status = command.args(arguments).status()?;
    ensure!(status.success(), "{binary} ended with {status}");
    Ok(())
}

/// The daemon that is measured is built as a user builds it.
fn peers(arguments: &[String]) -> Result<()> {
    let python = fetch::moto()?;
    tree::cargo(&["build", "--release", "--locked", "--workspace", "--bins"])?;
    let folder = tree::target().join("release");
    let status = Command::new(folder.join("peers"))
        .args(arguments)
        .env("LAMPLIGHTER_MOTO_PYTHON", python)
        .env("LAMPLIGHTER_BINARIES", &folder)
        .status()?;
    ensure!(status.success(), "peers ended with {status}");
    Ok(())
}
