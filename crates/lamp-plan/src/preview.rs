//! The whole way from here to the spec, planned forward: every plan is assumed to succeed at once.

mod born;
mod world;

use jiff::Timestamp;
use lamp_api::v1alpha1::{LeftAlone, PartState, PlanStep, Waiting};

pub use world::World;

use crate::{Action, Plan, PlanInput};

/// More rounds than any site needs: a site of ten tiers takes about thirty.
const MAX_ROUNDS: usize = 200;

/// How many rounds in a row may only wait.
const MAX_IDLE: usize = 4;

/// Everything that would be done, and what could not be planned.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Preview {
    /// Creations, then changes, then replacements, and deletions last.
    pub steps: Vec<PlanStep>,
    /// What waits for a person, or for something that planning forward cannot bring about.
    pub blocked: Vec<Waiting>,
    /// Differences that are reported and not put back.
    pub left_alone: Vec<LeftAlone>,
}

/// Plans the whole way.
pub fn preview(input: &PlanInput<'_>) -> Preview {
    let mut world = World::new(input);
    let mut steps = Vec::new();
    let mut idle = 0;
    let mut plan = Plan::default();
    for _ in 0..MAX_ROUNDS {
        plan = world.plan(input);
        steps.extend(plan.actions.iter().map(step));
        world.apply(&plan);
        idle = if plan.actions.is_empty() && plan.settlements.is_empty() { idle + 1 } else { 0 };
        if plan.finished || idle > MAX_IDLE || (idle > 0 && plan.next_look.is_none()) {
            break;
        }
        world.pass_time(plan.next_look.filter(|_| idle > 0).unwrap_or(Timestamp::MIN));
    }
    steps.sort_by_key(|step| step.effect);
    Preview { steps, blocked: blocked(&plan), left_alone: plan.left_alone }
}

fn step(action: &Action) -> PlanStep {
    PlanStep {
        part: action.part.to_string(),
        kind: action.kind.name().to_owned(),
        effect: action.effect,
        call: action.request.operation().to_owned(),
        reason: action.reason.clone(),
        changes: action.changes.iter().map(ToString::to_string).collect(),
    }
}

fn blocked(plan: &Plan) -> Vec<Waiting> {
    let unsettled = plan.parts.iter().filter(|(_, report)| report.state != PartState::Ready);
    unsettled
        .map(|(part, report)| Waiting {
            part: part.to_string(),
            reason: report.reason.clone().unwrap_or_default(),
            blocked: report.blocked,
        })
        .collect()
}
