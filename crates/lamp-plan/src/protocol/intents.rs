//! Open intents: calls whose outcome is not known.

use std::time::Duration;

use jiff::Timestamp;
use lamp_api::v1alpha1::PartState;
use lamp_cloud::kinds::Repeat;
use lamp_cloud::{Intent, Kind, Part, Request};

use crate::disruption::is_unrepeatable;
use crate::{Action, Draft, Effect, Settlement, Wanted};

/// The longest that a call may be under way: a reading that began later shows its effect, or does not contradict it.
pub(crate) const CALL_DEADLINE: Duration = Duration::from_secs(15);

/// How soon a creation is sent again after its reply was lost.
const FIRST_REPEAT: Duration = Duration::from_secs(5);

/// Settles the open intent of a part that is there. `false` if its outcome must be waited for.
pub(crate) fn settle(draft: &mut Draft<'_>, part: &Part, kind: Kind) -> bool {
    let Some(intent) = draft.entry(part).and_then(|entry| entry.open.as_ref()) else { return true };
    let known_at = known_at(draft, intent);
    if draft.input.inventory.observed_at() >= known_at {
        draft.settle(part, Settlement::Void);
        return true;
    }
    let id = draft.entry(part).and_then(|entry| entry.id.as_ref());
    let reason = format!("the outcome of {} is not known yet", intent.request.operation());
    draft.report(part, kind, id, PartState::Progressing, reason);
    draft.look_at(known_at);
    false
}

/// From when on a reading shows what came of a call. To take an early one at its word would restart a database twice.
fn known_at(draft: &Draft<'_>, intent: &Intent) -> Timestamp {
    let known_at = intent.started_at + CALL_DEADLINE;
    if is_unrepeatable(&intent.request) {
        known_at + draft.input.settings.consistency_window
    } else {
        known_at
    }
}

/// Settles, repeats or waits for an open creation that shows no effect.
pub(super) fn creation(draft: &mut Draft<'_>, wanted: &Wanted, intent: &Intent, since: Timestamp) {
    match wanted.kind.repeat() {
        Repeat::Safe => repeat(draft, wanted, intent),
        Repeat::AfterQuarantine => quarantine(draft, wanted, intent, since),
    }
}

/// Sends the very same request again: AWS answers with what the first one made.
fn repeat(draft: &mut Draft<'_>, wanted: &Wanted, intent: &Intent) {
    let patience = draft.input.settings.change_patience;
    let again_at = intent.started_at + FIRST_REPEAT + patience * intent.sent.saturating_sub(1);
    let reason = format!("the outcome of {} is not known", intent.request.operation());
    draft.report(&wanted.part, wanted.kind, None, PartState::Progressing, reason.clone());
    if draft.input.now < again_at {
        return draft.look_at(again_at);
    }
    draft.act(Action {
        part: wanted.part.clone(),
        kind: wanted.kind,
        effect: Effect::Create,
        request: intent.request.clone(),
        reason: format!("{reason}; the same request is sent again"),
        changes: Vec::new(),
        precondition: None,
    });
}

/// Each call would make another one: wait until the first can no longer appear.
fn quarantine(draft: &mut Draft<'_>, wanted: &Wanted, intent: &Intent, since: Timestamp) {
    let over_at = quarantine_end(draft, intent);
    if is_over(draft, over_at, since) {
        draft.settle(&wanted.part, Settlement::NextAttempt);
        draft.look_at(draft.input.now);
        let reason = format!("{} had no effect; it is made again", intent.request.operation());
        return draft.report(&wanted.part, wanted.kind, None, PartState::Progressing, reason);
    }
    let reason = format!(
        "the outcome of {} is not known; it may appear until {over_at}, and a second call would make another one",
        intent.request.operation()
    );
    draft.report(&wanted.part, wanted.kind, None, PartState::Waiting, reason);
    draft.look_at(over_at.max(since + draft.input.settings.agreement));
}

/// When the effect of an open creation can no longer appear.
pub(super) fn quarantine_end(draft: &Draft<'_>, intent: &Intent) -> Timestamp {
    intent.started_at + CALL_DEADLINE + draft.input.settings.consistency_window
}

/// Whether a reading after `end` agreed with an earlier one that nothing is there.
pub(super) fn is_over(draft: &Draft<'_>, end: Timestamp, since: Timestamp) -> bool {
    let observed_at = draft.input.inventory.observed_at();
    observed_at >= end && observed_at >= since + draft.input.settings.agreement
}

/// Whether an intent is a creation.
pub(super) fn is_creation(intent: &Intent) -> bool {
    matches!(intent.request, Request::Create { .. })
}
