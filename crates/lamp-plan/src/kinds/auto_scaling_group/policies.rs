//! The scaling policies that a tier's group has at AWS: those that the spec gives to AWS, or the one that stands in while
//! Lamplighter is away. Never both: [`capacity`] stays alone for as
//! long as one of ours may shrink it.

use lamp_api::v1alpha1::{
    CustomMetric, LeftAlone, LeftAloneReason, Metric, PolicyOwner, SafetyPolicy, ScalingPolicy as Policy,
    ScalingPolicyType, Tier,
};
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, POLICY_PREFIX, ScalingPolicy, TrackedMetric};
use lamp_cloud::{Body, Kind, ResourceId, token};

use crate::healing::{breaker, succession};
use crate::observed::held;
use crate::scaling::scheduled;
use crate::{Draft, PlanInput, holds, parts, rollout};

/// A CPU that is busier than this answers slowly, whatever the target is.
const BUSIEST: f64 = 90.0;

/// The policies that the group of a tier is to have, by name.
pub(super) fn wanted(draft: &Draft<'_>, tier: &Tier) -> Vec<ScalingPolicy> {
    let mut policies = if tier.scaling.is_owned_by_aws() {
        natives(draft, tier)
    } else {
        safety(&draft.input, tier).into_iter().collect()
    };
    policies.sort_by(|one, other| one.name.cmp(&other.name));
    policies
}

/// Those that the spec gives to AWS. While something is under way that needs its instances, they only grow.
fn natives(draft: &Draft<'_>, tier: &Tier) -> Vec<ScalingPolicy> {
    let (input, scales_in) = (&draft.input, !needs_its_instances(draft, tier));
    let (mut policies, mut names): (Vec<ScalingPolicy>, Vec<&str>) = Default::default();
    for policy in tier.scaling.policies.iter().filter(|policy| policy.owner == PolicyOwner::Aws) {
        let Some(target) = policy.target else { continue };
        let source = policy.custom_metric.as_ref().and_then(|custom| custom.metrics.first());
        let Some(name) = policy.metric.map(Metric::as_str).or(source.map(|source| source.name.as_str()))
        else {
            continue;
        };
        names.push(name);
        let alike = names.iter().filter(|other| **other == name).count();
        let what = if alike == 1 { name.to_owned() } else { format!("{name}-{alike}") };
        policies.extend(known_or_standing(input, tier, &what, (policy, target), scales_in));
    }
    policies
}

/// What AWS must not take away now: a rollout or a replacement ahead of an end has a spare instance, a breaker that is open
/// says that something is wrong, and a person may hold the tier.
fn needs_its_instances(draft: &Draft<'_>, tier: &Tier) -> bool {
    rollout::least_capacity(draft, tier) > 0
        || succession::least_capacity(&draft.input, tier) > 0
        || breaker::is_open(&draft.input, tier)
        || holds::held_group(&draft.input, tier).is_some()
}

/// The policy that only adds instances, and later than Lamplighter would.
fn safety(input: &PlanInput<'_>, tier: &Tier) -> Option<ScalingPolicy> {
    let rules = &tier.scaling.behavior.scale_up;
    if tier.safety_policy == SafetyPolicy::None || rules.percent_per_minute == 0 {
        return None;
    }
    let tracking =
        tier.scaling.policies.iter().filter(|policy| policy.kind == ScalingPolicyType::TargetTracking);
    let followed =
        |policy: &&Policy| policy.metric.is_some_and(|metric| metric != Metric::TargetResponseTime);
    let policy = tracking.filter(|policy| policy.target.is_some()).find(followed)?;
    let target = policy.target?;
    let urgent = target * f64::from(rules.urgent_percent) / 100.0;
    let is_cpu = policy.metric == Some(Metric::CPUUtilization);
    let urgent = if is_cpu { urgent.min(BUSIEST).max(target) } else { urgent };
    known_or_standing(input, tier, "safety", (policy, urgent), false)
}

/// A policy. Where what it follows is not known now, it goes on following what the one of its name that stands follows:
/// unknown is not absent. Its target, and whether it may shrink the group now, are as they are wanted all the same.
fn known_or_standing(
    input: &PlanInput<'_>,
    tier: &Tier,
    what: &str,
    (policy, target): (&Policy, f64),
    scales_in: bool,
) -> Option<ScalingPolicy> {
    if let Some(metric) = tracked(input, tier, policy) {
        return Some(named(input, tier, what, (metric, target), scales_in));
    }
    let (name, group) = (name(input, tier, what), super::observed(input, tier)?);
    let standing = group.policies.iter().flatten().find(|standing| standing.name == name)?;
    match &standing.metric {
        // It cannot be put in our words.
        TrackedMetric::Other(_) => Some(standing.clone()),
        metric => Some(named(input, tier, what, (metric.clone(), target), scales_in)),
    }
}

/// Policies are listed for all groups of an account: a name says of which it is.
fn name(input: &PlanInput<'_>, tier: &Tier, what: &str) -> String {
    let which = token(input.owner, &parts::auto_scaling_group(&tier.name), what, 0);
    format!("{POLICY_PREFIX}{what}-{}", &which[..8])
}

fn named(
    input: &PlanInput<'_>,
    tier: &Tier,
    what: &str,
    (metric, target): (TrackedMetric, f64),
    scales_in: bool,
) -> ScalingPolicy {
    ScalingPolicy {
        name: name(input, tier, what),
        metric,
        target,
        scales_in,
        warmup_seconds: Some(tier.scaling.behavior.warmup_seconds),
    }
}

