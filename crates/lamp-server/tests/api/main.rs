//! The API as clients see it: over HTTP, and through every kubectl that is installed.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod about;
mod access;
mod applying;
mod creating;
mod deleting;
mod full_disk;
mod harness;
mod kubectl;
mod limits;
mod listing;
mod namespaces;
mod operations;
mod orphans;
mod scaling_history;
mod tls;
mod updating;
mod watching;
