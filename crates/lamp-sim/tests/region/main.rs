//! The simulated region against what AWS documents and shows.

#![allow(clippy::unwrap_used, clippy::panic, reason = "helpers of tests, outside test functions")]

mod site;

mod consistency;
mod convergence;
mod creation;
mod faults;
mod groups;
mod life_cycles;
mod metrics;
mod pages;
mod refusals;
mod repeatability;
mod roles;
mod tracking;
