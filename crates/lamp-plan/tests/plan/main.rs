//! Plans of small sites: what is done, what waits, and the laws that hold for all of them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test that cannot go on fails")]

mod adoption;
mod blockers;
mod consent;
mod contention;
mod deletion;
mod forward;
mod golden;
mod import;
mod intents;
mod laws;
mod left_alone;
mod promotions;
mod rollout;
mod statuses;
mod support;
