//! Scaling follows data, within bounds.

use std::time::Duration;

use lamp_cloud::kinds::auto_scaling_group::Change as GroupChange;
use lamp_cloud::{Change, Request};
use lamp_sim::{MetricSpell, MetricTrouble};

use super::Case;

/// Data that is older decides nothing.
const OLD: Duration = Duration::from_secs(600);
/// What grew does not shrink at once.
const SETTLED: Duration = Duration::from_secs(240);
/// Before that, a group has what it was made with.
const LONG: Duration = Duration::from_secs(7 * 24 * 3600);

fn desired(request: &Request) -> Option<u32> {
    match request {
        Request::Change { change: Change::AutoScalingGroup(GroupChange::SetDesired(desired)), .. } => {
            Some(*desired)
        }
        _ => None,
    }
}

/// S-S1: without data nothing shrinks.
pub(super) fn nothing_shrinks_without_data(case: &Case<'_>) -> Option<String> {
    let wanted = desired(case.request)?;
    let (group, tier) = case.group()?;
    let shrinks = wanted < group.desired && group.desired <= tier.capacity.max && is_even(case);
    let blind = |spell: &&MetricSpell| {
        let nothing = matches!(
            spell.trouble,
            MetricTrouble::Missing
                | MetricTrouble::NotANumber
                | MetricTrouble::Negative
                | MetricTrouble::Huge
        );
        nothing && spell.from + OLD < case.now && case.now < spell.to
    };
    let since = case.scene.world.config().faults.metrics.iter().find(blind).filter(|_| shrinks)?.from;
    let scales = !tier.scaling.policies.is_empty();
    scales.then(|| format!("{} shrinks to {wanted}, and there are no metrics since {since}", tier.name))
}

/// Whether no rollout is under way: its instances are more for a while.
fn is_even(case: &Case<'_>) -> bool {
    case.group().is_some_and(|(group, _)| {
        group.members.iter().all(|member| member.template_version == Some(group.template_version))
    })
}

/// S-S2: never beyond the bounds, and not down right after up.
pub(super) fn within_bounds_and_not_at_once(case: &Case<'_>) -> Option<String> {
    let wanted = desired(case.request)?;
    let (group, tier) = case.group()?;
    let most = tier.capacity.max.max(group.max);
    if wanted > most {
        return Some(format!("{wanted} instances of {}, and the maximum is {most}", tier.name));
    }
    let Request::Change { id, .. } = case.request else { return None };
    let shrinks = wanted < group.desired && group.desired <= tier.capacity.max && is_even(case);
    let scales = !tier.scaling.policies.is_empty();
    let grew = set_last(case, id, SETTLED).next().is_some_and(|last| last == group.desired)
        && set_last(case, id, LONG).nth(1).unwrap_or(tier.capacity.min) < group.desired;
    (shrinks && grew && scales && was_quiet(case))
        .then(|| format!("{} shrinks to {wanted} minutes after it grew to {}", tier.name, group.desired))
}

/// What the desired capacity of a group was set to, newest first.
fn set_last<'a>(case: &Case<'a>, group: &'a str, span: Duration) -> impl Iterator<Item = u32> + use<'a> {
    let requests = case.done(span).filter_map(|call| call.request());
    requests.filter(move |request| request.target() == Some(group)).filter_map(desired)
}

/// Whether no version was rolled out lately: a rollout gives back what it borrowed.
fn was_quiet(case: &Case<'_>) -> bool {
    let rolls = |request: &Request| {
        matches!(request, Request::ReplaceInstance { .. })
            || matches!(
                request,
                Request::Change { change: Change::AutoScalingGroup(GroupChange::Settings(_)), .. }
            )
    };
    !case.done(Duration::from_secs(3600)).filter_map(|call| call.request()).any(rolls)
}

/// S-S3: AWS moves the desired capacity into new bounds by itself; bounds that the spec does not ask for move nothing.
pub(super) fn bounds_move_nothing_by_themselves(case: &Case<'_>) -> Option<String> {
    let Request::Change { change: Change::AutoScalingGroup(GroupChange::Settings(settings)), .. } =
        case.request
    else {
        return None;
    };
    let (group, tier) = case.group()?;
    let asked = settings.min == tier.capacity.min && settings.max == tier.capacity.max;
    let moves = !(settings.min..=settings.max.max(settings.min)).contains(&group.desired);
    let adopted = case.dossier.as_ref().is_some_and(|dossier| !dossier.spec.ignore.is_empty());
    (moves && !asked && !adopted).then(|| {
        format!(
            "{} gets bounds of {} to {}, and has {}",
            tier.name, settings.min, settings.max, group.desired
        )
    })
}
