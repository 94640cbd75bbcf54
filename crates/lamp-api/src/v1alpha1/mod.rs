//! Version `v1alpha1` of the group `lamplighter.dev`.

mod access_token;
mod breakers;
mod database;
mod database_operation;
mod ignore;
mod import;
mod lampstack;
mod maintenance;
mod network;
mod orphan_deletion;
mod orphan_report;
mod plan;
mod scaling;
mod scaling_history;
mod status;
mod tier;
mod update;
mod validation;

pub use access_token::*;
pub use breakers::*;
pub use database::*;
pub use database_operation::*;
pub use ignore::*;
pub use import::*;
pub use lampstack::*;
pub use maintenance::*;
pub use network::*;
pub use orphan_deletion::*;
pub use orphan_report::*;
pub use plan::*;
pub use scaling::*;
pub use scaling_history::*;
pub use status::*;
pub use tier::*;
pub use update::validate_update;
pub use validation::validate;

/// `lamplighter.dev/v1alpha1`
pub const API_VERSION: &str = "lamplighter.dev/v1alpha1";
