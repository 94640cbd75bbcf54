//! Keeping a target group equal to the instances of its tier. The Auto Scaling group does it by itself; this repairs
//! what was done by hand, or left behind.

use std::collections::{BTreeMap, BTreeSet};

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{
    InstanceState, Kind, LifecycleState, Listing, Request, ResourceId, Target, TargetHealth, TargetState,
};

use crate::live::attempt::{may_send, targets_part};
use crate::live::sickness::{self, Verdict, is_fresh};
use crate::live::tier_view::{Targets, TierView};
use crate::{Action, Draft, Effect};

/// The group registers a new instance by itself; it is given this long.
const GROUP_PATIENCE: SignedDuration = SignedDuration::from_secs(60);
/// An instance so young may belong to a group whose listing does not show it yet.
const YOUNG: SignedDuration = SignedDuration::from_secs(120);
/// Fewer observations are no reason to act.
const OBSERVATIONS: u32 = 2;

/// A target group, read just now.
#[derive(Clone, Copy, Debug)]
struct Reading<'a> {
    id: &'a ResourceId,
    port: u16,
    at: Timestamp,
    rows: &'a [TargetHealth],
}

/// Plans registrations and deregistrations of a tier's target group.
///
/// At most `most` targets that serve are deregistered at once, as many as may be replaced.
pub(crate) fn plan_targets(draft: &mut Draft<'_>, tier: &Tier, view: &TierView<'_>, most: u32) {
    let Targets::Read { group, body, at, rows } = view.targets else { return };
    let members_known =
        draft.input.inventory.region.unknown(Listing::Resources(Kind::AutoScalingGroup)).is_none();
    if !members_known || !view.instances_known || !is_fresh(at, draft.input.now) {
        return;
    }
    let reading = Reading { id: &group.id, port: body.port, at, rows };
    let (missing, unwanted) = (missing(view, &reading), unwanted(draft, view, &reading));
    remember(draft, &reading, missing.iter().chain(unwanted.keys()).cloned().collect());
    register(draft, tier, &reading, missing);
    deregister(draft, tier, view, &reading, &unwanted, most);
}

/// Members that serve but are no targets.
fn missing(view: &TierView<'_>, reading: &Reading<'_>) -> Vec<Target> {
    let attached = view.body.target_groups.iter().any(|group| group.as_id() == Some(reading.id));
    let serving = view.members.iter().filter(|view| {
        let running = view.instance.is_some_and(|instance| instance.state == InstanceState::Running);
        let settled = view.is_older_than(GROUP_PATIENCE, reading.at);
        view.member.lifecycle == LifecycleState::InService && view.member.healthy && running && settled
    });
    serving
        .filter(|view| attached && view.target.is_none())
        .map(|view| Target { instance: view.member.instance.clone(), port: reading.port })
        .collect()
}

/// Why a target has no place in the group.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Unwanted {
    /// Its instance is terminated.
    Dead,
    /// Its instance is no member of the tier's group.
    Orphan,
    /// Its instance is registered on the right port as well.
    WrongPort,
}

fn unwanted(draft: &Draft<'_>, view: &TierView<'_>, reading: &Reading<'_>) -> BTreeMap<Target, Unwanted> {
    let rows = reading.rows.iter().filter(|row| row.state != TargetState::Draining);
    rows.filter_map(|row| Some((row.target.clone(), why_unwanted(draft, view, reading, row)?))).collect()
}

