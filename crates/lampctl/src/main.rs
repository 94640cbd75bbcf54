//! `lampctl`, also `kubectl lamp`: the command line of Lamplighter.
//!
//! It speaks the Kubernetes API to the daemon, and knows the kinds on the wire and, for `replay`, the evaluator of
//! scaling policies: not the store, not AWS. Data goes to standard output, talk to standard error; [`exit`] says what the codes mean.

mod age;
mod cli;
mod client;
mod commands;
mod exit;
mod kubeconfig;
mod merge;
mod plot;
mod printer;
mod progress;
mod replay;
mod session;
mod target;
mod view;
mod yaml;

use std::process::ExitCode;

#[tokio::main(flavor = "current_thread")]
async fn main() -> ExitCode {
    let invocation = match cli::parse(std::env::args_os()) {
        Ok(invocation) => invocation,
        Err(error) => return cli::refuse(&error),
    };
    let differs_is_one = matches!(invocation.command, cli::Command::Diff(_));
    let result = commands::run(invocation).await;
    exit::finish(result, differs_is_one)
}
