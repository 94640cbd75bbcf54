//! Fields that somebody else keeps changing back: a war between two tools ends with a word to a person, and not with
//! calls without end.
//!
//! A field that was put back three times in an hour, and is changed again, is left alone for a while. Then it is put
//! back once more; each time that this does not last, it is left alone for twice as long. What lasts for an hour is
//! forgotten.

use std::time::Duration;

use jiff::Timestamp;
use lamp_api::v1alpha1::may_be_left;
use lamp_cloud::{Corrections, Difference, Outcome, Part, token};

use crate::{Draft, PlanInput};

/// So many corrections in [`WINDOW`] that do not last are a quarrel.
const CORRECTIONS: usize = 3;
/// What lasts so long has lasted.
const WINDOW: Duration = Duration::from_secs(3600);
const FIRST_PAUSE: Duration = Duration::from_secs(1800);
const LONGEST_PAUSE: Duration = Duration::from_secs(24 * 3600);

/// A field that is left alone for a while.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Contended {
    /// How often it was put back.
    pub(crate) corrections: u32,
    pub(crate) until: Timestamp,
}

/// Whether a difference is left alone now because others insist on it.
pub(crate) fn contended(input: &PlanInput<'_>, part: &Part, difference: &Difference) -> Option<Contended> {
    let record = record(input, part, difference)?;
    let until = paused_until(record, input.now)?;
    let is_left = input.now < until && may_be_left(part.as_str(), &difference.field);
    is_left.then_some(Contended { corrections: record.count, until })
}

/// The record of corrections to the value that is wanted now: a new spec begins anew.
fn record<'a>(input: &PlanInput<'a>, part: &Part, difference: &Difference) -> Option<&'a Corrections> {
    let record = input.ledger.get(part)?.corrections.get(&difference.field)?;
    (record.wanted == fingerprint(input, part, difference)).then_some(record)
}

fn fingerprint(input: &PlanInput<'_>, part: &Part, difference: &Difference) -> String {
    token(input.owner, part, &difference.desired, 0)
}

/// Until when a field is left alone that differs at `now`; `None` where nobody insists.
fn paused_until(record: &Corrections, now: Timestamp) -> Option<Timestamp> {
    let (first, last) = (record.times.first()?, record.times.last()?);
    let quarrel = record.times.len() >= CORRECTIONS && *last <= *first + WINDOW && now <= *last + WINDOW;
    (record.pauses > 0 || quarrel).then(|| *last + pause(record.pauses))
}

fn pause(pauses: u32) -> Duration {
    FIRST_PAUSE.saturating_mul(2_u32.saturating_pow(pauses)).min(LONGEST_PAUSE)
}

/// Notes that these differences are put right now.
pub(crate) fn note(draft: &mut Draft<'_>, part: &Part, differences: &[Difference]) {
    let Some(entry) = draft.entry(part).filter(|entry| entry.completed_at.is_some()) else { return };
    let mut corrections = entry.corrections.clone();
    for difference in differences {
        corrections.insert(difference.field.clone(), corrected(&draft.input, part, difference));
    }
    if corrections != entry.corrections {
        draft.plan.corrections.insert(part.clone(), corrections);
    }
}

/// The record after one more correction. A further call of the same correction, and one after a failure, is none. One
/// that is sent again because no reading shows the first counts: whoever undoes it before we look is never seen to.
fn corrected(input: &PlanInput<'_>, part: &Part, difference: &Difference) -> Corrections {
    let now = input.now;
    let known = record(input, part, difference).and_then(|record| Some((record, *record.times.last()?)));
    match known {
        Some((record, last)) if now < last + input.settings.change_patience || failed(input, part) => {
            record.clone()
        }
        Some((record, _)) if paused_until(record, now).is_some() => Corrections {
            times: vec![now],
            count: record.count.saturating_add(1),
            pauses: record.pauses.saturating_add(1),
            ..record.clone()
        },
        Some((record, last)) if now <= last + WINDOW => {
            let newest = record.times.len().saturating_sub(CORRECTIONS - 1);
            let times = record.times.iter().skip(newest).copied().chain([now]).collect();
            Corrections { times, count: record.count.saturating_add(1), ..record.clone() }
        }
        _ => Corrections {
            wanted: fingerprint(input, part, difference),
            times: vec![now],
            count: 1,
            pauses: 0,
        },
    }
}

fn failed(input: &PlanInput<'_>, part: &Part) -> bool {
    let last = input.ledger.get(part).and_then(|entry| entry.last.as_ref());
    last.is_some_and(|last| matches!(last.outcome, Outcome::Failed(_)))
}

/// Forgets what has lasted; `differing` are the fields that have not.
pub(crate) fn forget(draft: &mut Draft<'_>, part: &Part, differing: &[&str]) {
    let Some(entry) = draft.entry(part).filter(|entry| !entry.corrections.is_empty()) else { return };
    let mut corrections = entry.corrections.clone();
    corrections.retain(|field, record| {
        let lasted_at = record.times.last().map(|last| *last + WINDOW);
        let lasts = !differing.contains(&field.as_str());
        if let Some(at) = lasted_at.filter(|at| lasts && draft.input.now < *at) {
            draft.look_at(at);
        }
        !lasts || lasted_at.is_some_and(|at| draft.input.now < at)
    });
    if corrections != entry.corrections {
        draft.plan.corrections.insert(part.clone(), corrections);
    }
}