fn why_unwanted(
    draft: &Draft<'_>,
    view: &TierView<'_>,
    reading: &Reading<'_>,
    row: &TargetHealth,
) -> Option<Unwanted> {
    let id = &row.target.instance;
    if let Some(member) = view.members.iter().find(|view| view.member.instance == *id) {
        let wrong = row.target.port != reading.port && member.member.lifecycle == LifecycleState::InService;
        // The right port must serve before the wrong one goes.
        let replaced = member.ready || row.state != TargetState::Healthy;
        return (wrong && replaced).then_some(Unwanted::WrongPort);
    }
    let instance = draft.input.inventory.instances.values().flatten().find(|instance| instance.id == *id);
    match instance {
        Some(instance)
            if matches!(instance.state, InstanceState::Terminated | InstanceState::ShuttingDown) =>
        {
            Some(Unwanted::Dead)
        }
        Some(instance) if reading.at.duration_since(instance.launched_at) < YOUNG => None,
        _ => Some(Unwanted::Orphan),
    }
}

/// Counts what was found, and clears what is as it should be.
fn remember(draft: &mut Draft<'_>, reading: &Reading<'_>, found: BTreeSet<Target>) {
    let memory = &mut draft.plan.memory.targets;
    memory.retain(|(group, target), _| group != reading.id || found.contains(target));
    for target in found {
        sickness::count(memory, (reading.id.clone(), target), Verdict::Sick(reading.at));
    }
}

fn is_certain(draft: &Draft<'_>, reading: &Reading<'_>, target: &Target) -> bool {
    let agreement = SignedDuration::try_from(draft.input.settings.agreement).unwrap_or(SignedDuration::MAX);
    let sickness = draft.plan.memory.targets.get(&(reading.id.clone(), target.clone()));
    sickness.is_some_and(|sickness| sickness.is_certain(OBSERVATIONS, agreement, draft.input.now))
}

fn register(draft: &mut Draft<'_>, tier: &Tier, reading: &Reading<'_>, missing: Vec<Target>) {
    let targets: Vec<_> = missing.into_iter().filter(|target| is_certain(draft, reading, target)).collect();
    let reason = format!("{} serve in the tier but are no targets", names(&targets));
    let request = Request::RegisterTargets { target_group: reading.id.clone(), targets: targets.clone() };
    send(draft, tier, "register", targets, reason, request);
}

/// Deregisters what is certainly unwanted. Targets that look healthy and whose instances are not known to be dead
/// go at most by half at once, within the limits of what may be replaced, and only while a member of the tier is ready to take their load.
fn deregister(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    reading: &Reading<'_>,
    unwanted: &BTreeMap<Target, Unwanted>,
    most: u32,
) {
    let is_healthy = |target: &Target| {
        reading.rows.iter().any(|row| row.target == *target && row.state == TargetState::Healthy)
    };
    let healthy = reading.rows.iter().filter(|row| row.state == TargetState::Healthy).count();
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let mut allowed = if view.ready() > 0 { most.min(healthy / 2) } else { 0 };
    let certain = unwanted.iter().filter(|(target, _)| is_certain(draft, reading, target));
    let mut targets = Vec::new();
    for (target, why) in certain {
        let serving = is_healthy(target) && *why != Unwanted::Dead;
        if !serving || allowed > 0 {
            allowed -= usize::from(serving);
            targets.push(target.clone());
        }
    }
    let reason = format!("{} belong to no serving instance of the tier", names(&targets));
    let request = Request::DeregisterTargets { target_group: reading.id.clone(), targets: targets.clone() };
    send(draft, tier, "deregister", targets, reason, request);
}

fn send(
    draft: &mut Draft<'_>,
    tier: &Tier,
    what: &str,
    targets: Vec<Target>,
    reason: String,
    request: Request,
) {
    let part = targets_part(&tier.name, what);
    if targets.is_empty() || !may_send(&draft.input, &part) {
        return;
    }
    draft.decide(&part, request.operation(), reason.clone());
    let (kind, changes) = (Kind::TargetGroup, Vec::new());
    draft.act(Action { part, kind, effect: Effect::Update, request, reason, changes, precondition: None });
}

fn names(targets: &[Target]) -> String {
    let names = targets.iter().map(|target| format!("{}:{}", target.instance, target.port));
    names.collect::<Vec<_>>().join(", ")
}
