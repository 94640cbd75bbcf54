//! A new version proves itself: its instances become ready, and stay so for a while.
//!
//! It fails when one of them does not become ready in the time that a start may take, looks sick, or is gone without
//! having been asked to, in several observations. Whichever instance it is, the first or a later one: what one could
//! not bear, the others meet as well, and half a tier of a version that fails is no better than none. It is not blamed
//! for what others suffer too.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{LifecycleState, ResourceId};

use crate::healing::{self, OBSERVATIONS, Patient};
use crate::live::attempt::{instance_part, rollout_part};
use crate::live::budget::startup;
use crate::live::sickness::{self, Verdict, is_fresh};
use crate::live::tier_view::{MemberView, Targets, TierView, count};
use crate::{Draft, Trial, parts};

/// What a version has shown so far.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Finding {
    /// Nothing can be said now, or not all of its instances are ready.
    Undecided,
    /// They are ready, and have to stay so until then.
    Baking(Timestamp),
    /// They were ready for long enough.
    Baked,
    /// It does not work, and why.
    Failed(String),
    /// Its instances fail, and the cause lies elsewhere.
    Excused(String),
}

/// Takes this observation into account.
pub(crate) fn watch(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    version: u64,
    sick: &[Patient],
) -> Finding {
    let part = parts::auto_scaling_group(&tier.name);
    let Some(read_at) = read_at(view, draft.input.now) else { return Finding::Undecided };
    let known = draft.plan.memory.trials.remove(&part).filter(|trial| trial.version == version);
    let mut trial = observed(draft, tier, view, version, known, read_at);
    if trial.members.is_empty() && trial.lost.is_empty() {
        return Finding::Undecided;
    }
    let finding = judge(draft, tier, view, &trial, sick);
    if let Finding::Excused(_) = finding {
        trial.lost.clear();
        trial.unready.clear();
    }
    draft.plan.memory.trials.insert(part, trial);
    finding
}

/// When the instances and their targets were read; `None` where that is not known, or too long ago.
fn read_at(view: &TierView<'_>, now: Timestamp) -> Option<Timestamp> {
    let at = match view.targets {
        Targets::None => Some(view.observed_at),
        Targets::Read { at, .. } => Some(at.min(view.observed_at)),
        Targets::Unread => None,
    };
    at.filter(|at| view.instances_known && is_fresh(*at, now))
}

fn new<'v, 'a>(view: &'v TierView<'a>, version: u64) -> impl Iterator<Item = &'v MemberView<'a>> {
    view.staying().filter(move |member| !member.is_outdated(version))
}

/// The trial with what is seen now.
fn observed(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    version: u64,
    known: Option<Trial>,
    read_at: Timestamp,
) -> Trial {
    let members: BTreeSet<ResourceId> =
        new(view, version).map(|member| member.member.instance.clone()).collect();
    let lost = known.as_ref().map(|known| lost(draft, view, known)).unwrap_or_default();
    let mut unready = known.as_ref().map(|known| known.unready.clone()).unwrap_or_default();
    unready.retain(|id, _| members.contains(id) || lost.contains(id));
    for member in new(view, version) {
        let verdict = if member.ready { Verdict::Healthy(read_at) } else { Verdict::Sick(read_at) };
        sickness::count(&mut unready, member.member.instance.clone(), verdict);
    }
    for id in &lost {
        sickness::count(&mut unready, id.clone(), Verdict::Sick(read_at));
    }
    let all_ready = lost.is_empty() && new(view, version).all(|member| member.ready);
    let since = || {
        let history = known.as_ref().ok_or_else(|| startup(tier));
        ready_since(view, version, history, &members, read_at)
    };
    let ready_since = all_ready.then(since);
    Trial { version, members, lost, staying: count(view.staying()), ready_since, unready }
}

