//! Every test that needs more than one crate.

#![allow(clippy::expect_used, clippy::unwrap_used, clippy::panic, reason = "a test says what it expected")]

mod adoption;
mod client;
mod configuration;
mod contract;
mod crash;
mod daemon;
mod drift;
mod endpoint;
mod files;
mod fire;
mod generated;
mod kill;
mod layers;
mod metrics;
mod policy;
mod promtool;
mod readme;
mod replay_command;
mod scaling;
mod secrets;
mod secured;
mod site;
mod store_command;
mod support;
mod swarm;
mod tidy;
mod two_daemons;
mod wire;
