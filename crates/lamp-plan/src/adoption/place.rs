//! Where a resource stands: a stack takes over nothing that stands outside it.

use lamp_cloud::{Body, Reference, ResourceId};

use crate::Draft;

/// What a resource stands in that is neither named nor in our records.
pub(super) fn outside(draft: &Draft<'_>, body: &Body) -> Option<ResourceId> {
    let named = |id: &str| draft.input.adoption.parts.values().any(|named| named == id);
    let recorded = |id: &str| draft.input.ledger.values().any(|entry| entry.id.as_deref() == Some(id));
    let stray = |reference: &&Reference| reference.as_id().is_some_and(|id| !named(id) && !recorded(id));
    ground(body).into_iter().find(stray).and_then(Reference::as_id).map(str::to_owned)
}

/// What the resource stands in and cannot leave.
fn ground(body: &Body) -> Vec<&Reference> {
    match body {
        Body::Subnet(subnet) => vec![&subnet.vpc],
        Body::InternetGateway(gateway) => gateway.vpc.iter().collect(),
        Body::NatGateway(gateway) => vec![&gateway.subnet, &gateway.address],
        Body::RouteTable(table) => vec![&table.vpc],
        Body::SecurityGroup(group) => vec![&group.vpc],
        Body::LoadBalancer(balancer) => balancer.subnets.iter().collect(),
        Body::TargetGroup(group) => vec![&group.vpc],
        Body::Listener(listener) => vec![&listener.load_balancer],
        Body::AutoScalingGroup(group) => group.subnets.iter().chain([&group.template]).collect(),
        Body::DbSubnetGroup(group) => group.subnets.iter().collect(),
        Body::DbInstance(instance) => instance.source.iter().chain([&instance.subnet_group]).collect(),
        Body::Vpc(_)
        | Body::ElasticIp(_)
        | Body::LaunchTemplate(_)
        | Body::DbParameterGroup(_)
        | Body::Secret(_) => Vec::new(),
    }
}
