//! Replacing sick instances: only a lone one, only when its sickness is certain, and never many.
//!
//! A sick instance, an overloaded tier and a broken dependency look alike to a health check. [`diagnosis`] says who looks
//! sick, [`cause`] what else explains it, [`breaker`] when nothing may be replaced at all, [`chain`] when replacing does
//! not help. What is held back is named.

pub(crate) mod breaker;
mod cause;
mod chain;
mod change;
mod diagnosis;
pub(crate) mod record;
pub(crate) mod succession;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{Inventory, Kind, Listing, Outcome, Request, ResourceId, Service};

use self::breaker::Breakers;
pub(crate) use self::diagnosis::{Patient, judge};
use crate::backoff::retry_at;
use crate::live::attempt::{instance_part, is_healing, may_send};
use crate::live::budget::{Budget, replaces_in};
use crate::live::tier_view::{TierView, count};
use crate::status::seconds;
use crate::{Action, Draft, Effect, holds, parts};

/// Fewer observations are no sickness.
pub(crate) const OBSERVATIONS: u32 = 3;
/// So many are enough where EC2 and the load balancer agree.
const AGREEING: u32 = 2;
/// The group by itself replaces instances that EC2 lost, and those that it calls unhealthy; it is given this long.
const GROUP_PATIENCE: SignedDuration = SignedDuration::from_secs(300);

/// What healing is at.
#[derive(Debug)]
pub(crate) struct Healing {
    pub(crate) sentence: String,
    pub(crate) needs_person: bool,
}

/// Why a sick instance is not replaced now.
#[derive(Clone, Debug)]
pub(crate) struct Hold {
    pub(crate) why: String,
    /// Whether it holds until somebody has looked; else it ends by itself.
    pub(crate) needs_person: bool,
}

impl Hold {
    pub(crate) fn for_a_while(why: String) -> Self {
        Self { why, needs_person: false }
    }

    pub(crate) fn for_a_person(why: String) -> Self {
        Self { why, needs_person: true }
    }
}

/// What explains that several instances of a tier fail, or one in this zone, whatever they are launched from.
pub(crate) fn cause_elsewhere(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    zone: Option<&str>,
) -> Option<String> {
    let closed = zone.and_then(|zone| cause::closed_zone(draft, zone));
    closed
        .map(|zone| format!("AWS says that {zone} is not available"))
        .or_else(|| cause::of_many(draft, tier, view, None))
}

/// Replaces what is certainly sick, as far as the limits allow; says in a sentence what is held back. Instances of the
/// version in `rollout` are counted, and left to the rollout.
pub(crate) fn plan_healing(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    (patients, breakers): (&[Patient], &Breakers),
    budget: &mut Budget,
    rollout: Option<u64>,
) -> Option<Healing> {
    chain::rest(draft, tier, patients);
    if patients.is_empty() {
        let hold = breakers.tier.as_ref()?;
        return Some(Healing { sentence: hold.why.clone(), needs_person: false });
    }
    let own = patients.iter().filter(|patient| !is_of_version(view, patient, rollout));
    let mut certain: Vec<_> = own.filter(|patient| is_certain(draft, tier, patient)).collect();
    certain.sort_by_key(|patient| order(draft, patient));
    let is_due = !certain.is_empty();
    let whole = obstacle(draft, tier, view, breakers, count(patients.iter()));
    let mut held = whole.clone();
    for patient in certain {
        let hold = whole.clone().or_else(|| why_not(draft, tier, view, breakers, patient));
        match hold.map_or_else(|| replace(draft, tier, view, patient, budget), Err) {
            Ok(()) => {}
            Err(hold) => held = held.or(Some(hold)),
        }
    }
    if let Some(hold) = &held {
        draft.decide(&parts::auto_scaling_group(&tier.name), "Hold", hold.why.clone());
    }
    let needs_person = is_due && held.as_ref().is_some_and(|hold| hold.needs_person);
    let sentence = held.map_or_else(
        || format!("{} of {} look sick", patients.len(), count(view.staying())),
        |hold| hold.why,
    );
    Some(Healing { sentence, needs_person })
}

