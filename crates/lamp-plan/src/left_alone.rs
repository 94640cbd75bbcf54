//! Fields that the spec says to leave alone: they are taken as they are found wherever the spec is compared with AWS.
//!
//! A rule holds for what exists. A part that is made takes several calls until it is as the spec says, so that rules
//! begin once it was; what was taken over from others has been there before.

use std::borrow::Cow;

use lamp_api::v1alpha1::{Capacity, IgnorePolicy, LeftAlone, LeftAloneReason, Tier, ignore_policy};
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::{Body, Difference, Part};

use crate::observed::resolve;
use crate::{Draft, PlanInput, parts};

/// A value in the status is shown up to this many characters: user data has thousands.
const SHOWN: usize = 200;

/// What is wanted of a part, given what is left alone.
#[derive(Clone, Debug)]
pub(crate) struct Split {
    /// What is wanted, with the fields that are left alone as they were found. References are not resolved.
    pub(crate) desired: Body,
    /// The differences that are left alone.
    pub(crate) left: Vec<(Difference, IgnorePolicy)>,
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
    let is_about = input.spec.ignore.iter().any(|rule| rule.is_about(part.as_str()));
    if !is_about || !is_complete(input, part) {
        return Split { desired: specified, left: Vec::new() };
    }
    let mut desired = specified.clone();
    for field in observed.kind().fields().iter().filter(|field| policy(input, part, field).is_some()) {
        desired.leave(observed, field);
    }
    let mut specified = specified;
    resolve(input, &mut specified, Some(observed));
    let differences = specified.differences(observed).into_iter();
    let left = differences
        .filter_map(|difference| Some((policy(input, part, &difference.field)?, difference)))
        .map(|(policy, difference)| (difference, policy));
    let left = left.collect();
    Split { desired, left }
}

/// Says what is left alone, as far as somebody wants to know it.
pub(crate) fn report(draft: &mut Draft<'_>, part: &Part, left: &[(Difference, IgnorePolicy)]) {
    let reported = left.iter().filter(|(_, policy)| *policy == IgnorePolicy::Report);
    draft.plan.left_alone.extend(reported.map(|(difference, _)| LeftAlone {
        part: part.to_string(),
        field: difference.field.clone(),
        wanted: shown(&difference.desired),
        found: shown(&difference.observed),
        reason: LeftAloneReason::Reported,
    }));
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
