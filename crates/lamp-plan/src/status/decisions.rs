//! The last decisions, newest first.

use std::time::Duration;

use lamp_api::v1alpha1::{Decision, LampStackStatus, Mode};

use crate::{Effect, Plan, PlanInput};

/// How many are kept.
const KEPT: usize = 20;

/// A decision not to act.
const HOLD: &str = "Hold";

/// A decision not to act is written again, with new numbers, at most this often.
const QUIET: Duration = Duration::from_secs(300);

/// Adds what was decided now to what was decided before.
pub(super) fn merge(input: &PlanInput<'_>, plan: &Plan, previous: Option<&LampStackStatus>) -> Vec<Decision> {
    let mut before = previous.map(|previous| previous.decisions.clone()).unwrap_or_default();
    let fresh: Vec<Decision> =
        decided(input, plan).into_iter().filter(|new| is_news(plan, new, &before)).collect();
    fresh.iter().filter(|new| new.action == HOLD).for_each(|new| forget_hold(&mut before, &new.part));
    fresh.into_iter().chain(before).take(KEPT).collect()
}

/// Waiting for the same thing is one decision, with its newest numbers: it must not push out what was done.
fn forget_hold(decisions: &mut Vec<Decision>, part: &str) {
    if let Some(index) = decisions.iter().position(|old| old.part == part)
        && decisions[index].action == HOLD
    {
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
    let noted_parts: Vec<_> = plan.decisions.iter().map(|(part, _, _)| part).collect();
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
    acts || new.time.0 >= last.time.0 + QUIET
}
