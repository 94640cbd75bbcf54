//! Replacing sick instances: only a lone one, only when its sickness is certain, and never many.
//!
//! A sick instance, an overloaded tier and a broken dependency look alike to a health check. Many at once, a broken
//! dependency or overload therefore stop the healing and are named instead.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{
    InstanceState, Kind, LifecycleState, Listing, Request, ResourceId, StatusCheck, TargetState,
};

use crate::live::attempt::{instance_part, may_send};
use crate::live::budget::Budget;
use crate::live::sickness::{self, Verdict};
use crate::live::tier_view::{MemberView, Targets, TierView, count};
use crate::{Action, Draft, Effect, parts};

mod cause;

/// Fewer observations are no sickness.
pub(crate) const OBSERVATIONS: u32 = 3;
/// The group by itself replaces instances that EC2 lost, and those that it calls unhealthy; it is given this long.
const GROUP_PATIENCE: SignedDuration = SignedDuration::from_secs(300);

/// Why an instance counts as sick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    /// EC2 says that it does not run, the group that it does.
    Lost(String),
    /// EC2's status checks fail.
    Impaired,
    /// Its group calls it unhealthy, whoever told it so.
    Condemned,
    /// The load balancer's health checks fail.
    Unhealthy(Option<String>),
}

/// A member that looks sick now.
#[derive(Clone, Debug)]
pub(crate) struct Patient {
    pub(crate) instance: ResourceId,
    zone: String,
    /// `None`: it was sick when last heard of.
    diagnosis: Option<Diagnosis>,
}

impl Diagnosis {
    fn complaint(&self) -> String {
        match self {
            Self::Lost(state) => format!("EC2 says {state}, its group says in service"),
            Self::Impaired => "EC2's status checks fail".to_owned(),
            Self::Condemned => "its group calls it unhealthy, and does not replace it".to_owned(),
            Self::Unhealthy(Some(code)) => format!("its target is unhealthy ({code})"),
            Self::Unhealthy(None) => "its target is unhealthy".to_owned(),
        }
    }
}

impl Patient {
    /// What is wrong with it now.
    pub(crate) fn complaint(&self) -> Option<String> {
        self.diagnosis.as_ref().map(Diagnosis::complaint)
    }
}

/// Counts what the observation says of every member, and gives those that look sick.
pub(crate) fn judge(draft: &mut Draft<'_>, tier: &Tier, view: &TierView<'_>) -> Vec<Patient> {
    let mut patients = Vec::new();
    for member in view.staying().filter(|member| member.member.lifecycle == LifecycleState::InService) {
        let found = examine(draft, tier, view, member);
        let verdict =
            found.as_ref().map_or_else(|| health(draft, view, member), |(_, at)| Verdict::Sick(*at));
        let id = &member.member.instance;
        sickness::count(&mut draft.plan.memory.sick, id.clone(), verdict);
        if draft.plan.memory.sick.contains_key(id) {
            let (instance, zone) = (id.clone(), member.member.zone.clone());
            patients.push(Patient { instance, zone, diagnosis: found.map(|(diagnosis, _)| diagnosis) });
        }
    }
    patients
}

/// What is wrong with a member, and when that was read. Nobody is judged during the grace period.
fn examine(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    member: &MemberView<'_>,
) -> Option<(Diagnosis, Timestamp)> {
    let lost = || member.known.then(|| lost(member)).flatten().map(|why| (why, view.observed_at));
    let grace = SignedDuration::from_secs(i64::from(tier.healing.grace_period_seconds));
    if member.instance.is_some() && !member.is_older_than(grace, draft.input.now) {
        return None;
    }
    let impaired = member.known
        && member.instance.is_some_and(|instance| instance.status == Some(StatusCheck::Impaired));
    let impaired = || impaired.then_some((Diagnosis::Impaired, view.observed_at));
    let condemned = || (!member.member.healthy).then_some((Diagnosis::Condemned, view.observed_at));
    lost().or_else(impaired).or_else(condemned).or_else(|| unhealthy(view, member))
}

fn lost(member: &MemberView<'_>) -> Option<Diagnosis> {
    match member.instance.map(|instance| instance.state) {
        None => Some(Diagnosis::Lost("unknown".to_owned())),
        Some(InstanceState::Running | InstanceState::Pending) => None,
        Some(state) => Some(Diagnosis::Lost(format!("{state:?}").to_lowercase())),
    }
}

fn unhealthy(view: &TierView<'_>, member: &MemberView<'_>) -> Option<(Diagnosis, Timestamp)> {
    let Targets::Read { at, .. } = view.targets else { return None };
    let target = member.target.filter(|target| target.state == TargetState::Unhealthy)?;
    Some((Diagnosis::Unhealthy(target.reason.clone()), at))
}

/// Whether every reading that there should be says that a member is well.
fn health(draft: &Draft<'_>, view: &TierView<'_>, member: &MemberView<'_>) -> Verdict {
    let status_known = draft.input.inventory.region.unknown(Listing::InstanceStatus).is_none();
    if !member.known || !status_known {
        return Verdict::Unknown;
    }
    match view.targets {
        Targets::None => Verdict::Healthy(view.observed_at),
        Targets::Read { at, .. } if member.ready => Verdict::Healthy(at.min(view.observed_at)),
        _ => Verdict::Unknown,
    }
}

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
        .or_else(|| cause::common(draft, tier, view))
}

