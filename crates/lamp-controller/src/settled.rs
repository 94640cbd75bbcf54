//! Whether a plan says that there is nothing left to do, and nothing to wait for.

use lamp_api::v1alpha1::PartState;
use lamp_plan::{Ledger, Memory, Plan, PlanInput};

/// Planning again from the same observation would find the same: it may be left out until something changes.
pub(crate) fn is_settled(plan: &Plan, ledger: &Ledger, input: &PlanInput<'_>) -> bool {
    !input.deleting
        && plan.actions.is_empty()
        && plan.settlements.is_empty()
        && plan.completed.is_empty()
        && plan.corrections.is_empty()
        && plan.versions.is_empty()
        && plan.healing.is_empty()
        && plan.seen.is_empty()
        && plan.losses.is_empty()
        && plan.promotions.is_empty()
        && input.order.is_none()
        && plan.parts.values().all(|report| report.state == PartState::Ready)
        && !is_counting(&plan.memory)
        && ledger.values().all(|entry| entry.open.is_none())
}

/// Whether something is counted from one observation to the next, even if they say the same.
fn is_counting(memory: &Memory) -> bool {
    let (scaling, started) = Default::default();
    let others = Memory { scaling, started, ..memory.clone() };
    others != Memory::default()
}
