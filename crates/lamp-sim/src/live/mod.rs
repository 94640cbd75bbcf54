//! What lives by itself: instances, their groups and targets, databases, network interfaces, the load and its metrics.

mod condemned;
pub(crate) mod databases;
pub(crate) mod groups;
mod history;
pub(crate) mod instances;
pub(crate) mod interfaces;
pub(crate) mod load;
pub(crate) mod metrics;
pub(crate) mod roles;
mod service;
pub(crate) mod targets;
pub(crate) mod tracking;
pub(crate) mod windows;
pub(crate) mod zones;
