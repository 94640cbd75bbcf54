//! Whether a plan says that there is nothing left to do, and nothing to wait for.

use lamp_api::v1alpha1::PartState;
use lamp_plan::{Ledger, Plan, PlanInput};

/// Planning again from the same observation would find the same: it may be left out until something changes.
pub(crate) fn is_settled(plan: &Plan, ledger: &Ledger, input: &PlanInput<'_>) -> bool {
    !input.deleting
        && plan.actions.is_empty()
        && plan.settlements.is_empty()
        && plan.parts.values().all(|report| report.state == PartState::Ready)
        && plan.memory.sick.is_empty()
        && ledger.values().all(|entry| entry.open.is_none())
}
