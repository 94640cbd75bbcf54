//! What speaks against an instance: every source is looked at, and what is only starting is not sick.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{InstanceState, LifecycleState, Listing, ResourceId, StatusCheck, TargetState};

use crate::Draft;
use crate::live::budget::startup;
use crate::live::sickness::{self, Verdict};
use crate::live::tier_view::{MemberView, Targets, TierView};

/// AWS takes no longer for a reboot or a maintenance that it scheduled.
const MAINTENANCE: SignedDuration = SignedDuration::from_secs(1800);

/// Why an instance counts as sick.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Diagnosis {
    /// EC2 says that it does not run, the group that it does.
    Lost(String),
    /// EC2's status check of the instance fails, or that of its host.
    Impaired(StatusCheck),
    /// Its group calls it unhealthy, whoever told it so.
    Condemned,
    /// The load balancer's health checks fail.
    Unhealthy(Option<String>),
    /// They never passed, in the time that a start may take.
    NotStarted(Option<String>),
}

/// A member that looks sick now.
#[derive(Clone, Debug)]
pub(crate) struct Patient {
    pub(crate) instance: ResourceId,
    pub(super) zone: String,
    pub(super) launched_at: Option<Timestamp>,
    /// Why, by all who say so; none: it was sick when last heard of.
    pub(super) diagnoses: Vec<Diagnosis>,
}

impl Diagnosis {
    fn complaint(&self) -> String {
        let code = |code: &Option<String>| code.as_ref().map(|code| format!(" ({code})")).unwrap_or_default();
        match self {
            Self::Lost(state) => format!("EC2 says {state}, its group says in service"),
            Self::Impaired(StatusCheck::SystemImpaired) => "EC2's status check of its host fails".to_owned(),
            Self::Impaired(_) => "EC2's status check of the instance fails".to_owned(),
            Self::Condemned => "its group calls it unhealthy, and does not replace it".to_owned(),
            Self::Unhealthy(reason) => format!("its target is unhealthy{}", code(reason)),
            Self::NotStarted(reason) => {
                format!("it did not become ready in the time that a start may take{}", code(reason))
            }
        }
    }

    /// Whether the load balancer says so; else EC2 does, from which the group has its own verdict.
    fn is_the_load_balancers(&self) -> bool {
        matches!(self, Self::Unhealthy(_) | Self::NotStarted(_))
    }
}

impl Patient {
    /// What is wrong with it now.
    pub(crate) fn complaint(&self) -> Option<String> {
        let complaints: Vec<_> = self.diagnoses.iter().map(Diagnosis::complaint).collect();
        (!complaints.is_empty()).then(|| complaints.join(", and "))
    }

    /// Whether nobody but the load balancer speaks against it: its checks depend on load, and on what the tier calls.
    pub(super) fn is_judged_by_visitors(&self) -> bool {
        !self.diagnoses.is_empty() && self.diagnoses.iter().all(Diagnosis::is_the_load_balancers)
    }

    /// Whether its group is about to replace it by itself.
    pub(super) fn is_its_groups(&self) -> bool {
        self.diagnoses.iter().any(|found| matches!(found, Diagnosis::Lost(_) | Diagnosis::Condemned))
    }

    /// Those beyond hope before others.
    pub(super) fn hope(&self) -> u8 {
        let hope = |found: &Diagnosis| match found {
            Diagnosis::Lost(_) => 0,
            Diagnosis::Impaired(_) | Diagnosis::Condemned => 1,
            Diagnosis::Unhealthy(_) | Diagnosis::NotStarted(_) => 2,
        };
        self.diagnoses.iter().map(hope).min().unwrap_or(2)
    }
}

/// Counts what the observation says of every member, and gives those that look sick.
pub(crate) fn judge(draft: &mut Draft<'_>, tier: &Tier, view: &TierView<'_>) -> Vec<Patient> {
    let mut patients = Vec::new();
    for member in view.staying().filter(|member| member.member.lifecycle == LifecycleState::InService) {
        note_start(draft, tier, member);
        let found = examine(draft, tier, view, member);
        count(draft, view, member, &found);
        let id = &member.member.instance;
        if draft.plan.memory.sick.contains_key(id) {
            patients.push(Patient {
                instance: id.clone(),
                zone: member.member.zone.clone(),
                launched_at: member.instance.map(|instance| instance.launched_at),
                diagnoses: found.into_iter().map(|(diagnosis, _)| diagnosis).collect(),
            });
        }
    }
    patients
}

