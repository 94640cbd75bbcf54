//! The Auto Scaling group of each tier.

use lamp_api::v1alpha1::Tier;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::{Body, Kind, Part};

use super::{launch_template, to, yield_to_owners, zones};
use crate::left_alone::{self, Split};
use crate::observed::{held, list, resolve};
use crate::parts::Layer;
use crate::{Draft, PlanInput, Wanted, parts, scaling};

/// The group of one tier, with the capacity that scaling decides.
pub(crate) fn wanted(draft: &mut Draft<'_>, tier: &Tier) -> Wanted {
    let part = parts::auto_scaling_group(&tier.name);
    let observed = observed(&draft.input, tier);
    let version = template_version(&draft.input, tier, observed);
    let standing = left_alone::standing_tier(&draft.input, tier, observed);
    let ready = if observed.is_some() { Ok(()) } else { surroundings(draft, tier) };
    let body = ready.and(version).map(|template_version| {
        let desired = scaling::tier_capacity(draft, &standing, observed);
        let left_alone = left_alone::policy(&draft.input, &part, "desired").is_some();
        let specified = || tier.capacity.desired.unwrap_or(tier.capacity.min);
        body(&draft.input, tier, template_version, if left_alone { specified() } else { desired })
    });
    Wanted::or_waiting(part, Kind::AutoScalingGroup, body)
}

/// The group as it stands, if it is there and ours.
pub(crate) fn observed<'a>(input: &PlanInput<'a>, tier: &Tier) -> Option<&'a AutoScalingGroup> {
    match &held(input, &parts::auto_scaling_group(&tier.name), Kind::AutoScalingGroup)?.body {
        Body::AutoScalingGroup(group) => Some(group),
        _ => None,
    }
}

fn body(input: &PlanInput<'_>, tier: &Tier, template_version: u64, desired: u32) -> AutoScalingGroup {
    let types = &tier.instance_types;
    AutoScalingGroup {
        template: to(&parts::launch_template(&tier.name)),
        template_version,
        subnets: zones(input).map(|zone| to(&parts::subnet(Layer::Application, zone))).collect(),
        target_groups: tier.load_balancer.iter().map(|_| to(&parts::target_group(&tier.name))).collect(),
        min: tier.capacity.min,
        max: tier.capacity.max,
        desired,
        // The template names the only type; overrides are for a choice.
        instance_types: if types.len() > 1 { types.clone() } else { Vec::new() },
        grace_seconds: tier.healing.grace_period_seconds,
        members: Vec::new(),
        suspended: Vec::new(),
    }
}

/// The newest version once that is what the spec wants; until then the one that the group has.
fn template_version(
    input: &PlanInput<'_>,
    tier: &Tier,
    group: Option<&AutoScalingGroup>,
) -> Result<u64, String> {
    let part = parts::launch_template(&tier.name);
    let current = latest_wanted(input, tier, &part, group.is_some());
    current.or_else(|why| group.map(|group| group.template_version).ok_or(why))
}

fn latest_wanted(input: &PlanInput<'_>, tier: &Tier, part: &Part, has_group: bool) -> Result<u64, String> {
    let specified = launch_template::of(input, tier).body?;
    let observed = held(input, part, Kind::LaunchTemplate).ok_or_else(|| format!("waiting for {part}"))?;
    let specified = yield_to_owners(specified, observed);
    let Split { mut desired, left } = left_alone::split(input, part, specified, &observed.body);
    resolve(input, &mut desired, Some(&observed.body));
    match &observed.body {
        Body::LaunchTemplate(template) if template.data.is_none() || template.latest_version == 0 => {
            Err(format!("waiting for the versions of {part} to be read"))
        }
        // What somebody else made, and what is left alone, is not rolled out.
        Body::LaunchTemplate(template) if has_group && !left.is_empty() && template.is_anothers() => {
            Err(format!("version {} of {part} is left alone", template.latest_version))
        }
        Body::LaunchTemplate(template) if desired.differences(&observed.body).is_empty() => {
            Ok(template.latest_version)
        }
        _ => Err(format!("waiting for a new version of {part}")),
    }
}

/// What must work before a first instance boots: its way out, who may talk to it, and who sends it visitors.
fn surroundings(draft: &Draft<'_>, tier: &Tier) -> Result<(), String> {
    let routes = zones(&draft.input).map(parts::application_route_table);
    let mut needed: Vec<Part> = routes.collect();
    needed.push(parts::tier_security_group(&tier.name));
    if tier.load_balancer.is_some() {
        needed.push(parts::load_balancer_security_group(&tier.name));
    }
    needed.retain(|part| !draft.is_ready(part));
    if needed.is_empty() { Ok(()) } else { Err(format!("waiting for {}", list(&needed))) }
}
