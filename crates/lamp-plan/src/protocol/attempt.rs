//! One action, held back while the last outcome of its part says so.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::PartState;
use lamp_cloud::{CloudError, Finished, Outcome, Request, ResourceId};

use crate::backoff::{self, retry_at};
use crate::disruption::is_unrepeatable;
use crate::{Action, Draft};

/// Adds an action and reports its part as `state` with the action's reason; or, if the last call for the part failed
/// or does not show its effect yet, reports that instead.
pub fn propose(draft: &mut Draft<'_>, action: Action, id: Option<&ResourceId>, state: PartState) {
    let last = draft.entry(&action.part).and_then(|entry| entry.last.as_ref());
    match last.and_then(|last| hold(draft, last, &action.request)) {
        Some(Hold { until, state, reason, blocked }) => {
            draft.look_at(until);
            if blocked {
                draft.block(&action.part, action.kind, id, reason);
            } else {
                draft.report(&action.part, action.kind, id, state, reason);
            }
        }
        None if draft.acts_on(&action.part) => {}
        None => {
            draft.report(&action.part, action.kind, id, state, action.reason.clone());
            draft.act(action);
        }
    }
}

/// Why an action waits.
struct Hold {
    until: Timestamp,
    state: PartState,
    reason: String,
    blocked: bool,
}

fn hold(draft: &Draft<'_>, last: &Finished, request: &Request) -> Option<Hold> {
    match &last.outcome {
        Outcome::Done => invisible(draft, last, request),
        Outcome::Failed(error) => failed(draft, last, error, request),
    }
    .filter(|hold| draft.input.now < hold.until)
}

fn invisible(draft: &Draft<'_>, last: &Finished, request: &Request) -> Option<Hold> {
    (last.request == *request).then(|| Hold {
        until: last.at + patience(draft, request),
        state: PartState::Progressing,
        reason: format!("{} was done at {}, and no reading shows it yet", request.operation(), last.at),
        blocked: false,
    })
}

/// How long a call is not sent again while no reading shows it. A second restart would interrupt the database again.
fn patience(draft: &Draft<'_>, request: &Request) -> Duration {
    let settings = draft.input.settings;
    if is_unrepeatable(request) { settings.consistency_window } else { settings.change_patience }
}

fn failed(draft: &Draft<'_>, last: &Finished, error: &CloudError, request: &Request) -> Option<Hold> {
    let row = backoff::after(error.class, last.failures);
    if !row.any_request && last.request != *request {
        return None;
    }
    let until = retry_at(error, last.failures, last.at);
    Some(Hold {
        until,
        state: PartState::Failed,
        reason: format!("{error}; next attempt {}", when(draft.input.now, until)),
        blocked: row.needs_person,
    })
}

/// A time near now, as a person says it. Rounded up to whole times, so that a status that waits does not change.
fn when(now: Timestamp, until: Timestamp) -> String {
    let _ = now;
    let rounded = until.round(jiff::Unit::Second).unwrap_or(until);
    let later = if rounded < until { rounded + SignedDuration::from_secs(1) } else { rounded };
    format!("at {later}")
}
