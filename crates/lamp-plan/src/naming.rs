//! The name of a part on AWS.

use lamp_cloud::{Part, unique_name};

use crate::{PlanInput, parts};

/// The name that a part has, or gets with its next creation. A part that was lost gets another name; a read replica
/// keeps the name of its slot, because the tiers know its address.
pub(crate) fn name(input: &PlanInput<'_>, part: &Part) -> String {
    let attempt = input.ledger.get(part).map_or(0, |entry| entry.attempt);
    let attempt = if parts::replica_slot(part).is_some() { 0 } else { attempt };
    unique_name(input.owner, part, attempt)
}
