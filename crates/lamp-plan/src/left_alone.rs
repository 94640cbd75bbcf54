//! Fields that the spec says to leave alone: they are taken as they are found wherever the spec is compared with AWS.
//!
//! A rule holds for what exists. A part that is made takes several calls until it is as the spec says, so that rules
//! begin once it was; what was taken over from others has been there before.

use std::borrow::Cow;

use lamp_api::v1alpha1::{Capacity, IgnorePolicy, LeftAlone, LeftAloneReason, Tier, ignore_policy};
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::{Body, Difference, Part};

use crate::contention::{self, Contended};
use crate::observed::resolve;
use crate::status::seconds;
use crate::{Draft, PlanInput, parts, promotion};

/// A value in the status is shown up to this many characters: user data has thousands.
const SHOWN: usize = 200;

/// What is wanted of a part, given what is left alone.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    /// What is wanted, with the fields that are left alone as they were found. References are not resolved.
    pub(crate) desired: Body,
    /// The differences that are left alone, and why.
    pub(crate) left: Vec<(Difference, Cause)>,
}

/// Why a difference is left alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Cause {
    Rule(IgnorePolicy),
    Contended(Contended),
}

/// What becomes of a difference in a field of a part; `None`: it is put back.
pub(crate) fn policy(input: &PlanInput<'_>, part: &Part, field: &str) -> Option<IgnorePolicy> {
    let policy = ignore_policy(&input.spec.ignore, part.as_str(), field)?;
    let scaled = || {
        let is_group = |tier: &&Tier| parts::auto_scaling_group(&tier.name) == *part;
        let tier = input.spec.tiers.iter().find(is_group);
        tier.is_some_and(|tier| !tier.scaling.policies.is_empty())
    };
    let is_scalers = field == "desired" && scaled();
    (is_complete(input, part) && !is_scalers).then_some(policy)
}

/// Whether a part was once as the spec says, or was there before us.
fn is_complete(input: &PlanInput<'_>, part: &Part) -> bool {
    input.ledger.get(part).is_none_or(|entry| entry.completed_at.is_some())
}

/// Takes the fields that are left alone as they were found.
pub(crate) fn split(input: &PlanInput<'_>, part: &Part, specified: Body, observed: &Body) -> Split {
    if !may_have_causes(input, part) {
        return Split { desired: specified, left: Vec::new() };
    }
    let mut resolved = specified.clone();
    resolve(input, &mut resolved, Some(observed));
    let differences = resolved.differences(observed).into_iter();
    let left: Vec<_> = differences
        .filter_map(|difference| Some((cause(input, part, &difference)?, difference)))
        .map(|(cause, difference)| (difference, cause))
        .collect();
    let mut desired = specified;
    left.iter().for_each(|(difference, _)| desired.leave(observed, &difference.field));
    Split { desired, left }
}

/// Whether a closer look is worth its cost.
fn may_have_causes(input: &PlanInput<'_>, part: &Part) -> bool {
    let contended = || input.ledger.get(part).is_some_and(|entry| !entry.corrections.is_empty());
    input.spec.ignore.iter().any(|rule| rule.is_about(part.as_str())) || contended()
}

fn cause(input: &PlanInput<'_>, part: &Part, difference: &Difference) -> Option<Cause> {
    // Who shuts off an old primary does not ask whether its rules are somebody else's.
    if promotion::is_fenced(input, part) {
        return None;
    }
    let rule = policy(input, part, &difference.field).map(Cause::Rule);
    rule.or_else(|| contention::contended(input, part, difference).map(Cause::Contended))
}

/// Says what is left alone, as far as somebody wants to know it.
pub(crate) fn report(draft: &mut Draft<'_>, part: &Part, left: &[(Difference, Cause)]) {
    for (difference, cause) in left {
        let contended = match cause {
            Cause::Rule(IgnorePolicy::Ignore) => continue,
            Cause::Rule(IgnorePolicy::Report) => None,
            Cause::Contended(contended) => Some(*contended),
        };
        if let Some(Contended { until, .. }) = contended {
            draft.look_at(until);
        }
        draft.plan.left_alone.push(left_alone(part, difference, contended));
    }
}

fn left_alone(part: &Part, difference: &Difference, contended: Option<Contended>) -> LeftAlone {
    let reason = if contended.is_some() { LeftAloneReason::Contended } else { LeftAloneReason::Reported };
    LeftAlone {
        part: part.to_string(),
        field: difference.field.clone(),
        wanted: shown(&difference.desired),
        found: shown(&difference.observed),
        reason,
        corrections: contended.map(|contended| contended.corrections),
        next_attempt_time: contended.map(|contended| seconds(contended.until)),
    }
}

fn shown(value: &str) -> String {
    match value.char_indices().nth(SHOWN) {
        Some((end, _)) => format!("{}…", &value[..end]),
        None => value.to_owned(),
    }
}

/// The tier with the capacity that others gave its group, as far as that is left alone: scaling and rollouts go by
/// what stands.
pub(crate) fn standing_tier<'t>(
    input: &PlanInput<'_>,
    tier: &'t Tier,
    group: Option<&AutoScalingGroup>,
) -> Cow<'t, Tier> {
    let part = parts::auto_scaling_group(&tier.name);
    let Some(group) = group else { return Cow::Borrowed(tier) };
    let [min, max, desired] = ["min", "max", "desired"].map(|field| policy(input, &part, field).is_some());
    if !(min || max || desired) {
        return Cow::Borrowed(tier);
    }
    let wanted = &tier.capacity;
    let capacity = if desired {
        Capacity { min: group.desired, max: group.desired, desired: Some(group.desired) }
    } else {
        let (min, max) = (if min { group.min } else { wanted.min }, if max { group.max } else { wanted.max });
        Capacity { min, max, desired: Some(wanted.desired.unwrap_or(wanted.min)) }
    };
    Cow::Owned(Tier { capacity, ..tier.clone() })
}
