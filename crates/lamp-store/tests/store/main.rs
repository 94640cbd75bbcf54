//! What the store promises, on each backend.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic, reason = "a test fails by panicking")]

mod compaction;
mod concurrency;
mod durability;
mod faults;
mod laws;
mod model;
mod recovery;
mod support;
mod watching;