/// What a policy follows, in AWS's words; `None` where AWS has none for it, or what it follows is not there yet.
fn tracked(input: &PlanInput<'_>, tier: &Tier, policy: &Policy) -> Option<TrackedMetric> {
    match (policy.metric, &policy.custom_metric) {
        (Some(Metric::CPUUtilization), _) => Some(TrackedMetric::AverageCpuUtilization),
        (Some(Metric::NetworkIn), _) => Some(TrackedMetric::AverageNetworkIn),
        (Some(Metric::NetworkOut), _) => Some(TrackedMetric::AverageNetworkOut),
        (Some(Metric::RequestCountPerTarget), _) => {
            let (balancer, targets) = front(input, tier)?;
            let label = format!("{}/{}", balancer_end(&balancer), targets_end(&targets));
            Some(TrackedMetric::RequestCountPerTarget { label })
        }
        (Some(_), _) => None,
        (None, custom) => customized(input, tier, custom.as_ref()?),
    }
}

/// The load balancer of a tier and its target group, once the one sends to the other: AWS refuses the policy before.
fn front(input: &PlanInput<'_>, tier: &Tier) -> Option<(ResourceId, ResourceId)> {
    let balancer = held(input, &parts::load_balancer(&tier.name), Kind::LoadBalancer)?;
    let targets = held(input, &parts::target_group(&tier.name), Kind::TargetGroup)?;
    match &targets.body {
        Body::TargetGroup(body) if body.load_balancers.contains(&balancer.id) => {
            Some((balancer.id.clone(), targets.id.clone()))
        }
        _ => None,
    }
}

/// `app/web/50dc6c495c0c9188` of a load balancer's ARN.
fn balancer_end(arn: &str) -> &str {
    arn.split_once(":loadbalancer/").map_or(arn, |(_, end)| end)
}

/// `targetgroup/web/73e2d6bc24d8a067` of a target group's ARN.
fn targets_end(arn: &str) -> &str {
    arn.rfind(":targetgroup/").map_or(arn, |at| &arn[at + 1..])
}

fn customized(input: &PlanInput<'_>, tier: &Tier, custom: &CustomMetric) -> Option<TrackedMetric> {
    let [source] = custom.metrics.as_slice() else { return None };
    let dimension = |(name, value): (&String, &String)| Some((name.clone(), filled(input, tier, value)?));
    Some(TrackedMetric::Customized {
        namespace: source.namespace.clone(),
        name: source.name.clone(),
        dimensions: source.dimensions.iter().map(dimension).collect::<Option<_>>()?,
        statistic: source.statistic.clone(),
    })
}

/// The value of a dimension, with what this stack has in the place of what stands for it.
fn filled(input: &PlanInput<'_>, tier: &Tier, value: &str) -> Option<String> {
    let id = |part, kind| held(input, &part, kind).map(|row| row.id.clone());
    match value {
        "${autoScalingGroup}" => id(parts::auto_scaling_group(&tier.name), Kind::AutoScalingGroup),
        "${targetGroup}" => {
            id(parts::target_group(&tier.name), Kind::TargetGroup).map(|arn| targets_end(&arn).to_owned())
        }
        "${loadBalancer}" => {
            id(parts::load_balancer(&tier.name), Kind::LoadBalancer).map(|arn| balancer_end(&arn).to_owned())
        }
        "${database}" => id(parts::database(), Kind::DbInstance),
        plain => Some(plain.to_owned()),
    }
}

/// The capacity of a group that AWS owns: as it is found, or `least` where something needs a spare instance. Until the last
/// policy that may shrink it is gone, nobody else sets it, whatever the spec says.
pub(crate) fn capacity(
    draft: &mut Draft<'_>,
    tier: &Tier,
    group: Option<&AutoScalingGroup>,
    least: u32,
) -> Option<u32> {
    let group = group?;
    let standing: Vec<String> = group.shrinking_policies().map(ScalingPolicy::describe).collect();
    let is_aws = tier.scaling.is_owned_by_aws();
    if standing.is_empty() && !is_aws {
        return None;
    }
    let part = parts::auto_scaling_group(&tier.name);
    draft.plan.memory.scaling.remove(&part);
    let only_grows = standing.is_empty();
    let standing = if only_grows { "for now only upwards".to_owned() } else { standing.join(", ") };
    let reason = if is_aws {
        format!("AWS owns the capacity: {standing}")
    } else {
        format!("capacity stays until AWS owns it no more: {standing}")
    };
    draft.decide(&part, "Hold", reason);
    if let Some(when) = scheduled::next(&tier.scaling, draft.input.now) {
        draft.look_at(when);
    }
    let spared = || group.desired.max(least).min(tier.capacity.max).max(group.desired);
    Some(if only_grows { spared() } else { group.desired })
}

/// Says which policies of others change the capacity as well.
pub(super) fn report_foreign(draft: &mut Draft<'_>, tier: &Tier, group: Option<&AutoScalingGroup>) {
    let part = parts::auto_scaling_group(&tier.name);
    for policy in group.iter().flat_map(|group| &group.foreign_policies) {
        draft.plan.left_alone.push(LeftAlone {
            part: part.to_string(),
            field: "policies".to_owned(),
            wanted: "no policy of others".to_owned(),
            found: format!("{}, which also changes the capacity: {}", policy.name, policy.describe()),
            reason: LeftAloneReason::Reported,
            corrections: None,
            next_attempt_time: None,
        });
    }
}

#[cfg(test)]
mod tests;