/// Replaces what is certainly sick, as far as the limits allow; says in a sentence what is held back. Instances of the
/// version in `rollout` are counted, and left to the rollout.
pub(crate) fn plan_healing(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    patients: &[Patient],
    budget: &mut Budget,
    rollout: Option<u64>,
) -> Option<Healing> {
    if patients.is_empty() {
        return None;
    }
    let own = patients.iter().filter(|patient| !is_of_version(view, patient, rollout));
    let mut certain: Vec<_> = own.filter(|patient| is_certain(draft, tier, patient)).collect();
    certain.sort_by_key(|patient| order(draft, patient));
    let is_due = !certain.is_empty();
    let mut held = why_not_now(tier, view, patients).map(Hold::for_a_person);
    for patient in certain {
        let cause = || cause::of(draft, tier, view, patient).map(Hold::for_a_while);
        let obstacle = held.clone().or_else(cause);
        match obstacle.map_or_else(|| replace(draft, view, patient, budget), Err) {
            Ok(()) => {}
            Err(hold) => held = Some(hold),
        }
    }
    let group = parts::auto_scaling_group(&tier.name);
    if let Some(hold) = &held {
        draft.decide(&group, "Hold", hold.why.clone());
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
    let Some(diagnosis) = &patient.diagnosis else { return false };
    let spec = SignedDuration::from_secs(i64::from(tier.healing.unhealthy_for_seconds));
    let left_to_its_group = matches!(diagnosis, Diagnosis::Lost(_) | Diagnosis::Condemned);
    let span = if left_to_its_group { spec.max(GROUP_PATIENCE) } else { spec };
    let certain = sickness.is_certain(OBSERVATIONS, span, draft.input.now);
    if let Ok(when) = sickness.since.checked_add(span)
        && when > draft.input.now
    {
        draft.look_at(when);
    }
    certain
}

/// The longest sick first, those beyond hope before others.
fn order(draft: &Draft<'_>, patient: &Patient) -> (u8, Option<Timestamp>, ResourceId) {
    let hope = match patient.diagnosis {
        Some(Diagnosis::Lost(_)) => 0,
        Some(Diagnosis::Impaired | Diagnosis::Condemned) => 1,
        Some(Diagnosis::Unhealthy(_)) | None => 2,
    };
    let since = draft.plan.memory.sick.get(&patient.instance).map(|sickness| sickness.since);
    (hope, since, patient.instance.clone())
}

/// The breaker: what forbids every replacement in the tier now.
fn why_not_now(tier: &Tier, view: &TierView<'_>, patients: &[Patient]) -> Option<String> {
    let total = count(view.staying());
    let sick = count(patients.iter());
    if !tier.healing.enabled {
        return Some(format!("{sick} of {total} look sick, and healing is not enabled"));
    }
    if sick > limit(total, tier.healing.max_unhealthy_percent) {
        return Some(format!(
            "{sick} of {total} look sick at once: the cause lies elsewhere, nothing is replaced"
        ));
    }
    if let Some(zone) =
        patients.iter().map(|patient| &patient.zone).find(|zone| whole_zone(view, patients, zone))
    {
        return Some(format!(
            "every instance in {zone} looks sick: the cause is the zone, nothing is replaced"
        ));
    }
    let suspended = &view.body.suspended;
    let names = suspended.join(", ");
    (!suspended.is_empty())
        .then(|| format!("the group's processes {names} are suspended: nothing would replace it"))
}

/// How many may look sick before the healing stops. In a tier of three or fewer one; else at least one.
fn limit(total: u32, percent: u32) -> u32 {
    if percent == 0 {
        return 0;
    }
    let share = u64::from(total) * u64::from(percent) / 100;
    if total <= 3 { 1 } else { u32::try_from(share).unwrap_or(u32::MAX).max(1) }
}

/// Whether a zone has two members or more, and all are sick.
fn whole_zone(view: &TierView<'_>, patients: &[Patient], zone: &str) -> bool {
    let members = view.staying().filter(|member| member.member.zone == zone).count();
    let sick = patients.iter().filter(|patient| patient.zone == zone).count();
    members >= 2 && sick >= members
}

fn replace(
    draft: &mut Draft<'_>,
    view: &TierView<'_>,
    patient: &Patient,
    budget: &mut Budget,
) -> Result<(), Hold> {
    let part = instance_part(&patient.instance);
    if !may_send(&draft.input, &part) {
        return Ok(());
    }
    budget.take()?;
    let reason = reason(draft, patient);
    draft.decide(&part, "ReplaceInstance", reason.clone());
    draft.act(Action {
        part,
        kind: Kind::AutoScalingGroup,
        effect: Effect::Replace,
        request: Request::ReplaceInstance {
            group: view.group.id.clone(),
            instance: patient.instance.clone(),
        },
        reason,
        changes: Vec::new(),
        precondition: None,
    });
    Ok(())
}

fn reason(draft: &Draft<'_>, patient: &Patient) -> String {
    let what = patient.complaint().unwrap_or_else(|| "it looked sick".to_owned());
    let memory = draft.plan.memory.sick.get(&patient.instance);
    let (observations, span) =
        memory.map_or((0, 0), |sickness| (sickness.observations, sickness.span().as_secs()));
    format!("{} in {}: {what}, in {observations} observations over {span} s", patient.instance, patient.zone)
}
