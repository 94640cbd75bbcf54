//! The addresses of the NAT gateways.

use lamp_cloud::kinds::elastic_ip::ElasticIp;

use super::nat_gateway;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    nat_gateway::numbers(input)
        .map(|zone| Wanted::new(parts::elastic_ip(zone), ElasticIp::default()))
        .collect()
}
