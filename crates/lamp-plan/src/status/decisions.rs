//! The last decisions, newest first.

use std::time::Duration;

use lamp_api::v1alpha1::{Decision, LampStackStatus, Mode};

use crate::scaling::predictive::FORECAST;
use crate::{Effect, Plan, PlanInput};

/// How many are kept.
const KEPT: usize = 20;

/// A decision not to act.
const HOLD: &str = "Hold";

/// What is expected. It is said again, with new numbers, at most once an hour, unless it is of another kind.
const QUIET_FORECAST: Duration = Duration::from_secs(3600);

/// A decision not to act is written again, with new numbers, at most this often.
const QUIET: Duration = Duration::from_secs(300);

/// Adds what was decided now to what was decided before.
pub(super) fn merge(input: &PlanInput<'_>, plan: &Plan, previous: Option<&LampStackStatus>) -> Vec<Decision> {
    let mut before = previous.map(|previous| previous.decisions.clone()).unwrap_or_default();
    let fresh: Vec<Decision> =
        decided(input, plan).into_iter().filter(|new| is_news(plan, new, &before)).collect();
    fresh.iter().for_each(|new| forget_same(&mut before, new));
    fresh.into_iter().chain(before).take(KEPT).collect()
}

/// Waiting for the same thing is one decision, with its newest numbers: it must not push out what was done.
/// What is expected is kept once for each part, wherever it stands.
fn forget_same(decisions: &mut Vec<Decision>, new: &Decision) {
    let mut of_part = decisions.iter().enumerate().filter(|(_, old)| old.part == new.part);
    let same = match new.action.as_str() {
        FORECAST => of_part.find(|(_, old)| old.action == FORECAST),
        HOLD => of_part.find(|(_, old)| old.action != FORECAST).filter(|(_, old)| old.action == HOLD),
        _ => None,
    };
    if let Some(index) = same.map(|(index, _)| index) {
        decisions.remove(index);
    }
}

fn decided(input: &PlanInput<'_>, plan: &Plan) -> Vec<Decision> {
    let time = super::seconds(input.now);
    let decision = |part: String, action: &str, reason: &str| Decision {
        time: time.clone(),
        part,
        action: action.to_owned(),
        reason: reason.to_owned(),
    };
    let noted =
        plan.decisions.iter().map(|(part, action, reason)| decision(part.to_string(), action, reason));
    let carried_out = plan.actions.iter().filter(|_| input.spec.mode == Mode::Enforce);
    let acting = plan.decisions.iter().filter(|(_, action, _)| action != FORECAST);
    let noted_parts: Vec<_> = acting.map(|(part, _, _)| part).collect();
    let actions = carried_out.filter(|action| !noted_parts.contains(&&action.part)).map(|action| {
        let word = match action.effect {
            Effect::Create => "Create",
            Effect::Update => "Update",
            Effect::Replace => "Replace",
            Effect::Delete => "Delete",
        };
        decision(action.part.to_string(), word, &action.reason)
    });
    noted.chain(actions).collect()
}

/// Whether it says something that the last decision of its kind did not.
fn is_news(plan: &Plan, new: &Decision, before: &[Decision]) -> bool {
    let same = |old: &&Decision| old.part == new.part && old.action == new.action;
    let Some(last) = before.iter().find(same) else { return true };
    if last.reason == new.reason {
        return false;
    }
    let acts = plan.actions.iter().any(|action| action.part.as_str() == new.part);
    // `Predictive stays off`, `Predictive wants 9`: how it begins says of which kind it is.
    let kind = |decision: &Decision| decision.reason.split(' ').nth(1).map(str::to_owned);
    match new.action.as_str() {
        FORECAST => kind(new) != kind(last) || new.time.0 >= last.time.0 + QUIET_FORECAST,
        _ => acts || new.time.0 >= last.time.0 + QUIET,
    }
}
