//! How many instances a tier wants: the spec says it, or a scaling policy does.
//!
//! [`evaluation`] is shared with the read replicas; [`measure`] says what a metric is worth.

mod adjustment;
pub(crate) mod connections;
pub(crate) mod evaluation;
pub(crate) mod finding;
pub(crate) mod forecast;
mod history;
pub(crate) mod load;
pub(crate) mod measure;
pub(crate) mod past;
pub(crate) mod predictive;
pub(crate) mod readings;
pub(crate) mod scheduled;
mod target_tracking;
#[cfg(test)]
mod tests;

use std::borrow::Cow;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{MetricScope, Scaling, ScalingPolicy, ScalingPolicyType, Tier};
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::{InstanceState, Inventory, LifecycleState, Part, Series, StatusCheck, TargetState};

use self::evaluation::{Floor, Question, evaluate, measures};
use self::finding::{Evidence, Finding};
use self::measure::{Demand, Silence, measure};
use self::past::Past;
use self::predictive::{Scope, TIER_BUFFER_SECONDS};
use crate::healing::{breaker, succession, trouble};
use crate::kinds::auto_scaling_group::policies;
use crate::live::tier_view::{MemberView, Targets, TierView, count};
use crate::{Draft, PlanInput, ScalingMemory, holds, parts, queries, rollout};

/// Metrics have a new datapoint every minute.
const PERIOD: SignedDuration = SignedDuration::from_secs(60);

/// The desired capacity to write into the group of `tier`.
///
/// Without a policy the spec owns it. With policies the scaler does: it starts at `min`, and where there is no data
/// it leaves what it finds, within the bounds. A rollout may ask for one spare instance.
pub(crate) fn tier_capacity(draft: &mut Draft<'_>, tier: &Tier, observed: Option<&AutoScalingGroup>) -> u32 {
    let capacity = &tier.capacity;
    let within = |wanted: u32| wanted.max(capacity.min).min(capacity.max.max(capacity.min));
    let least = rollout::least_capacity(draft, tier).max(succession::least_capacity(&draft.input, tier));
    if let Some(desired) = policies::capacity(draft, tier, observed, least) {
        draft.plan.tiers.entry(tier.name.clone()).or_default().desired = desired;
        return desired;
    }
    let wanted = match observed {
        _ if tier.scaling.policies.is_empty() => {
            draft.plan.memory.scaling.remove(&parts::auto_scaling_group(&tier.name));
            draft.plan.memory.predictions.remove(&parts::auto_scaling_group(&tier.name));
            within(capacity.desired.unwrap_or(capacity.min))
        }
        None => capacity.min,
        Some(group) => scaled(draft, tier, within(group.desired)),
    };
    let held = holds::held_group(&draft.input, tier).map_or(0, |group| group.desired);
    let desired = within(wanted.max(least)).max(held);
    draft.plan.tiers.entry(tier.name.clone()).or_default().desired = desired;
    desired
}

fn scaled(draft: &mut Draft<'_>, tier: &Tier, current: u32) -> u32 {
    let (input, part) = (draft.input, parts::auto_scaling_group(&tier.name));
    let Some(view) = TierView::of(input.inventory, tier) else { return current };
    let floors = foreseen(draft, tier, &part);
    let policies = tier.scaling.policies.iter().filter(|policy| measures(policy.kind));
    let question = Question {
        scaling: &tier.scaling,
        min: tier.capacity.min,
        max: tier.capacity.max,
        bound: connections::bound(draft, tier),
        current,
        findings: policies.map(|policy| find(draft, tier, &view, policy)).collect(),
        floors,
        setting: scheduled::setting(&tier.scaling, input.now),
        hold_down: why_not_shrink(&input, tier, &view),
        now: input.now,
    };
    let memory =
        draft.plan.memory.scaling.entry(part.clone()).or_insert_with(|| ScalingMemory::new(input.now));
    let answer = evaluate(question, memory);
    if let Some((action, reason)) = answer.decision {
        draft.decide(&part, action, reason);
    }
    look_again(draft, &tier.scaling, answer.look_at);
    answer.desired
}

/// What its forecasts want of a tier.
fn foreseen(draft: &mut Draft<'_>, tier: &Tier, part: &Part) -> Vec<Floor> {
    let capacity = &tier.capacity;
    let scope = Scope { min: capacity.min, max: capacity.max, buffer_seconds: TIER_BUFFER_SECONDS };
    let past = |draft: &Draft<'_>, metric| Past::of_tier(draft.input.inventory, tier, metric);
    predictive::floors(draft, part, &tier.scaling.policies, scope, past)
}

/// When time alone may change what is wanted: with the next minute of metrics, or when a schedule fires.
pub(crate) fn look_again(draft: &mut Draft<'_>, scaling: &Scaling, answer: Option<Timestamp>) {
    let now = draft.input.now;
    let next_minute = scaling.is_measured().then(|| now.saturating_add(PERIOD).unwrap_or(now));
    let times = [answer, next_minute, scheduled::next(scaling, now)];
    if let Some(when) = times.into_iter().flatten().min() {
        draft.look_at(when);
    }
}

