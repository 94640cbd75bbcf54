//! What serves, and how much of it may be missing because of us.

use std::time::Duration;

use lamp_cloud::kinds::auto_scaling_group::Change as GroupChange;
use lamp_cloud::{Body, Change, Request, State, TargetState};

use super::Case;
use super::case::target_groups;
use super::history::replicas_of;

/// A replacement that was asked for so long ago shows in every count.
const UNDER_WAY: Duration = Duration::from_secs(60);

/// S-C1: no call of ours takes what serves below the minimum. What the daemon could have seen counts for it.
pub(super) fn service_stays_above_the_minimum(case: &Case<'_>) -> Option<String> {
    let (group, tier) = case.group()?;
    let least = tier.capacity.min.min(group.min) as usize;
    match case.request {
        Request::Change { change: Change::AutoScalingGroup(GroupChange::SetDesired(desired)), .. } => {
            let below = *desired < tier.capacity.min && *desired < group.min;
            below.then(|| format!("{desired} instances of {}, and the minimum is {least}", tier.name))
        }
        Request::ReplaceInstance { instance, .. } => {
            let world = case.scene.world;
            let counted = target_groups(group).find(|id| {
                let mut targets = world.targets(id);
                targets.any(|row| row.target.instance == *instance && row.state == TargetState::Healthy)
            })?;
            let before = case.scene.history.most(counted, case.now - case.blur());
            let before = before.max(world.healthy_targets(counted));
            (before <= least && world.serves(instance)).then(|| {
                format!("{instance} of {} serves, and is one of {before}; the minimum is {least}", tier.name)
            })
        }
        _ => None,
    }
}

/// S-C2: a replica that can be read does not go before there is another.
pub(super) fn replicas_go_one_at_a_time(case: &Case<'_>) -> Option<String> {
    let Request::Delete { id, .. } = case.request else { return None };
    let row = case.subject.as_ref().filter(|row| row.state == State::Ready && !case.deleting())?;
    let Body::DbInstance(body) = &row.body else { return None };
    let readable = body.is_replica() && body.facts.replication.as_deref() == Some("replicating");
    let least = case.dossier.as_ref()?.spec.database.as_ref()?.replicas.min as usize;
    let before = case.scene.history.most(&replicas_of(&case.uid), case.now - case.blur());
    (readable && before <= least)
        .then(|| format!("{id} can be read, and is one of {before}; the minimum is {least}"))
}

/// S-B1: few instances of a group are being replaced at once.
pub(super) fn few_are_under_way(case: &Case<'_>) -> Option<String> {
    let Request::ReplaceInstance { group: id, instance } = case.request else { return None };
    let (group, tier) = case.group()?;
    let most = (group.max.max(tier.capacity.max) * tier.healing.max_in_flight_percent / 100).max(1) as usize;
    let others = case.done(UNDER_WAY).filter(|call| {
        matches!(call.request(), Some(Request::ReplaceInstance { group, instance: other })
            if group == id && other != instance)
    });
    let count = others.count() + 1;
    (count > most).then(|| format!("{count} instances of {} at once, and {most} may be", tier.name))
}