fn is_of_version(view: &TierView<'_>, patient: &Patient, version: Option<u64>) -> bool {
    let mut members = view.members.iter().map(|view| view.member);
    let member = members.find(|member| member.instance == patient.instance);
    version.is_some() && member.is_some_and(|member| member.template_version == version)
}

/// Certain sickness first asks the group itself to act, if EC2 lost the instance.
fn is_certain(draft: &mut Draft<'_>, tier: &Tier, patient: &Patient) -> bool {
    let Some(sickness) = draft.plan.memory.sick.get(&patient.instance).cloned() else { return false };
    if patient.complaint().is_none() {
        return false;
    }
    let now = draft.input.now;
    let agreement = SignedDuration::try_from(draft.input.settings.agreement).unwrap_or(SignedDuration::MAX);
    let agreed = draft.plan.memory.agreed.get(&patient.instance);
    if !patient.is_its_groups() && agreed.is_some_and(|agreed| agreed.is_certain(AGREEING, agreement, now)) {
        return true;
    }
    let spec = SignedDuration::from_secs(i64::from(tier.healing.unhealthy_for_seconds));
    let span = if patient.is_its_groups() { spec.max(GROUP_PATIENCE) } else { spec };
    if let Ok(when) = sickness.since.checked_add(span)
        && when > now
    {
        draft.look_at(when);
    }
    sickness.is_certain(OBSERVATIONS, span, now)
}

/// The longest sick first, those beyond hope before others.
fn order(draft: &Draft<'_>, patient: &Patient) -> (u8, Option<Timestamp>, ResourceId) {
    let since = draft.plan.memory.sick.get(&patient.instance).map(|sickness| sickness.since);
    (patient.hope(), since, patient.instance.clone())
}

/// What forbids every replacement in a tier of which `sick` look sick.
pub(crate) fn obstacle(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    breakers: &Breakers,
    sick: u32,
) -> Option<Hold> {
    let total = count(view.staying());
    if !tier.healing.enabled {
        let why = format!("{sick} of {total} look sick, and healing is not enabled");
        return Some(Hold::for_a_person(why));
    }
    let suspended = &view.body.suspended;
    let is_suspended = || {
        let names = suspended.join(", ");
        let why = format!("the group's processes {names} are suspended: nothing would replace it");
        (!suspended.is_empty()).then(|| Hold::for_a_person(why))
    };
    let held = draft.input.holds.of_tier(&tier.name).map(Hold::for_a_while);
    held.or_else(|| breakers.tier.clone()).or_else(is_suspended).or_else(|| service(draft, view))
}

/// The service that fails more often than not, of those that judge instances and launch new ones.
pub(crate) fn trouble(inventory: &Inventory) -> Option<String> {
    const NEEDED: [Service; 3] = [Service::Ec2, Service::AutoScaling, Service::LoadBalancing];
    let troubled = &inventory.region.troubled;
    let (service, why) = NEEDED.iter().find_map(|service| Some((service, troubled.get(service)?)))?;
    Some(format!("AWS's {} does not work ({why})", service.name()))
}