/// What one policy finds in a tier: the metric speaks for the instances that serve and are warmed up.
fn find<'t>(draft: &Draft<'_>, tier: &Tier, view: &TierView<'_>, policy: &'t ScalingPolicy) -> Finding<'t> {
    let (inventory, now) = (draft.input.inventory, draft.input.now);
    let warm = warm_after(policy, &tier.scaling);
    let measured = count(view.members.iter().filter(|member| is_measured(view, member, warm, now)));
    let evidence = if measured == 0 {
        Err(Silence::NobodyMeasured)
    } else {
        let minutes = read(inventory, tier, policy)
            .and_then(|series| measure(series.as_deref(), &Demand::of(policy), now));
        minutes.map(|minutes| Evidence { minutes: shared(policy, minutes, measured), measured, missing: 0 })
    };
    Finding { policy, evidence }
}

/// The series of the metric that a tier's policy follows; none, if it was not answered.
fn read<'i>(
    inventory: &'i Inventory,
    tier: &Tier,
    policy: &ScalingPolicy,
) -> Result<Option<Cow<'i, Series>>, Silence> {
    if let Some(custom) = &policy.custom_metric {
        let places = readings::places_of_tier(inventory, &tier.name);
        return Ok(Some(Cow::Owned(readings::custom(inventory, custom, &places)?)));
    }
    let query = queries::of_tier(inventory, tier, policy);
    Ok(query.and_then(|query| inventory.region.signals.get(&query)).map(Cow::Borrowed))
}

/// A value that all share is divided among those that share it.
pub(crate) fn shared(policy: &ScalingPolicy, minutes: Vec<f64>, measured: u32) -> Vec<f64> {
    let total = policy.custom_metric.as_ref().is_some_and(|custom| custom.scope == MetricScope::Total);
    if total { minutes.into_iter().map(|value| value / f64::from(measured)).collect() } else { minutes }
}

/// How old an instance must be for the metric to speak for it. A step adds to what its datapoints are of: they are of
/// some minutes ago, and so one breach would add twice.
pub(crate) fn warm_after(policy: &ScalingPolicy, scaling: &Scaling) -> SignedDuration {
    let datapoints = policy.datapoints_to_alarm.unwrap_or(ScalingPolicy::DATAPOINTS_TO_ALARM);
    let age = if policy.kind == ScalingPolicyType::Step {
        PERIOD * i32::try_from(datapoints + 1).unwrap_or(i32::MAX)
    } else {
        SignedDuration::ZERO
    };
    SignedDuration::from_secs(i64::from(scaling.behavior.warmup_seconds)) + age
}

/// Growth must not wait for a reading of target health: a member in service counts until it is read.
fn is_measured(view: &TierView<'_>, member: &MemberView<'_>, warm: SignedDuration, now: Timestamp) -> bool {
    let running = member.instance.is_some_and(|instance| instance.state == InstanceState::Running);
    let in_service = member.member.lifecycle == LifecycleState::InService && running;
    let serves = member.ready || (matches!(view.targets, Targets::Unread) && in_service);
    serves && member.is_older_than(warm, now)
}

/// Why no instance may be removed now, if there is a reason.
fn why_not_shrink(input: &PlanInput<'_>, tier: &Tier, view: &TierView<'_>) -> Option<String> {
    let (moving, sick) = (view.moving(), count(view.staying().filter(|member| looks_sick(member))));
    if !view.all_known() {
        Some("instances cannot be listed".to_owned())
    } else if matches!(view.targets, Targets::Unread) {
        Some("the health of its targets is not known".to_owned())
    } else if view.body.policies.is_none() {
        Some("the scaling policies of its group are not known".to_owned())
    } else if moving > 0 {
        Some(format!("{moving} instances are on their way in or out"))
    } else if view.outdated().next().is_some() {
        Some(format!("version {} is rolled out", view.body.template_version))
    } else if sick > 1 {
        Some(format!("{sick} instances look sick"))
    } else if breaker::is_open(input, tier) {
        Some("many instances looked sick just now".to_owned())
    } else if succession::least_capacity(input, tier) > 0 {
        Some("an instance is replaced ahead of its end".to_owned())
    } else {
        trouble(input.inventory).or_else(|| holds::of_group(input, tier, view))
    }
}

fn looks_sick(member: &MemberView<'_>) -> bool {
    let unhealthy = member.target.is_some_and(|target| target.state == TargetState::Unhealthy);
    let broken = member.instance.is_none_or(|instance| {
        instance.status.is_some_and(StatusCheck::is_impaired) || instance.state != InstanceState::Running
    });
    unhealthy || broken
}
