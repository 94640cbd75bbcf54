//! The adapter over the real SDK, against an emulator of AWS: every kind is made, listed, changed, listed and deleted.
//!
//! The emulator proves the wire, not the behaviour: every state change is instantaneous, and some things it does
//! wrong. Where it does, a test asserts what matters and says so.

#![allow(clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod account;
mod compute;
mod connect;
mod database;
mod errors;
mod live;
mod load_balancing;
mod network;
mod secrets;
mod server;
mod stub;
