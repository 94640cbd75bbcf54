//! Bringing a new version of the launch template to every instance: one at a time, and no further than it works.

use jiff::Timestamp;
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{Body, Inventory, Kind, Request};

use crate::live::attempt::{may_send, rollout_part};
use crate::live::budget::{Budget, STARTUP, is_arriving, is_recent_rollout};
use crate::live::tier_view::{MemberView, TierView, count};
use crate::{Action, Draft, Effect, left_alone, parts};

/// The capacity that a rollout needs at least: one above `min`, so that replacing one never goes below it, until the
/// last new instance is ready. 0 where nothing is rolled out.
pub(crate) fn least_capacity(draft: &Draft<'_>, tier: &Tier) -> u32 {
    let Some(view) = TierView::of(draft.input.inventory, tier) else { return 0 };
    let arriving = || view.staying().any(|member| is_arriving(draft, member)) || view.moving() > 0;
    let ending = || is_recent_rollout(&draft.input, &view) && arriving();
    let under_way = is_under_way(draft.input.inventory, tier, &view) || ending();
    if under_way { tier.capacity.min.saturating_add(1) } else { 0 }
}

/// Whether instances are of another version than the group's, and the group's is the newest.
fn is_under_way(inventory: &Inventory, tier: &Tier, view: &TierView<'_>) -> bool {
    let newest = match inventory.present(&parts::launch_template(&tier.name)).map(|template| &template.body) {
        Some(Body::LaunchTemplate(template)) => template.latest_version == view.body.template_version,
        _ => false,
    };
    newest && view.outdated().next().is_some()
}

/// Replaces the next outdated instance if that is safe; says how far the rollout is.
pub(crate) fn plan_rollout(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    budget: &Budget,
) -> Option<String> {
    if !is_under_way(draft.input.inventory, tier, view) {
        return None;
    }
    let version = view.body.template_version;
    if is_halted(view, draft.input.now) {
        let reason = format!("version {version} does not become healthy: rollout halted");
        let part = parts::auto_scaling_group(&tier.name);
        draft.block(&part, Kind::AutoScalingGroup, Some(&view.group.id), reason.clone());
        draft.decide(&part, "Hold", reason.clone());
        return Some(reason);
    }
    let standing = left_alone::standing_tier(&draft.input, tier, Some(view.body));
    let (total, outdated) = (count(view.staying()), count(view.outdated()));
    let progress =
        format!("rolling out version {version}: {} of {total} replaced", total.saturating_sub(outdated));
    match next(&standing, view, budget) {
        Ok(member) => {
            replace(draft, view, member, &progress);
            Some(progress)
        }
        Err(why) => Some(format!("{progress}, {why}")),
    }
}

/// Whether the newest instance of the new version had its time and is not ready.
fn is_halted(view: &TierView<'_>, now: Timestamp) -> bool {
    let version = view.body.template_version;
    let new = view.staying().filter(|member| member.member.template_version == Some(version));
    let newest = new.max_by_key(|member| member.instance.map(|instance| instance.launched_at));
    newest.is_some_and(|member| !member.ready && member.is_older_than(STARTUP, now))
}

/// The instance to replace now: one that serves nobody before others, then the oldest.
///
/// # Errors
/// What is waited for, in words.
fn next<'v, 'a>(tier: &Tier, view: &'v TierView<'a>, budget: &Budget) -> Result<&'v MemberView<'a>, String> {
    if budget.in_flight > 0 {
        return Err(format!("waiting for {} instances under way", budget.in_flight));
    }
    if !view.body.suspended.is_empty() {
        return Err(format!("the group's processes {} are suspended", view.body.suspended.join(", ")));
    }
    let candidate = view
        .outdated()
        .min_by_key(|member| (member.ready, member.instance.map(|instance| instance.launched_at)))
        .ok_or_else(|| "nothing is left to replace".to_owned())?;
    let version = view.body.template_version;
    let waited = view.staying().find(|member| {
        let counts = candidate.ready || !member.is_outdated(version);
        counts && !member.ready && member.member.instance != candidate.member.instance
    });
    if let Some(member) = waited {
        return Err(format!("waiting for {} to be ready", member.member.instance));
    }
    if candidate.ready && view.ready() <= floor(tier) {
        return Err(format!("waiting for more than {} ready instances", floor(tier)));
    }
    Ok(candidate)
}

/// As many must stay ready: `min`, and one fewer where `max` leaves no room for a spare instance.
fn floor(tier: &Tier) -> u32 {
    let capacity = &tier.capacity;
    if capacity.max > capacity.min { capacity.min } else { capacity.min.saturating_sub(1) }
}

fn replace(draft: &mut Draft<'_>, view: &TierView<'_>, member: &MemberView<'_>, progress: &str) {
    let instance = member.member.instance.clone();
    let part = rollout_part(&instance);
    if !may_send(&draft.input, &part) {
        return;
    }
    let version = member.member.template_version.unwrap_or_default();
    let reason = format!("{instance} is of version {version}; {progress}");
    draft.decide(&part, "Rollout", reason.clone());
    draft.act(Action {
        part,
        kind: Kind::AutoScalingGroup,
        effect: Effect::Replace,
        request: Request::ReplaceInstance { group: view.group.id.clone(), instance },
        reason,
        changes: Vec::new(),
        precondition: None,
    });
}
