//! The Auto Scaling group of each tier.

pub(crate) mod policies;

use lamp_api::v1alpha1::Tier;
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, EC2, ScalingPolicy};
use lamp_cloud::{Body, Kind, Part, TemplateVersion};

use super::{to, zones};
use crate::left_alone;
use crate::observed::{held, list};
use crate::parts::Layer;
use crate::rollout::target::{self, Standing, Target};
use crate::scaling::connections;
use crate::{Draft, PlanInput, Wanted, holds, parts, scaling};

/// The group of one tier, with the capacity that scaling decides.
pub(crate) fn wanted(draft: &mut Draft<'_>, tier: &Tier) -> Wanted {
    let part = parts::auto_scaling_group(&tier.name);
    let observed = observed(&draft.input, tier);
    let launched = launched(draft, tier, observed);
    let standing = left_alone::standing_tier(&draft.input, tier, observed);
    let ready = if observed.is_some() { Ok(()) } else { surroundings(draft, tier) };
    let body = ready.and(launched).map(|launched| {
        let desired = scaling::tier_capacity(draft, &standing, observed);
        let left_alone = left_alone::policy(&draft.input, &part, "desired").is_some();
        let specified = || tier.capacity.desired.unwrap_or(tier.capacity.min);
        let desired = if left_alone { specified() } else { desired };
        let mut body = body(&draft.input, tier, launched, (desired, policies::wanted(draft, tier)));
        // What stands in for us knows nothing of the database.
        let most = connections::most_at_aws(draft, tier).map(|most| most.max(desired).max(body.min));
        body.max = body.max.min(most.unwrap_or(body.max));
        body
    });
    policies::report_foreign(draft, tier, observed);
    Wanted::or_waiting(part, Kind::AutoScalingGroup, body)
}

/// The group as it stands, if it is there and ours.
pub(crate) fn observed<'a>(input: &PlanInput<'a>, tier: &Tier) -> Option<&'a AutoScalingGroup> {
    match &held(input, &parts::auto_scaling_group(&tier.name), Kind::AutoScalingGroup)?.body {
        Body::AutoScalingGroup(group) => Some(group),
        _ => None,
    }
}

fn body(
    input: &PlanInput<'_>,
    tier: &Tier,
    launched: TemplateVersion,
    (desired, policies): (u32, Vec<ScalingPolicy>),
) -> AutoScalingGroup {
    let held = holds::held_group(input, tier);
    AutoScalingGroup {
        template: to(&parts::launch_template(&tier.name)),
        template_version: launched.number,
        subnets: zones(input).map(|zone| to(&parts::subnet(Layer::Application, zone))).collect(),
        target_groups: tier.load_balancer.iter().map(|_| to(&parts::target_group(&tier.name))).collect(),
        min: tier.capacity.min,
        // AWS would let instances go that are more than this.
        max: tier.capacity.max.max(held.map_or(0, |group| group.desired)),
        desired,
        instance_types: launched.instance_types,
        grace_seconds: tier.healing.grace_period_seconds,
        // With `ELB` a group terminates healthy instances when the health check itself is broken (docs/rfd/0005).
        health_check_type: EC2.to_owned(),
        members: Vec::new(),
        // Whoever holds it may have reason to stop what the group does by itself.
        suspended: held.map(|group| group.suspended.clone()).unwrap_or_default(),
        policies: Some(policies),
        foreign_policies: Vec::new(),
    }
}

/// What the group launches: what the spec asks for or, where that failed, the last good version; until that is known,
/// what it has.
fn launched(
    draft: &mut Draft<'_>,
    tier: &Tier,
    group: Option<&AutoScalingGroup>,
) -> Result<TemplateVersion, String> {
    let target = target::find(&draft.input, tier);
    draft.targets.insert(tier.name.clone(), target.clone());
    match (target, group) {
        (Ok(target), _) => {
            let launched = target.launched().clone();
            if group.is_some_and(|group| group.template_version != launched.number) {
                say_return(draft, tier, &target);
            }
            Ok(launched)
        }
        (Err(_), Some(group)) => Ok(TemplateVersion {
            number: group.template_version,
            launches: String::new(),
            instance_types: target::choice(tier),
        }),
        (Err(why), None) => Err(why),
    }
}

fn say_return(draft: &mut Draft<'_>, tier: &Tier, target: &Target) {
    if let Standing::Returned { good, failed } = &target.standing {
        let reason = format!(
            "version {} does not work ({}): the group launches version {} again",
            failed.version.number, failed.why, good.number
        );
        draft.decide(&parts::auto_scaling_group(&tier.name), "Return", reason);
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
