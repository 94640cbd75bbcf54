//! What the spec no longer wants.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Intent, Kind, LedgerEntry, Part, Request};

use crate::protocol::{CALL_DEADLINE, Removal, remove};
use crate::{Draft, PlanInput, Settlement, parts};

/// How long the record of something live (a replaced instance, a target) is kept: budgets look back an hour.
const LIVE_RECORDS_KEPT: Duration = Duration::from_secs(24 * 3600);

/// How long a replacement whose reply was lost counts as done, as it may have been.
const REPLACEMENTS_COUNTED: Duration = Duration::from_secs(3600);

/// Removes the parts that the spec no longer wants, those that others use last.
pub(crate) fn plan_obsolete(draft: &mut Draft<'_>) {
    let pool = draft.input.spec.database.is_some();
    let mut obsolete = declared(&draft.input);
    let in_pool = |part: &Part| pool && parts::replica_slot(part).is_some();
    obsolete.retain(|part, _| !draft.wanted.contains(part) && !in_pool(part));
    for (part, kind) in obsolete {
        if remove(draft, &part, kind, "the spec no longer wants it", &Removal::default()) {
            draft.plan.parts.remove(&part);
        }
    }
    settle_live_records(draft);
}

/// Every declared part that is listed with our tags or recorded, with its kind.
pub(crate) fn declared(input: &PlanInput<'_>) -> BTreeMap<Part, Kind> {
    let recorded = input.ledger.iter().filter_map(|(part, entry)| Some((part.clone(), kind_of(entry)?)));
    let listed = input.inventory.resources().filter(|row| row.belongs_to(input.owner));
    recorded.chain(listed.filter_map(|row| Some((row.part()?, row.kind())))).collect()
}

/// The kind that a record is of; `None` for live things.
fn kind_of(entry: &LedgerEntry) -> Option<Kind> {
    let created = |request: &Request| match request {
        Request::Create { body, .. } => Some(body.kind()),
        _ => None,
    };
    let open = entry.open.as_ref().and_then(|intent| created(&intent.request));
    entry.kind.or(open).or_else(|| entry.last.as_ref().and_then(|last| created(&last.request)))
}

/// Closes the open intents of live things, which are planned afresh from observation, and drops old records.
pub(crate) fn settle_live_records(draft: &mut Draft<'_>) {
    for (part, entry) in draft.input.ledger.iter().filter(|(_, entry)| kind_of(entry).is_none()) {
        if draft.plan.settlements.contains_key(part) || draft.acts_on(part) {
            continue;
        }
        match &entry.open {
            Some(intent) if is_known(draft, intent) => draft.settle(part, Settlement::Void),
            Some(intent) => draft.look_at(settled_at(intent)),
            None if is_old(draft, entry) => draft.settle(part, Settlement::Forget),
            None => {}
        }
    }
}

fn is_known(draft: &Draft<'_>, intent: &Intent) -> bool {
    draft.input.inventory.observed_at() >= settled_at(intent)
}

/// When nothing depends on an open intent any more: no reply, and no budget.
fn settled_at(intent: &Intent) -> Timestamp {
    let kept = match intent.request {
        Request::ReplaceInstance { .. } => REPLACEMENTS_COUNTED,
        _ => CALL_DEADLINE,
    };
    intent.started_at + kept
}

fn is_old(draft: &Draft<'_>, entry: &LedgerEntry) -> bool {
    entry.last.as_ref().is_none_or(|last| draft.input.now >= last.at + LIVE_RECORDS_KEPT)
}
