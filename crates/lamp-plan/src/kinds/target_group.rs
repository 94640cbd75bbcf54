//! The target group of each tier that has a load balancer.

use lamp_api::v1alpha1::{LoadBalancer, Tier};
use lamp_cloud::kinds::target_group::{HealthCheck, TargetGroup, TargetGroupAttributes};

use super::to;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    let balanced = input.spec.tiers.iter().filter_map(|tier| Some((tier, tier.load_balancer.as_ref()?)));
    balanced
        .map(|(tier, balancer)| Wanted::new(parts::target_group(&tier.name), body(tier, balancer)))
        .collect()
}

fn body(tier: &Tier, balancer: &LoadBalancer) -> TargetGroup {
    let check = &balancer.health_check;
    TargetGroup {
        vpc: to(&parts::vpc()),
        port: tier.port,
        health_check: HealthCheck {
            path: check.path.clone(),
            interval_seconds: check.interval_seconds,
            timeout_seconds: check.timeout_seconds,
            healthy_threshold: check.healthy_threshold,
            unhealthy_threshold: check.unhealthy_threshold,
        },
        attributes: Some(TargetGroupAttributes {
            deregistration_delay_seconds: balancer.deregistration_delay_seconds,
            stickiness_seconds: balancer.stickiness.as_ref().map(|stickiness| stickiness.cookie_seconds),
            least_outstanding_requests: true,
        }),
        load_balancers: Vec::new(),
    }
}
