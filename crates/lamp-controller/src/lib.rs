//! The controller: keeps AWS as the stored specs say, by observing, planning, checking and executing, again and again.
//!
//! [`Engine`] is the controller step by step, [`Controller`] the daemon's loop around it. All that matters is in the
//! store: a controller that dies at any instruction is followed by one that goes on from observation and the open
//! intents. This crate must not know HTTP, the AWS SDK, the simulator or how bytes are stored.
//!
//! | file | is |
//! |---|---|
//! | `engine` | the steps: observe, reconcile, answer |
//! | `observer` | one pass over the region, for all stacks |
//! | `reconcile` | one stack: read, plan, check, execute, report |
//! | `execute`, `outcome` | the only place that changes AWS, and what a reply means |
//! | `ledger` | intents and records in the store |
//! | `epoch` | whether the store is as new as what AWS carries |
//! | `requeue` | when a key is looked at again: the only such policy |
//! | `status`, `report`, `recorder` | what people and machines are told |
//! | `answer`, `scaling_history` | `Plan` and `ScalingHistory` objects |
//! | `regions` | which engine minds which object, where a daemon has several |
//! | `operations` | orders about the database of a stack: whose turn it is, and what became of them |
//! | `orphans` | what carries our tags and belongs to nobody, and its deletion where a person orders it |
//! | `budget`, `calls`, `metered`, `meters` | rates of calls, the calls, and what is told of them |
//! | `trouble` | services that fail more often than not |
//! | `controller` | the loop of the daemon |
//! | `runtime` | queue, runner and informer: they know keys, and nothing of stacks |

mod answer;
mod audit;
mod budget;
mod calls;
mod controller;
mod engine;
mod epoch;
mod execute;
mod finalizer;
mod import;
mod ledger;
mod metered;
mod meters;
mod metrics;
mod observer;
mod operations;
mod orphans;
mod outcome;
mod question;
mod recollection;
mod reconcile;
mod recorder;
mod regions;
mod report;
mod requeue;
mod runtime;
#[cfg(feature = "sabotage")]
mod sabotage;
mod scaling_history;
mod settings;
mod settled;
mod stack;
mod status;
mod time;
mod trouble;

pub use controller::{Controller, Readiness};
pub use engine::{Deps, Engine};
pub use epoch::confirm_epoch;
pub use metered::Metered;
pub use metrics::Metrics;
pub use observer::Observed;
pub use orphans::{Orphan, Orphans};
pub use requeue::Requeue;
#[cfg(feature = "sabotage")]
pub use sabotage::Sabotage;
pub use settings::Settings;
