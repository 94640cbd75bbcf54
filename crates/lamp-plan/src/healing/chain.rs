//! Replacements that fail as what they replaced did: each waits longer than the one before, and the last one for a
//! person.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::Chain;

use super::diagnosis::Patient;
use super::{Hold, record};
use crate::Draft;
use crate::status::seconds;

/// A replacement that lived so long did not fail alike.
const LASTED: SignedDuration = SignedDuration::from_secs(3600);
const FIRST_WAIT: SignedDuration = SignedDuration::from_secs(300);
const LONGEST_WAIT: SignedDuration = SignedDuration::from_secs(1800);

/// Ends a chain that a person ended, or after an hour if nobody is sick.
pub(super) fn rest(draft: &mut Draft<'_>, tier: &Tier, patients: &[Patient]) {
    let mut record = record::of(draft, tier);
    let Some(chain) = &record.chain else { return };
    let lasted = patients.is_empty() && draft.input.now.duration_since(chain.last) >= LASTED;
    if lasted || record::is_asked_again(&draft.input, chain.requested.as_deref()) {
        record.chain = None;
        record::keep(draft, tier, record);
    }
}

/// Whether the replacement of a patient may follow those before it now.
///
/// # Errors
/// What it waits for.
pub(super) fn permits(draft: &mut Draft<'_>, tier: &Tier, patient: &Patient) -> Result<(), Hold> {
    let Some(chain) = record::of(draft, tier).chain.filter(|chain| is_next(chain, patient)) else {
        return Ok(());
    };
    let (length, allowed) = (chain.length, tier.healing.max_replacements_in_a_row);
    if length >= allowed {
        let name = &draft.input.owner.name;
        return Err(Hold::for_a_person(format!(
            "{length} replacements in a row failed as well: a person must look; lampctl sync {name} goes on"
        )));
    }
    let due = chain.last.checked_add(wait(length)).unwrap_or(Timestamp::MAX);
    if draft.input.now >= due {
        return Ok(());
    }
    draft.look_at(due);
    Err(Hold::for_a_while(format!("the last replacement failed as well: the next one at {}", seconds(due).0)))
}

fn wait(length: u32) -> SignedDuration {
    let factor = 1_i32.checked_shl(length.saturating_sub(1)).unwrap_or(i32::MAX);
    FIRST_WAIT.checked_mul(factor).unwrap_or(LONGEST_WAIT).min(LONGEST_WAIT)
}

/// Whether a patient was launched after the last replacement, and so perhaps for it.
fn is_next(chain: &Chain, patient: &Patient) -> bool {
    patient.launched_at.is_some_and(|launched| launched >= chain.last)
}

/// Notes that a patient is replaced.
pub(super) fn extend(draft: &mut Draft<'_>, tier: &Tier, patient: &Patient) {
    let mut record = record::of(draft, tier);
    let (now, requested) = (draft.input.now, draft.input.requested.map(str::to_owned));
    record.chain = match record.chain {
        Some(chain) if is_next(&chain, patient) => {
            Some(Chain { length: chain.length.saturating_add(1), last: now, requested })
        }
        // One that has nothing to do with the others leaves them what they are.
        Some(chain) if now.duration_since(chain.last) < LASTED => Some(chain),
        _ => Some(Chain { length: 1, last: now, requested }),
    };
    record::keep(draft, tier, record);
}
