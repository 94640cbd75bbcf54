//! Healing does no harm.

use std::time::Duration;

use lamp_cloud::{LifecycleState, Request, Service};

use super::Case;

/// A load balancer needs so long until it believes that a target serves again.
const BELIEVED: Duration = Duration::from_secs(150);
/// Two observations, at the least.
const CERTAIN: Duration = Duration::from_secs(45);
const HOUR: Duration = Duration::from_secs(3600);

/// S-H1: what serves is not replaced as sick, whatever a health check says.
pub(super) fn what_serves_stays(case: &Case<'_>) -> Option<String> {
    let instance = case.healed()?;
    let served = case.scene.history.served_for(instance, case.now)?;
    let certain = served > case.blur() + BELIEVED && case.scene.world.serves(instance) && !is_condemned(case);
    certain.then(|| format!("{instance} has served for {served:?}, and is replaced as sick"))
}

/// Somebody else told the group that the instance is unhealthy.
fn is_condemned(case: &Case<'_>) -> bool {
    let Some((instance, (group, _))) = case.healed().zip(case.group()) else { return false };
    group.members.iter().any(|member| member.instance == *instance && !member.healthy)
}

/// S-H1: where nothing serves, the cause lies elsewhere. EC2's own verdict on a machine counts.
pub(super) fn all_sick_is_nobody_sick(case: &Case<'_>) -> Option<String> {
    let instance = case.healed().filter(|instance| !case.is_dead(instance))?;
    let (group, tier) = case.group()?;
    let members = group.members.iter().filter(|member| member.lifecycle == LifecycleState::InService);
    let members: Vec<_> = members.collect();
    let silent = |id: &str| {
        case.scene.history.silent_for(id, case.now).is_some_and(|silent| silent > case.blur() + BELIEVED)
    };
    let all = members.len() > 1 && members.iter().all(|member| silent(&member.instance));
    all.then(|| format!("all {} of {} are silent, and {instance} is replaced", members.len(), tier.name))
}

/// S-H2: nothing is judged by one look, nor in its first minutes.
pub(super) fn sickness_takes_its_time(case: &Case<'_>) -> Option<String> {
    let instance = case.healed().filter(|instance| !case.is_dead(instance) && !is_condemned(case))?;
    let (_, tier) = case.group()?;
    let row = case.scene.world.instances().find(|row| row.id == *instance)?;
    let age = case.now.duration_since(row.launched_at).unsigned_abs();
    if age < Duration::from_secs(u64::from(tier.healing.grace_period_seconds)) {
        return Some(format!("{instance} was launched {age:?} ago, and is replaced already"));
    }
    let silent = case.scene.history.silent_for(instance, case.now)?;
    (silent < CERTAIN).then(|| format!("{instance} has been silent for {silent:?} only, and is replaced"))
}

/// S-H3: nobody is replaced while the load balancer's word cannot be heard.
pub(super) fn nobody_heals_blind(case: &Case<'_>) -> Option<String> {
    let instance = case.healed().filter(|instance| !case.is_dead(instance) && !is_condemned(case))?;
    let blind = case.scene.world.config().faults.brown_outs.iter().find(|outage| {
        outage.service.is_none_or(|service| service == Service::LoadBalancing)
            && outage.share >= 1.0
            && outage.from + BELIEVED < case.now
            && case.now < outage.to
    })?;
    Some(format!("{instance} is replaced, and load balancing has not answered since {}", blind.from))
}

/// S-H4: healing has a budget of an hour.
pub(super) fn replacements_of_an_hour(case: &Case<'_>) -> Option<String> {
    let instance = case.healed()?;
    let Request::ReplaceInstance { group: id, .. } = case.request else { return None };
    let (_, tier) = case.group()?;
    let healed = case.done(HOUR).filter(|call| {
        matches!(call.request(), Some(Request::ReplaceInstance { group, instance: other })
            if group == id && other != instance && case.scene.history.healed.contains(other))
    });
    let (count, most) = (healed.count() + 1, tier.healing.max_replacements_per_hour as usize);
    (count > most).then(|| format!("{count} replacements of {} in an hour, and {most} may be", tier.name))
}
