//! An instance that AWS is going to stop is replaced ahead of that: the new one first, then it goes.

use lamp_api::v1alpha1::Tier;
use lamp_cloud::{HealingRecord, ScheduledEvent, ScheduledKind, Succession};

use super::{order_replacement, record};
use crate::live::budget::Budget;
use crate::live::tier_view::{MemberView, TierView, count};
use crate::status::seconds;
use crate::{Draft, PlanInput, holds};

/// The capacity that a tier needs while one of its instances is replaced ahead of its end; 0: none is.
pub(crate) fn least_capacity(input: &PlanInput<'_>, tier: &Tier) -> u32 {
    record::written(input, tier).succession.map_or(0, |succession| succession.capacity)
}

/// Begins, continues or ends the replacement of an instance that AWS is going to stop; what it is at, in a sentence.
pub(crate) fn plan(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    budget: &mut Budget,
    obstacle: Option<&str>,
) -> Option<String> {
    let record = record::of(draft, tier);
    match record.succession.clone() {
        Some(succession) => proceed(draft, tier, view, budget, (record, &succession), obstacle),
        None => begin(draft, tier, view, record, obstacle),
    }
}

/// What AWS is going to do to a member that ends it.
fn end<'a>(member: &MemberView<'a>) -> Option<&'a ScheduledEvent> {
    member.instance?.events.iter().find(|event| event.kind.is_end())
}

fn begin(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    record: HealingRecord,
    obstacle: Option<&str>,
) -> Option<String> {
    let ending = view.staying().filter(|member| holds::of_member(member).is_none());
    let (event, member) =
        ending.filter_map(|member| Some((end(member)?, member))).min_by_key(|(event, _)| *event)?;
    let sentence = sentence(member, event);
    // A rollout replaces it as well.
    let rolled = view.outdated().next().map(|_| "a new version is rolled out");
    if let Some(why) = obstacle.or(rolled) {
        return Some(format!("{sentence}; it waits: {why}"));
    }
    let capacity = view.body.desired.saturating_add(1).min(tier.capacity.max.max(view.body.desired));
    let instance = member.member.instance.clone();
    record::keep(
        draft,
        tier,
        HealingRecord { succession: Some(Succession { instance, capacity }), ..record },
    );
    draft.look_at(draft.input.now);
    Some(sentence)
}

fn proceed(
    draft: &mut Draft<'_>,
    tier: &Tier,
    view: &TierView<'_>,
    budget: &mut Budget,
    (record, succession): (HealingRecord, &Succession),
    obstacle: Option<&str>,
) -> Option<String> {
    let mut staying = view.staying();
    let leaving = staying.find(|member| member.member.instance == succession.instance);
    let Some((member, event)) = leaving.and_then(|member| Some((member, end(member)?))) else {
        // It went, or its end was called off: the spare instance is let go once all others serve.
        let serve = count(view.staying()) >= view.body.desired && view.staying().all(|member| member.ready);
        if serve {
            record::keep(draft, tier, HealingRecord { succession: None, ..record });
        }
        return (!serve).then(|| format!("{} is replaced", succession.instance));
    };
    let sentence = sentence(member, event);
    let others =
        count(view.staying().filter(|other| other.ready && other.member.instance != succession.instance));
    let needed = succession.capacity.saturating_sub(1);
    let wait = if let Some(why) = obstacle {
        Some(why.to_owned())
    } else if others < needed {
        Some(format!("{others} others are ready, {needed} must be"))
    } else {
        let reason = format!("{}: {sentence}", succession.instance);
        order_replacement(draft, view, &succession.instance, reason, budget).err().map(|hold| hold.why)
    };
    Some(wait.map_or_else(|| sentence.clone(), |why| format!("{sentence}; it waits: {why}")))
}

fn sentence(member: &MemberView<'_>, event: &ScheduledEvent) -> String {
    let what = if event.kind == ScheduledKind::Retirement { "retires the host of" } else { "stops" };
    format!(
        "AWS {what} {} at {}: it is replaced before, the new one first",
        member.member.instance,
        seconds(event.not_before).0
    )
}