/// Nothing is replaced while AWS does not say what there is, or has just refused to replace.
fn service(draft: &Draft<'_>, view: &TierView<'_>) -> Option<Hold> {
    let region = &draft.input.inventory.region;
    let groups = Listing::Resources(Kind::AutoScalingGroup);
    // While a zone is out, the status of no instance can be listed, and the others are told by the load balancer.
    let status = region.unseen_zones.is_empty().then_some(Listing::InstanceStatus);
    let mut needed = [Listing::Instances, groups].into_iter().chain(status);
    if let Some(why) = needed.find_map(|listing| region.unknown(listing)) {
        return Some(Hold::for_a_while(format!(
            "AWS does not say what there is ({why}): nothing is replaced"
        )));
    }
    if let Some(trouble) = trouble(draft.input.inventory) {
        return Some(Hold::for_a_while(format!("{trouble}: nothing is replaced")));
    }
    let (input, now) = (&draft.input, draft.input.now);
    let records = input.ledger.iter().filter(|(part, entry)| is_healing(part) && replaces_in(view, entry));
    let refused = records.filter_map(|(_, entry)| match &entry.last.as_ref()?.outcome {
        Outcome::Failed(error) => {
            let last = entry.last.as_ref()?;
            Some((retry_at(error, last.failures, last.at), error)).filter(|(at, _)| now < *at)
        }
        Outcome::Done => None,
    });
    let (at, error) = refused.max_by_key(|(at, _)| *at)?;
    Some(Hold::for_a_while(format!(
        "AWS refused the last replacement ({error}): the next one at {}",
        seconds(at).0
    )))
}

/// Why this one is not replaced.
fn why_not(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    breakers: &Breakers,
    patient: &Patient,
) -> Option<Hold> {
    let member = view.members.iter().find(|member| member.member.instance == patient.instance);
    let held = member.and_then(holds::of_member).map(Hold::for_a_while);
    let recovers = recovers(draft, tier, patient);
    let zone = || breakers.zones.get(&patient.zone).cloned();
    let cause = || cause::of(draft, tier, view, patient).map(Hold::for_a_while);
    let hold = held.or_else(zone).or_else(cause).or(recovers);
    hold.or_else(|| chain::permits(draft, tier, patient).err())
}

/// When what its tier uses serves again it has as long to recover as it takes to call it sick.
fn recovers(draft: &mut Draft<'_>, tier: &Tier, patient: &Patient) -> Option<Hold> {
    if !patient.is_judged_by_visitors() {
        return None;
    }
    if cause::broken_dependency(draft, tier).is_some() {
        draft.plan.memory.excused.insert(patient.instance.clone(), draft.input.now);
        return None;
    }
    let excused = *draft.plan.memory.excused.get(&patient.instance)?;
    let patience = SignedDuration::from_secs(i64::from(tier.healing.unhealthy_for_seconds));
    let end = excused.checked_add(patience).ok().filter(|end| draft.input.now < *end)?;
    draft.look_at(end);
    let (instance, end) = (&patient.instance, seconds(end).0);
    Some(Hold::for_a_while(format!("what {instance} uses serves again: it has until {end} to recover")))
}

fn replace(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    patient: &Patient,
    budget: &mut Budget,
) -> Result<(), Hold> {
    let reason = reason(draft, patient);
    if order_replacement(draft, view, &patient.instance, reason, budget)? {
        chain::extend(draft, tier, patient);
    }
    Ok(())
}

/// Orders the replacement of an instance, unless it was ordered already; whether it is now.
///
/// # Errors
/// The limit that is reached.
fn order_replacement(
    draft: &mut Draft<'_>,
    view: &TierView<'_>,
    instance: &ResourceId,
    reason: String,
    budget: &mut Budget,
) -> Result<bool, Hold> {
    let part = instance_part(instance);
    if !may_send(&draft.input, &part) {
        return Ok(false);
    }
    budget.take()?;
    draft.decide(&part, "ReplaceInstance", reason.clone());
    draft.act(Action {
        part,
        kind: Kind::AutoScalingGroup,
        effect: Effect::Replace,
        request: Request::ReplaceInstance { group: view.group.id.clone(), instance: instance.clone() },
        reason,
        changes: Vec::new(),
        precondition: None,
    });
    Ok(true)
}

fn reason(draft: &Draft<'_>, patient: &Patient) -> String {
    let what = patient.complaint().unwrap_or_else(|| "it looked sick".to_owned());
    let memory = draft.plan.memory.sick.get(&patient.instance);
    let (observations, span) =
        memory.map_or((0, 0), |sickness| (sickness.observations, sickness.span().as_secs()));
    format!("{} in {}: {what}, in {observations} observations over {span} s", patient.instance, patient.zone)
}
