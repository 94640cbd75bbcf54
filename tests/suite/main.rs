//! Every test that needs more than one crate.

mod crash;
mod endpoint;
mod layers;
mod support;
mod tidy;
