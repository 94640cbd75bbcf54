//! What healing keeps of a tier from one process to the next: read from the record of its group, written with the plan.

use lamp_api::v1alpha1::Tier;
use lamp_cloud::HealingRecord;

use crate::{Draft, PlanInput, parts};

/// The record as it stands at the end of this plan, as far as that is made.
pub(crate) fn of(draft: &Draft<'_>, tier: &Tier) -> HealingRecord {
    let part = parts::auto_scaling_group(&tier.name);
    draft.plan.healing.get(&part).cloned().unwrap_or_else(|| written(&draft.input, tier))
}

/// The record as the last plan left it.
pub(crate) fn written(input: &PlanInput<'_>, tier: &Tier) -> HealingRecord {
    let entry = input.ledger.get(&parts::auto_scaling_group(&tier.name));
    entry.map(|entry| entry.healing.clone()).unwrap_or_default()
}

/// Keeps a record, if it says something new.
pub(super) fn keep(draft: &mut Draft<'_>, tier: &Tier, record: HealingRecord) {
    let part = parts::auto_scaling_group(&tier.name);
    if record == written(&draft.input, tier) {
        draft.plan.healing.remove(&part);
    } else {
        draft.plan.healing.insert(part, record);
    }
}

/// Whether a person asked for another look since something was recorded with the request of then.
pub(super) fn is_asked_again(input: &PlanInput<'_>, then: Option<&str>) -> bool {
    input.requested.is_some() && input.requested != then
}
