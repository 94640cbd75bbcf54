//! The load balancer of each tier that has one.

use lamp_api::v1alpha1::{LoadBalancer as Spec, Scheme, Tier};
use lamp_cloud::Kind;
use lamp_cloud::kinds::load_balancer::{LoadBalancer, LoadBalancerAttributes};

use super::{internet_gateway, to, zones};
use crate::parts::Layer;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    let balanced = input.spec.tiers.iter().filter_map(|tier| Some((tier, tier.load_balancer.as_ref()?)));
    balanced
        .map(|(tier, balancer)| {
            let body = body(input, tier, balancer);
            Wanted::or_waiting(parts::load_balancer(&tier.name), Kind::LoadBalancer, body)
        })
        .collect()
}

fn body(input: &PlanInput<'_>, tier: &Tier, balancer: &Spec) -> Result<LoadBalancer, String> {
    let internet_facing = balancer.scheme == Scheme::Internet;
    if internet_facing {
        internet_gateway::attached(input)?;
    }
    let layer = if internet_facing { Layer::Public } else { Layer::Application };
    Ok(LoadBalancer {
        internet_facing,
        subnets: zones(input).map(|zone| to(&parts::subnet(layer, zone))).collect(),
        security_groups: vec![to(&parts::load_balancer_security_group(&tier.name))],
        attributes: Some(LoadBalancerAttributes {
            deletion_protection: balancer.deletion_protection,
            idle_timeout_seconds: balancer.idle_timeout_seconds,
            http2: true,
            // PHP maps `-` and `_` in header names to the same variable.
            drop_invalid_headers: true,
        }),
        dns_name: None,
    })
}
