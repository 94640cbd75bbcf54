//! Reasons of Events, in one place.

/// `type` of an Event.
pub const NORMAL: &str = "Normal";
/// `type` of an Event that a person should look at.
pub const WARNING: &str = "Warning";
/// `reportingComponent` of every Event.
pub const COMPONENT: &str = "lamplighter";
