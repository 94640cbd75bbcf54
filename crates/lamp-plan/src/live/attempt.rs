//! Records of calls to live things: when one may be sent again, and when its record is forgotten.

use jiff::{SignedDuration, Timestamp};
use lamp_cloud::{LedgerEntry, Outcome, Part, ResourceId};

use crate::backoff::retry_at;
use crate::{Draft, PlanInput, Settlement};

const INSTANCE: &str = "instance/";
const ROLLOUT: &str = "/rollout";
const TAGS: &str = "/tags";
const TARGETS: &str = "targets/";
/// Longer than the hour that replacements are counted in.
const KEPT: SignedDuration = SignedDuration::from_secs(2 * 3600);

/// The record of healing an instance.
pub(crate) fn instance_part(id: &ResourceId) -> Part {
    Part::new(format!("{INSTANCE}{id}"))
}

/// The record of replacing an instance that is healthy but of an old version. It does not use up the replacements
/// that healing has in an hour.
pub(crate) fn rollout_part(id: &ResourceId) -> Part {
    Part::new(format!("{INSTANCE}{id}{ROLLOUT}"))
}

/// The record of putting the tags of an instance back.
pub(crate) fn tags_part(id: &ResourceId) -> Part {
    Part::new(format!("{INSTANCE}{id}{TAGS}"))
}

/// The record of registering targets of a tier, or of deregistering them.
pub(crate) fn targets_part(tier: &str, what: &str) -> Part {
    Part::new(format!("{TARGETS}{tier}/{what}"))
}

/// Whether a part is a record of healing an instance.
pub(crate) fn is_healing(part: &Part) -> bool {
    part.as_str().strip_prefix(INSTANCE).is_some_and(|id| !id.contains('/'))
}

/// Whether a part is a record of a rollout.
pub(crate) fn is_rollout(part: &Part) -> bool {
    part.as_str().strip_prefix(INSTANCE).is_some_and(|id| id.ends_with(ROLLOUT))
}

fn is_live(part: &Part) -> bool {
    part.as_str().starts_with(INSTANCE) || part.as_str().starts_with(TARGETS)
}

/// When the call was made that a record speaks of.
pub(crate) fn sent_at(entry: &LedgerEntry) -> Option<Timestamp> {
    let open = entry.open.as_ref().map(|intent| intent.started_at);
    open.or_else(|| entry.last.as_ref().map(|finished| finished.at))
}

/// Whether the call of `part` may be made now. Each is harmless when repeated, but its effect needs time to show.
pub(crate) fn may_send(input: &PlanInput<'_>, part: &Part) -> bool {
    let Some(entry) = input.ledger.get(part) else { return true };
    if let Some(open) = &entry.open {
        return open.is_older_than(input.settings.change_patience, input.now);
    }
    match &entry.last {
        None => true,
        Some(last) => match &last.outcome {
            Outcome::Done => input.now >= last.at + input.settings.change_patience,
            Outcome::Failed(error) => input.now >= retry_at(error, last.failures, last.at),
        },
    }
}

/// Forgets records that no budget and no repetition needs any more.
pub(crate) fn forget_old(draft: &mut Draft<'_>) {
    let input = draft.input;
    for (part, entry) in input.ledger.iter().filter(|(part, _)| is_live(part)) {
        let old = sent_at(entry).is_none_or(|at| input.now.duration_since(at) >= KEPT);
        if old {
            draft.settle(part, Settlement::Forget);
        }
    }
}
