//! The daemon: keeps LAMP sites on AWS as their specs say.

mod admin;
mod api;
mod args;
mod clock;
mod config;
mod demo;
mod home;
mod iam_policy;
mod serve;
mod simulated;
mod store;
mod telemetry;
mod wire;

use std::process::ExitCode;

use clap::Parser;
use lamp_store::StoreError;

use crate::args::{Args, Command};

/// `EX_TEMPFAIL`: another process has the data directory.
const IN_USE: u8 = 75;
/// `EX_USAGE` of sysexits.h: 2 means "there are changes" elsewhere, so a wrong flag must not.
const USAGE: u8 = 64;

fn main() -> ExitCode {
    let args = match Args::try_parse() {
        Ok(args) => args,
        Err(error) => {
            // Nothing more can be said if even this cannot be printed.
            let _ = error.print();
            return if error.use_stderr() { ExitCode::from(USAGE) } else { ExitCode::SUCCESS };
        }
    };
    match run(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("lamplighter: {error:#}");
            code(&error)
        }
    }
}

/// What scripts are told of an error.
fn code(error: &anyhow::Error) -> ExitCode {
    let is_locked = |cause: &(dyn std::error::Error + 'static)| {
        matches!(cause.downcast_ref(), Some(StoreError::Locked { .. }))
    };
    if error.chain().any(is_locked) { ExitCode::from(IN_USE) } else { ExitCode::FAILURE }
}

fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Serve(serve) => runtime()?.block_on(serve::run(*serve)),
        Command::Demo(demo) => runtime()?.block_on(demo::run(demo)),
        Command::IamPolicy(policy) => iam_policy::run(&policy),
        Command::Store(store) => store::run(&store),
    }
}

fn runtime() -> std::io::Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_multi_thread().enable_all().build()
}
