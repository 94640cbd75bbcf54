//! What Lamplighter promises, shown in a simulated region in simulated time. Every scenario ends with the proof that
//! the region is settled: nothing more is changed for a day.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a scenario fails where it stands"
)]

mod adoption;
mod blockers;
mod causes;
mod changes;
mod clock;
mod contention;
mod creation;
mod deletion;
mod drift;
mod failover;
mod faults;
mod healing;
mod incidents;
mod instances;
mod interruption;
mod left_alone;
mod many_stacks;
mod modes;
mod native;
mod older_store;
mod orphans;
mod permissions;
mod policies;
mod predictive;
mod recorded_day;
mod replicas;
mod rollout;
mod scaling;
mod scaling_history;
mod stage;
mod static_stability;
