//! What lives by itself: zones, instances, targets and metrics.

pub(crate) mod instances;
pub(crate) mod metrics;
pub(crate) mod targets;
pub(crate) mod zones;
