//! Objects, revisions, the watch log and the controller's ledger, durable in one directory.
//!
//! The server and the controller meet here and nowhere else. Every write goes through one writer, which commits
//! waiting writes together and answers only after the disk has them; every read is served from memory.
//! This crate must not know HTTP, AWS, planning or reconciling, and no other crate may name its storage engine.
//!
//! | file | is |
//! |---|---|
//! | `store` | [`Store`], the handle that everybody holds |
//! | `rules` | what a create, update or delete does to an object; pure |
//! | `transaction` | a group of writes evaluated together; pure |
//! | `index` | all that is readable, in memory |
//! | `state` | the index, shared, and the signals to watches |
//! | `history` | past changes, for watches, and their compaction |
//! | `layout` | the only place that lays out bytes |
//! | `writer` | group commit and recovery after a failed one |
//! | `watch` | [`Watch`], changes from a revision on |
//! | `backend` | where rows are durable: a data directory, or memory |
//! | `journal` | every batch in order, and checkpoints: the truth of a data directory |
//! | `audit` | who asked and what was changed, in lines that prove each other |
//! | `damage` | what was found damaged, and made good |
//! | `care` | a data directory without a daemon: verify, export, import, rebuild |

mod audit;
pub mod backend;
pub mod care;
mod damage;
mod error;
mod history;
mod identity;
mod index;
mod journal;
mod key;
mod layout;
mod rules;
mod state;
mod store;
mod transaction;
mod watch;
mod writer;

pub use audit::{AuditLog, AuditVerified};
pub use damage::{Damage, DamagedPart, Health};
pub use error::StoreError;
pub use history::{ChangeKind, WatchEvent};
pub use key::{Key, Revision, Stored};
pub use rules::{Preconditions, Updated};
pub use store::{Clock, Store};
pub use watch::Watch;
