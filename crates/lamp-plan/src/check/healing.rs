//! Laws of healing: nothing is replaced while a breaker is open, and nothing is taken from what a person holds.

use lamp_api::v1alpha1::Tier;
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, Change as GroupChange};
use lamp_cloud::{Body, Change, HealingRecord, Instance, Request, ResourceId, tag};

use super::{Violation, resource, violation};
use crate::{Action, Plan, PlanInput, parts};

/// Every law of healing that the plan breaks.
pub(super) fn check(input: &PlanInput<'_>, plan: &Plan) -> Vec<Violation> {
    let laws = |action: &Action| [stopped(input, plan, action), held(input, action), kept(input, action)];
    plan.actions.iter().flat_map(laws).flatten().collect()
}

/// The tier of a group.
fn tier_of<'a>(input: &PlanInput<'a>, group: &ResourceId) -> Option<&'a Tier> {
    let part = resource(input, group)?.part()?;
    input.spec.tiers.iter().find(|tier| parts::auto_scaling_group(&tier.name) == part)
}

/// A rollout goes on, and so does its return: what it brings back is the cure.
fn stopped(input: &PlanInput<'_>, plan: &Plan, action: &Action) -> Option<Violation> {
    let Request::ReplaceInstance { group, .. } = &action.request else { return None };
    if action.part.as_str().matches('/').count() != 1 {
        return None;
    }
    let part = parts::auto_scaling_group(&tier_of(input, group)?.name);
    let written = || input.ledger.get(&part).map(|entry| &entry.healing);
    let HealingRecord { breakers, .. } = plan.healing.get(&part).or_else(written)?;
    let open = ["group", "stack"].into_iter().find(|name| breakers.contains_key(*name))?;
    violation(action, "nothing is replaced behind a breaker", format!("the breaker {open} is open"))
}

/// Who is taken from: the held tier, or the held instance.
fn held(input: &PlanInput<'_>, action: &Action) -> Option<Violation> {
    const LAW: &str = "what is held stays";
    let Request::ReplaceInstance { group, instance } = &action.request else { return None };
    if is_held(input, tier_of(input, group)?) {
        return violation(action, LAW, format!("the tier of {instance} is held"));
    }
    let mut instances =
        input.inventory.instances.values().flatten().chain(input.inventory.unclaimed.values());
    let has_tag = |row: &Instance| row.id == *instance && row.tags.contains_key(tag::HOLD);
    if instances.any(has_tag) { violation(action, LAW, format!("{instance} is held")) } else { None }
}

fn is_held(input: &PlanInput<'_>, tier: &Tier) -> bool {
    input.holds.stack.is_some() || input.holds.tiers.contains_key(&tier.name)
}

/// No held group gets smaller.
fn kept(input: &PlanInput<'_>, action: &Action) -> Option<Violation> {
    let Request::Change { id, change: Change::AutoScalingGroup(change), .. } = &action.request else {
        return None;
    };
    let wanted = match change {
        GroupChange::SetDesired(desired) => *desired,
        GroupChange::Settings(settings) => settings.max,
        _ => return None,
    };
    let Body::AutoScalingGroup(AutoScalingGroup { desired, .. }) = &resource(input, id)?.body else {
        return None;
    };
    if wanted >= *desired || !is_held(input, tier_of(input, id)?) {
        return None;
    }
    violation(action, "what is held stays", format!("{desired} instances are held, and {wanted} would stay"))
}
