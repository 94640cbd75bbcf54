//! The engine, step by step, against the simulated region.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test that cannot go on fails")]

mod answers;
mod budget;
mod calls;
mod coming_up;
mod doubt;
mod looping;
mod restraint;
mod support;
