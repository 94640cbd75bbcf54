//! What lives by itself: zones, instances, network interfaces, targets and metrics.

pub(crate) mod history;
pub(crate) mod instances;
pub(crate) mod interfaces;
pub(crate) mod metrics;
pub(crate) mod targets;
pub(crate) mod zones;
