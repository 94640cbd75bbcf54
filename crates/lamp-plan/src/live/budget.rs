//! One ledger of disruption per tier: healing and rollouts take from the same.

use jiff::SignedDuration;
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{LedgerEntry, LifecycleState, Outcome, Part, Request};

use super::attempt::{instance_part, is_healing, is_rollout, rollout_part, sent_at};
use super::tier_view::{MemberView, TierView, count};
use crate::healing::Hold;
use crate::{Draft, PlanInput};

const HOUR: SignedDuration = SignedDuration::from_secs(3600);

/// What may be disturbed in a tier now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Budget {
    /// Instances on their way in or not replaced yet.
    pub(crate) in_flight: u32,
    pub(crate) max_in_flight: u32,
    /// Instances more than wanted, which are about to leave.
    surplus: u32,
    /// Replacements by healing in the last hour.
    pub(crate) last_hour: u32,
    pub(crate) max_per_hour: u32,
}

impl Budget {
    pub(crate) fn of(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>) -> Self {
        let input = draft.input;
        let arriving = count(view.staying().filter(|member| is_arriving(draft, tier, member)));
        let missing = view.body.desired.saturating_sub(count(view.staying()));
        let requested = count(view.staying().filter(|member| is_requested(&input, member)));
        let healed = input.ledger.iter().filter(|(part, entry)| is_recent_healing(&input, view, part, entry));
        let healing = &tier.healing;
        let of_hour = share(view.body.desired, healing.max_replacements_per_hour_percent);
        Self {
            in_flight: arriving + missing + requested,
            max_in_flight: share(view.body.desired, healing.max_in_flight_percent).max(1),
            surplus: count(view.staying()).saturating_sub(view.body.desired),
            last_hour: count(healed),
            max_per_hour: healing.max_replacements_per_hour.max(of_hour),
        }
    }

    /// Takes one replacement by healing, or says why there is none to take.
    ///
    /// # Errors
    /// The limit that is reached.
    pub(crate) fn take(&mut self) -> Result<(), Hold> {
        if self.last_hour >= self.max_per_hour {
            let (used, allowed) = (self.last_hour, self.max_per_hour);
            return Err(Hold::for_a_person(format!(
                "{used} of {allowed} replacements of this hour are used up: a person must look"
            )));
        }
        let moving = self.in_flight.saturating_add(self.surplus);
        if moving >= self.max_in_flight {
            let allowed = self.max_in_flight;
            let why = format!("{moving} instances are under way, {allowed} may be at once");
            return Err(Hold::for_a_while(why));
        }
        self.in_flight += 1;
        self.last_hour += 1;
        Ok(())
    }
}

/// How long a new instance is given to become ready; until then it is under way.
pub(crate) fn startup(tier: &Tier) -> SignedDuration {
    let healing = &tier.healing;
    SignedDuration::from_secs(i64::from(healing.startup_timeout_seconds.max(healing.grace_period_seconds)))
}

fn share(of: u32, percent: u32) -> u32 {
    u32::try_from(u64::from(of) * u64::from(percent) / 100).unwrap_or(u32::MAX)
}

/// Pending, or in service but not ready since a launch that is not long ago, and not known to be sick.
pub(crate) fn is_arriving(draft: &Draft<'_>, tier: &Tier, view: &MemberView<'_>) -> bool {
    let young = !view.is_older_than(startup(tier), draft.input.now);
    let sick = draft.plan.memory.sick.contains_key(&view.member.instance);
    view.member.lifecycle == LifecycleState::Pending || (!view.ready && young && !sick)
}

/// Whether a call that replaces an instance of the group, recorded as a rollout, is not older than a startup.
pub(crate) fn is_recent_rollout(input: &PlanInput<'_>, tier: &Tier, view: &TierView<'_>) -> bool {
    input.ledger.iter().any(|(part, entry)| {
        let recent = sent_at(entry).is_some_and(|at| input.now.duration_since(at) < startup(tier));
        is_rollout(part) && recent && was_sent(entry) && replaces_in(view, entry)
    })
}

/// Whether a record is of a replacement in this group.
pub(crate) fn replaces_in(view: &TierView<'_>, entry: &LedgerEntry) -> bool {
    let requests =
        entry.open.iter().map(|open| &open.request).chain(entry.last.iter().map(|last| &last.request));
    requests
        .into_iter()
        .any(|request| matches!(request, Request::ReplaceInstance { group, .. } if *group == view.group.id))
}

/// Whether its replacement was asked for, and does not show yet.
fn is_requested(input: &PlanInput<'_>, view: &MemberView<'_>) -> bool {
    let id = &view.member.instance;
    [instance_part(id), rollout_part(id)].iter().filter_map(|part| input.ledger.get(part)).any(|entry| {
        let awaited = |at| input.now < at + input.settings.change_patience;
        was_sent(entry) && sent_at(entry).is_some_and(awaited)
    })
}

/// Whether a call went out that had, or may have had, an effect.
fn was_sent(entry: &LedgerEntry) -> bool {
    entry.open.is_some() || entry.last.as_ref().is_some_and(|last| last.outcome == Outcome::Done)
}

fn is_recent_healing(input: &PlanInput<'_>, view: &TierView<'_>, part: &Part, entry: &LedgerEntry) -> bool {
    let recent = sent_at(entry).is_some_and(|at| input.now.duration_since(at) < HOUR);
    is_healing(part) && recent && was_sent(entry) && replaces_in(view, entry)
}