/// Those that were there, and are gone: not by a call of ours, and not as the group had more than it wants.
fn lost(draft: &Draft<'_>, view: &TierView<'_>, known: &Trial) -> BTreeSet<ResourceId> {
    let is_there = |id: &&ResourceId| {
        let found = view.members.iter().find(|member| member.member.instance == **id);
        found.is_some_and(|member| member.member.lifecycle != LifecycleState::Terminating)
    };
    let is_replaced = |id: &&ResourceId| {
        [instance_part(id), rollout_part(id)].iter().any(|part| draft.input.ledger.contains_key(part))
    };
    let surplus = known.staying.saturating_sub(view.body.desired) as usize;
    let gone = known.members.iter().filter(|id| !is_there(id) && !is_replaced(id)).skip(surplus);
    gone.chain(known.lost.iter().filter(|id| !is_there(id))).cloned().collect()
}

/// Since when all have been ready. Without a history (a restart) an instance counts as ready from the end of the time
/// that a start may take, which is given instead: that is never too early.
fn ready_since(
    view: &TierView<'_>,
    version: u64,
    history: Result<&Trial, SignedDuration>,
    members: &BTreeSet<ResourceId>,
    read_at: Timestamp,
) -> Timestamp {
    match history {
        Ok(known) if members.is_subset(&known.members) => known.ready_since.unwrap_or(read_at),
        Ok(_) => read_at,
        Err(startup) => {
            let launches = new(view, version).map(|member| member.instance.map(|row| row.launched_at));
            let newest = launches.max().flatten();
            newest.and_then(|at| at.checked_add(startup).ok()).map_or(read_at, |at| at.min(read_at))
        }
    }
}

fn judge(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    trial: &Trial,
    sick: &[Patient],
) -> Finding {
    if let Some((why, zone)) = failure(draft, tier, view, trial, sick) {
        return match excuse(draft, tier, view, trial.version, zone) {
            Some(cause) => Finding::Excused(format!("{why}, but {cause}")),
            None => Finding::Failed(why),
        };
    }
    let bake = SignedDuration::from_secs(i64::from(tier.rollout.bake_seconds));
    match trial.ready_since.and_then(|since| since.checked_add(bake).ok()) {
        None => Finding::Undecided,
        Some(until) if until > draft.input.now => {
            draft.look_at(until);
            Finding::Baking(until)
        }
        Some(_) => Finding::Baked,
    }
}

/// What happened to the first instance that certainly fails, and its zone.
fn failure(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    trial: &Trial,
    sick: &[Patient],
) -> Option<(String, Option<String>)> {
    let now = draft.input.now;
    let span = SignedDuration::from_secs(i64::from(tier.healing.unhealthy_for_seconds));
    let is_certain = |id: &ResourceId| {
        trial.unready.get(id).is_some_and(|sickness| sickness.is_certain(OBSERVATIONS, span, now))
    };
    if let Some(id) = trial.lost.iter().find(|id| is_certain(id)) {
        return Some((format!("{id} is gone, and nobody here asked it to go"), None));
    }
    let failing = new(view, trial.version).filter(|member| is_certain(&member.member.instance));
    let mut failing = failing.filter_map(|member| {
        let patient = sick.iter().find(|patient| patient.instance == member.member.instance);
        let why = match patient.and_then(Patient::complaint) {
            Some(complaint) => complaint,
            None if member.is_older_than(startup(tier), now) => {
                format!("it was not ready in the {} minutes that a start may take", startup(tier).as_mins())
            }
            None => return None,
        };
        Some((member, why))
    });
    let (member, why) = failing.next()?;
    Some((format!("{}: {why}", member.member.instance), Some(member.member.zone.clone())))
}

/// What else explains that an instance of the new version fails.
fn excuse(
    draft: &Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    version: u64,
    zone: Option<String>,
) -> Option<String> {
    let others = || view.staying().filter(|member| member.is_outdated(version));
    let (ready, all) = (count(others().filter(|member| member.ready)), count(others()));
    if all > 0 && ready * 2 < all {
        return Some(format!("only {ready} of the {all} instances of other versions are ready either"));
    }
    healing::cause_elsewhere(draft, tier, view, zone.as_deref())
}
