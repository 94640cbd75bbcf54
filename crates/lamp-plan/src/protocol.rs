//! The protocol that every declared part follows, written once: settle what is open, find what is there, make what is
//! missing, put right what differs, and touch nothing that is not provably ours.
//!
//! It must not know any kind in particular: what a kind needs, how it is compared and how it is changed comes from
//! its body.

mod absence;
mod attempt;
mod compare;
mod duplicates;
mod intents;
pub(crate) mod interfaces;
mod removal;
mod users;

use lamp_api::v1alpha1::PartState;
use lamp_cloud::{Kind, LedgerEntry, Outcome, Part, Resource, ResourceId};

pub use attempt::propose;
pub(crate) use compare::differences;
pub(crate) use intents::{CALL_DEADLINE, settle as settle_open};
pub(crate) use removal::final_snapshot;
pub use removal::{Removal, remove};

use crate::backoff;
use crate::observed::{Holding, find};
use crate::{Draft, Settlement, Wanted};

/// Plans the next safe step towards a wanted part, and reports how it is.
pub fn ensure(draft: &mut Draft<'_>, wanted: &Wanted) {
    draft.wanted.insert(wanted.part.clone());
    let holding = find(&draft.input, &wanted.part, wanted.kind);
    if let Holding::Unknown(why) = holding {
        return unknown(draft, &wanted.part, wanted.kind, why);
    }
    if is_stale(draft, &wanted.part) {
        return stale(draft, &wanted.part, wanted.kind);
    }
    match holding {
        Holding::Held(row) => {
            if intents::settle(draft, &wanted.part, wanted.kind) {
                present(draft, wanted, row);
            }
        }
        Holding::Proven(row) => {
            draft.settle(&wanted.part, Settlement::Created(row.id.clone()));
            present(draft, wanted, row);
        }
        Holding::Unrecorded(row) => {
            if adopt(draft, &wanted.part, row) {
                present(draft, wanted, row);
            }
        }
        Holding::Gone => absence::gone(draft, wanted),
        Holding::Absent { since } => absence::absent(draft, wanted, since),
        Holding::Unknown(_) => {}
    }
}

fn present(draft: &mut Draft<'_>, wanted: &Wanted, row: &Resource) {
    compare::present(draft, wanted, row);
    duplicates::sweep(draft, &wanted.part, wanted.kind, &row.id);
}

/// Says that nothing can be said.
pub(crate) fn unknown(draft: &mut Draft<'_>, part: &Part, kind: Kind, why: String) {
    let id = draft.entry(part).and_then(|entry| entry.id.as_ref());
    draft.report(part, kind, id, PartState::Unknown, why);
}

/// Whether something was done to the part after the reading began: then the reading may not show it.
pub(crate) fn is_stale(draft: &Draft<'_>, part: &Part) -> bool {
    let observed_at = draft.input.inventory.observed_at();
    let last = draft.entry(part).and_then(|entry| entry.last.as_ref());
    last.is_some_and(|last| last.at > observed_at)
}

/// Reports what was done since the reading began, and how that ended.
pub(crate) fn stale(draft: &mut Draft<'_>, part: &Part, kind: Kind) {
    let Some(entry) = draft.entry(part) else { return };
    let failed = entry.last.as_ref().and_then(|last| match &last.outcome {
        Outcome::Failed(error) => Some((error, last.failures)),
        Outcome::Done => None,
    });
    match failed {
        Some((error, failures)) if backoff::after(error.class, failures).needs_person => {
            draft.block(part, kind, entry.id.as_ref(), error.to_string());
        }
        Some((error, _)) => draft.report(part, kind, entry.id.as_ref(), PartState::Failed, error.to_string()),
        None => {
            let reason = "changed after the last reading".to_owned();
            draft.report(part, kind, entry.id.as_ref(), PartState::Progressing, reason);
        }
    }
}

/// Takes over a resource that carries our tags but is not in our records, with consent; otherwise blocks.
pub(crate) fn adopt(draft: &mut Draft<'_>, part: &Part, row: &Resource) -> bool {
    if draft.input.adoption.allows(part, &row.id) {
        draft.settle(part, Settlement::Adopted(row.kind(), row.id.clone()));
        return true;
    }
    let reason = format!(
        "{} carries the tags of this stack but is not in our records; annotate the stack with \
         lamplighter.dev/adopt to take it over, or remove it",
        row.id
    );
    draft.block(part, row.kind(), Some(&row.id), reason);
    false
}

/// The id that our records have for a part.
fn recorded_id(entry: Option<&LedgerEntry>) -> Option<&ResourceId> {
    entry.and_then(|entry| entry.id.as_ref())
}
