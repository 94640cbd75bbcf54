//! How a deletion goes: since when, what is in its way, and whether anything moved lately.

use std::time::Duration;

use jiff::Timestamp;
use lamp_api::conditions::{is_true, types};
use lamp_api::v1alpha1::{Blocker, DeletionStatus, LampStackStatus};
use lamp_cloud::Outcome;

use crate::{Ask, Plan, PlanInput, Settlement};

/// After so long without progress a deletion is stuck. The slowest step of AWS, a large final snapshot, may take as long.
const PATIENCE: Duration = Duration::from_secs(3600);

/// A status that is older was not kept: nobody was at work.
const ABSENCE: Duration = Duration::from_secs(900);

/// `None` for a stack that is not being deleted.
pub(super) fn of(
    input: &PlanInput<'_>,
    plan: &Plan,
    previous: Option<&LampStackStatus>,
) -> Option<DeletionStatus> {
    if !input.deleting {
        return None;
    }
    let now = super::seconds(input.now);
    let before = previous.and_then(|previous| previous.deletion.as_ref());
    let started_time = before.map_or_else(|| now.clone(), |before| before.started_time.clone());
    let last = before.map_or(input.now, |before| before.last_progress_time.0);
    let last = if has_progressed(plan) || was_idle(input, previous) { input.now } else { last };
    Some(DeletionStatus {
        started_time,
        last_progress_time: super::seconds(last_done(input).map_or(last, |done| done.max(last))),
        // What AWS was not asked yet, after a restart, is as it was said last.
        blockers: match before {
            Some(before) if is_unanswered(input, plan) => before.blockers.clone(),
            _ => blockers(plan),
        },
    })
}

fn is_unanswered(input: &PlanInput<'_>, plan: &Plan) -> bool {
    let unknown =
        |ask: &Ask| matches!(ask, Ask::Interfaces { vpc } if !input.inventory.interfaces.contains_key(vpc));
    plan.asks.iter().any(unknown)
}

/// Whether nothing went for so long that a person should look.
pub(super) fn is_stuck(deletion: &DeletionStatus, now: Timestamp) -> bool {
    now >= deletion.last_progress_time.0 + PATIENCE
}

/// Whether a part is known to be gone since the last look.
fn has_progressed(plan: &Plan) -> bool {
    plan.finished || plan.settlements.values().any(|settlement| *settlement == Settlement::Forget)
}

/// Whether nothing could go, as the stack was paused or the daemon not there.
fn was_idle(input: &PlanInput<'_>, previous: Option<&LampStackStatus>) -> bool {
    let Some(previous) = previous else { return true };
    let seen_at = previous.observed_time.as_ref().map(|time| time.0 + ABSENCE);
    is_true(&previous.conditions, types::PAUSED) || seen_at.is_none_or(|at| input.now > at)
}

/// When a call for one of the parts last took effect.
fn last_done(input: &PlanInput<'_>) -> Option<Timestamp> {
    let ended = input.ledger.values().filter_map(|entry| entry.last.as_ref());
    ended.filter(|last| last.outcome == Outcome::Done).map(|last| last.at).max()
}

/// What keeps parts from being deleted, what is foreign first.
pub fn blockers(plan: &Plan) -> Vec<Blocker> {
    let all = plan.blockers.iter().map(|blocker| Blocker {
        part: blocker.part.to_string(),
        id: blocker.id.clone(),
        by: blocker.by.clone(),
        message: blocker.message.clone(),
        foreign: blocker.foreign,
    });
    let mut all: Vec<Blocker> = all.collect();
    all.sort_by(|a, b| (!a.foreign, &a.part, &a.by).cmp(&(!b.foreign, &b.part, &b.by)));
    all
}
