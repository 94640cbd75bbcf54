//! What to do next, as a pure function: `plan(&PlanInput) -> Plan`.
//!
//! A plan holds only what is safe to do now; what must wait stands in its report, with the reason. No plan is stored
//! or resumed. This crate must not know async, clocks, randomness, environment, files or network: time is a field.
//!
//! Start at [`plan()`]; the protocol that every declared kind of resource follows is in [`protocol`].

mod adoption;
mod ailments;
pub mod backoff;
mod check;
mod contention;
mod display;
mod disruption;
mod draft;
mod failover;
mod healing;
mod holds;
mod import;
mod input;
pub mod kinds;
mod left_alone;
mod live;
mod memory;
mod naming;
pub mod network_range;
mod observed;
mod obsolete;
pub mod parts;
mod plan;
mod preview;
mod priority;
mod promotion;
pub mod protocol;
mod queries;
pub mod replay;
mod replicas;
mod rollout;
mod scaling;
mod seen;
mod site;
mod status;
mod steps;
mod storage;
mod strangers;
mod targets;
mod teardown;
mod user_data;
mod wanted;
#[cfg(test)]
mod world;

pub use adoption::{Adoption, Future, Taken};
pub use check::{Violation, check};
pub use draft::Draft;
pub use holds::Holds;
pub use import::{Import, LeftOut, Survey, Unexpressed, import};
pub use input::{Ledger, Order, PlanInput, Settings};
pub use memory::{Memory, Prediction, ScalingMemory, Sickness, Trial};
pub use plan::{
    Action, Ask, Blocker, DatabaseReport, Effect, OrderReport, PartReport, Plan, Precondition, Settlement,
    TierReport,
};
pub use preview::{Preview, World, preview};
pub use priority::{Priority, priority};
pub use queries::queries;
pub use scaling::past::history_queries;
pub use scaling::scheduled::spec_in_force;
pub use status::{blockers, part_statuses, status};
pub use wanted::Wanted;

/// The actions that are safe now, the open intents that are settled, and what there is to say of every part.
pub fn plan(input: &PlanInput<'_>) -> Plan {
    let spec = spec_in_force(input.spec, input.now);
    let mut draft = Draft::new(PlanInput { spec: &spec, ..*input });
    steps::run(&mut draft);
    draft.plan
}
