//! What stands in the network, or serves it, and is no part of the stack.

use std::collections::BTreeSet;

use lamp_cloud::{Body, InstanceState, Reference, Resource, tag};

use super::survey::label;
use super::{Found, LeftOut, Survey};

pub(super) fn list(survey: &Survey<'_>, found: &Found<'_>) -> Vec<LeftOut> {
    let is_part = |row: &&Resource| found.values().any(|part| part.kind() == row.kind() && part.id == row.id);
    let rows = survey.rows.iter().filter(|row| stands_in(survey, row) && !is_part(row));
    let resources = rows.map(|row| LeftOut {
        kind: row.kind().name().to_owned(),
        id: row.id.clone(),
        why: format!("{} has no place in a stack", label(row)),
    });
    resources.chain(strays(survey)).collect()
}

/// Whether a resource is one of the network's.
fn stands_in(survey: &Survey<'_>, row: &Resource) -> bool {
    let here = |vpc: &Reference| vpc.as_id() == Some(survey.vpc);
    let inside = |subnet: &Reference| survey.holds(std::slice::from_ref(subnet));
    match &row.body {
        Body::Subnet(subnet) => here(&subnet.vpc),
        Body::InternetGateway(gateway) => gateway.vpc.as_ref().is_some_and(here),
        Body::NatGateway(gateway) => inside(&gateway.subnet),
        Body::RouteTable(table) => here(&table.vpc),
        Body::SecurityGroup(group) => here(&group.vpc),
        Body::TargetGroup(group) => here(&group.vpc),
        Body::LoadBalancer(balancer) => survey.holds(&balancer.subnets),
        Body::AutoScalingGroup(group) => survey.holds(&group.subnets),
        Body::DbSubnetGroup(group) => survey.holds(&group.subnets),
        Body::Listener(listener) => listener.load_balancer.as_id().is_some_and(|id| {
            survey.row(lamp_cloud::Kind::LoadBalancer, id).is_some_and(|front| stands_in(survey, front))
        }),
        Body::DbInstance(instance) => instance.subnet_group.as_id().is_some_and(|id| {
            survey.row(lamp_cloud::Kind::DbSubnetGroup, id).is_some_and(|group| stands_in(survey, group))
        }),
        // They stand in no network: those of the stack are found by what uses them.
        Body::Vpc(_)
        | Body::ElasticIp(_)
        | Body::LaunchTemplate(_)
        | Body::DbParameterGroup(_)
        | Body::Secret(_) => false,
    }
}

/// Instances that no Auto Scaling group of the network has as its members.
fn strays(survey: &Survey<'_>) -> impl Iterator<Item = LeftOut> {
    let members: BTreeSet<&str> = survey
        .groups()
        .flat_map(|(_, group)| &group.members)
        .map(|member| member.instance.as_str())
        .collect();
    let strays = survey.instances.iter().filter(move |instance| {
        instance.state != InstanceState::Terminated && !members.contains(instance.id.as_str())
    });
    strays.map(|instance| LeftOut {
        kind: "Instance".to_owned(),
        id: instance.id.clone(),
        why: match instance.tags.get(tag::NAME) {
            Some(name) => format!("{name:?} is in no Auto Scaling group"),
            None => "it is in no Auto Scaling group".to_owned(),
        },
    })
}
