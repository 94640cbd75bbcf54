//! The instances of a tier as they live: who serves, who is replaced, who is a target.
//!
//! Decisions are made in `targets`, `healing` and `rollout`, in this order; they share one [`budget`]. What a group
//! shall be is not decided here: that is the protocol's, as for any declared part.

pub(crate) mod attempt;
pub(crate) mod budget;
pub(crate) mod sickness;
mod tags;
#[cfg(test)]
mod tests;
pub(crate) mod tier_view;

use lamp_api::v1alpha1::Tier;
use lamp_cloud::{Body, ResourceId};

use self::budget::Budget;
use self::tier_view::{TierView, count};
use crate::{Draft, TierReport, healing, holds, parts, rollout, targets};

/// Plans the living part of a tier, and reports it.
pub(crate) fn plan_tier(draft: &mut Draft<'_>, tier: &Tier) {
    sickness::prune(draft);
    attempt::forget_old(draft);
    let view = TierView::of(draft.input.inventory, tier);
    let progress = view.as_ref().map(|view| plan_group(draft, tier, view)).unwrap_or_default();
    // Before there is anything to scale, the spec says it.
    let planned = tier.capacity.desired.unwrap_or(tier.capacity.min);
    let report = TierReport {
        desired: draft.plan.tiers.get(&tier.name).map_or(planned, |report| report.desired),
        instances: view.as_ref().map_or(0, |view| count(view.staying())),
        ready: view.as_ref().map_or(0, TierView::ready),
        endpoint: endpoint(draft, tier),
        healing: progress.sentence,
        held: view.as_ref().and_then(|view| holds::of_group(&draft.input, tier, view)),
        needs_person: progress.needs_person,
        rollout: progress.rollout.sentence,
        halted: progress.rollout.halted,
    };
    draft.plan.tiers.insert(tier.name.clone(), report);
}

/// What healing and a rollout are at.
#[derive(Default)]
struct Progress {
    sentence: Option<String>,
    needs_person: Option<String>,
    rollout: rollout::Progress,
}

/// Plans what belongs to a group that is ours by both keys.
fn plan_group(draft: &mut Draft<'_>, tier: &Tier, view: &TierView<'_>) -> Progress {
    if !is_recorded(draft, tier, &view.group.id) {
        return Progress::default();
    }
    tags::plan_tags(draft, tier, view);
    let sick = healing::judge(draft, tier, view);
    let breakers = healing::breaker::turn(draft, tier, view, &sick);
    let obstacle = healing::obstacle(draft, tier, view, &breakers, count(sick.iter()));
    let mut budget = Budget::of(draft, tier, view);
    let is_stopped = tier.healing.enabled && obstacle.is_some();
    targets::plan_targets(draft, tier, view, if is_stopped { 0 } else { budget.max_in_flight });
    let stage = rollout::judge(draft, tier, view, &sick);
    let (healing, succession) = if stage.launches_failed(view) {
        (None, None)
    } else {
        let own = stage.own_version();
        let healing = healing::plan_healing(draft, tier, view, (&sick, &breakers), &mut budget, own);
        let sick = (!sick.is_empty()).then_some("instances look sick");
        let obstacle = obstacle.as_ref().map(|hold| hold.why.as_str()).or(sick);
        (healing, healing::succession::plan(draft, tier, view, &mut budget, obstacle))
    };
    let rollout = rollout::plan_rollout(draft, tier, view, &budget, &stage);
    let needs_person = healing.as_ref().filter(|healing| healing.needs_person);
    let needs_person = needs_person.map(|healing| healing.sentence.clone());
    let sentences = healing.map(|healing| healing.sentence).into_iter().chain(succession);
    let sentences: Vec<_> = sentences.chain(rollout.sentence.clone()).collect();
    let sentence = (!sentences.is_empty()).then(|| sentences.join("; "));
    Progress { sentence, needs_person, rollout }
}

fn is_recorded(draft: &Draft<'_>, tier: &Tier, id: &ResourceId) -> bool {
    let entry = draft.input.ledger.get(&parts::auto_scaling_group(&tier.name));
    entry.and_then(|entry| entry.id.as_ref()) == Some(id)
}

fn endpoint(draft: &Draft<'_>, tier: &Tier) -> Option<String> {
    tier.load_balancer.as_ref()?;
    match &draft.input.inventory.present(&parts::load_balancer(&tier.name))?.body {
        Body::LoadBalancer(body) => body.dns_name.clone(),
        _ => None,
    }
}
