//! The way out for private subnets.

use std::ops::RangeInclusive;

use lamp_api::v1alpha1::NatGateways;
use lamp_cloud::Kind;
use lamp_cloud::kinds::nat_gateway::NatGateway;

use super::{internet_gateway, to};
use crate::parts::Layer;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    let body = |zone| {
        internet_gateway::attached(input)?;
        Ok(NatGateway {
            subnet: to(&parts::subnet(Layer::Public, zone)),
            address: to(&parts::elastic_ip(zone)),
        })
    };
    let one = |zone| Wanted::or_waiting(parts::nat_gateway(zone), Kind::NatGateway, body(zone));
    numbers(input).map(one).collect()
}

/// The zones that have a NAT gateway.
pub(super) fn numbers(input: &PlanInput<'_>) -> RangeInclusive<usize> {
    match input.spec.network.nat_gateways {
        NatGateways::PerZone => 1..=input.spec.network.zones.count(),
        NatGateways::Single => 1..=1,
        #[expect(clippy::reversed_empty_ranges, reason = "no zone at all")]
        NatGateways::None => 1..=0,
    }
}

/// The NAT gateway that serves a zone.
pub(super) fn serving(input: &PlanInput<'_>, zone: usize) -> Option<usize> {
    match input.spec.network.nat_gateways {
        NatGateways::PerZone => Some(zone),
        NatGateways::Single => Some(1),
        NatGateways::None => None,
    }
}
