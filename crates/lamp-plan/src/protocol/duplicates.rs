//! A part that is there twice: a lost reply left one behind.

use lamp_cloud::{Difference, Kind, Mutability, Part, Resource, ResourceId, State};

use super::removal::{Removal, delete};
use crate::observed::{is_grave, made_by_us, referrers, rows};
use crate::{Draft, Effect};

/// Removes what is there beside `kept`, once it is certain that it is ours, old, and that nothing uses it.
pub(super) fn sweep(draft: &mut Draft<'_>, part: &Part, kind: Kind, kept: &ResourceId) {
    let recorded = draft.entry(part).is_some_and(|entry| entry.id.as_ref() == Some(kept));
    let others: Vec<&Resource> = rows(&draft.input, part, kind)
        .into_iter()
        .map(std::convert::AsRef::as_ref)
        .filter(|row| row.id != *kept && !is_grave(row) && row.state != State::Deleting)
        .collect();
    for row in others {
        let removable = recorded
            && is_old(draft, part)
            && !kind.holds_data()
            && made_by_us(&draft.input, part, row)
            && is_twin(draft, part, kind, kept, row)
            && referrers(&draft.input, &row.id).is_empty();
        if removable && !draft.acts_on(part) {
            let reason = format!("{} is a duplicate of {kept} that a lost reply left behind", row.id);
            let report = draft.plan.parts.get(part).cloned();
            delete(draft, part, row, Effect::Delete, reason, &Removal::default());
            // The report stays that of the resource that is kept.
            if let Some(report) = report {
                draft.plan.parts.insert(part.clone(), report);
            }
        } else {
            draft.decide(part, "Duplicate", format!("{} carries the tags of {part} beside {kept}", row.id));
        }
    }
}

/// Whether it could come from the creation that made `kept`. A stranger with copied tags is another thing.
fn is_twin(draft: &Draft<'_>, part: &Part, kind: Kind, kept: &ResourceId, row: &Resource) -> bool {
    let fixed = |difference: &Difference| {
        matches!(difference.mutability, Mutability::Never | Mutability::Replacement)
    };
    let twins = rows(&draft.input, part, kind);
    let kept = twins.iter().find(|other| other.id == *kept);
    kept.is_some_and(|kept| !kept.body.differences(&row.body).iter().any(fixed))
}

/// Whether everything that the creation could have made is visible by now.
fn is_old(draft: &Draft<'_>, part: &Part) -> bool {
    let created_at = draft.entry(part).and_then(|entry| entry.created_at);
    created_at
        .is_some_and(|at| draft.input.inventory.observed_at() >= at + draft.input.settings.consistency_window)
}