/// Remembers that a young instance was ready, and looks again when one must have been.
fn note_start(draft: &mut Draft<'_>, tier: &Tier, member: &MemberView<'_>) {
    let Some(instance) = member.instance else { return };
    if is_young(draft, tier, member) && member.ready {
        draft.plan.memory.started.insert(instance.id.clone());
    } else if is_starting(draft, tier, member)
        && let Ok(when) = instance.launched_at.checked_add(startup(tier))
    {
        draft.look_at(when);
    }
}

/// Young enough that it is known whether it was ever ready: for older ones that may have been forgotten.
fn is_young(draft: &Draft<'_>, tier: &Tier, member: &MemberView<'_>) -> bool {
    member.instance.is_some() && !member.is_older_than(startup(tier) + startup(tier), draft.input.now)
}

fn was_never_ready(draft: &Draft<'_>, tier: &Tier, member: &MemberView<'_>) -> bool {
    is_young(draft, tier, member) && !draft.plan.memory.started.contains(&member.member.instance)
}

fn is_starting(draft: &Draft<'_>, tier: &Tier, member: &MemberView<'_>) -> bool {
    was_never_ready(draft, tier, member) && !member.is_older_than(startup(tier), draft.input.now)
}

/// One more observation of a member, and of whether two sources agree.
fn count(
    draft: &mut Draft<'_>,
    view: &TierView<'_>,
    member: &MemberView<'_>,
    found: &[(Diagnosis, Timestamp)],
) {
    let id = &member.member.instance;
    let times = || found.iter().map(|(_, at)| *at);
    let verdict = times().max().map_or_else(|| health(draft, view, member), Verdict::Sick);
    let balancer = found.iter().filter(|(diagnosis, _)| diagnosis.is_the_load_balancers()).count();
    let agreed = match times().min().filter(|_| balancer > 0 && balancer < found.len()) {
        Some(at) => Verdict::Sick(at),
        None if verdict == Verdict::Unknown => Verdict::Unknown,
        None => Verdict::Healthy(draft.input.now),
    };
    sickness::count(&mut draft.plan.memory.sick, id.clone(), verdict);
    sickness::count(&mut draft.plan.memory.agreed, id.clone(), agreed);
}

/// What is wrong with a member, and when that was read. Nobody is judged during the grace period, or while AWS does
/// to it what it said ahead.
fn examine(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    member: &MemberView<'_>,
) -> Vec<(Diagnosis, Timestamp)> {
    let lost = member.known.then(|| lost(member)).flatten();
    let grace = SignedDuration::from_secs(i64::from(tier.healing.grace_period_seconds));
    let is_spared = member.instance.is_some() && !member.is_older_than(grace, draft.input.now);
    if lost.is_some() || is_spared || is_being_maintained(draft, member) {
        return lost.into_iter().map(|why| (why, view.observed_at)).collect();
    }
    let status = member.instance.filter(|_| member.known).and_then(|instance| instance.status);
    let impaired = status.filter(|status| status.is_impaired()).map(Diagnosis::Impaired);
    let condemned = (!member.member.healthy).then_some(Diagnosis::Condemned);
    let told = impaired.or(condemned).map(|found| (found, view.observed_at));
    told.into_iter().chain(unhealthy(draft, tier, view, member)).collect()
}

fn lost(member: &MemberView<'_>) -> Option<Diagnosis> {
    match member.instance.map(|instance| instance.state) {
        None => Some(Diagnosis::Lost("unknown".to_owned())),
        Some(InstanceState::Running | InstanceState::Pending) => None,
        Some(state) => Some(Diagnosis::Lost(format!("{state:?}").to_lowercase())),
    }
}

fn is_being_maintained(draft: &Draft<'_>, member: &MemberView<'_>) -> bool {
    let mut events = member.instance.into_iter().flat_map(|instance| &instance.events);
    events.any(|event| {
        let age = draft.input.now.duration_since(event.not_before);
        !event.kind.is_end() && !age.is_negative() && age < MAINTENANCE
    })
}

fn unhealthy(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    member: &MemberView<'_>,
) -> Option<(Diagnosis, Timestamp)> {
    let Targets::Read { at, .. } = view.targets else { return None };
    let target = member.target.filter(|target| target.state == TargetState::Unhealthy)?;
    if is_starting(draft, tier, member) {
        return None;
    }
    let reason = target.reason.clone();
    let never = was_never_ready(draft, tier, member);
    Some((if never { Diagnosis::NotStarted(reason) } else { Diagnosis::Unhealthy(reason) }, at))
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
