//! What a creation leaves behind: some calls take less than the spec says, and the rest is changed afterwards.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::kinds::db_instance::{DbFacts, DbInstance};
use lamp_cloud::kinds::load_balancer::LoadBalancerAttributes;
use lamp_cloud::kinds::security_group::Rule;
use lamp_cloud::kinds::target_group::TargetGroupAttributes;
use lamp_cloud::{
    Body, Instance, InstanceState, LifecycleState, Member, Part, ResourceId, StatusCheck, Tags,
};

/// An id, an address, or whatever else only AWS can say.
pub(super) fn unknown(what: &str) -> String {
    format!("(known after apply: {what})")
}

/// The body right after its creation.
pub(super) fn born(part: &Part, name: &str, body: &Body) -> Body {
    let mut body = body.clone();
    match &mut body {
        Body::Vpc(vpc) => (vpc.dns_support, vpc.dns_hostnames) = (Some(true), Some(false)),
        Body::InternetGateway(gateway) => gateway.vpc = None,
        Body::RouteTable(table) => {
            table.routes = BTreeMap::new();
            table.subnets = Vec::new();
        }
        Body::SecurityGroup(group) => {
            group.ingress = Vec::new();
            group.egress = vec![Rule::everything_out()];
        }
        Body::LoadBalancer(balancer) => {
            balancer.dns_name = Some(unknown(&format!("address of {part}")));
            balancer.attributes = Some(load_balancer_attributes());
        }
        Body::TargetGroup(group) => group.attributes = Some(target_group_attributes()),
        Body::LaunchTemplate(template) => (template.latest_version, template.default_version) = (1, 1),
        Body::DbParameterGroup(group) => group.parameters = Some(BTreeMap::new()),
        Body::DbInstance(instance) => {
            instance.facts = facts(name, instance);
            // The call that makes a replica takes no window.
            instance.maintenance_window =
                instance.maintenance_window.take().filter(|_| !instance.is_replica());
        }
        Body::AutoScalingGroup(group) => {
            group.members = members(name, group, 0, group.desired);
            group.policies = Some(Vec::new());
        }
        Body::Subnet(_) | Body::ElasticIp(_) | Body::NatGateway(_) => {}
        Body::Listener(_) | Body::DbSubnetGroup(_) | Body::Secret(_) => {}
    }
    body
}

/// AWS's defaults.
fn load_balancer_attributes() -> LoadBalancerAttributes {
    LoadBalancerAttributes {
        deletion_protection: false,
        idle_timeout_seconds: 60,
        http2: true,
        drop_invalid_headers: false,
    }
}

/// AWS's defaults.
fn target_group_attributes() -> TargetGroupAttributes {
    TargetGroupAttributes {
        deregistration_delay_seconds: 300,
        stickiness_seconds: None,
        least_outstanding_requests: false,
    }
}

fn facts(name: &str, instance: &DbInstance) -> DbFacts {
    DbFacts {
        status: "available".to_owned(),
        endpoint: Some(format!("{name}.{}", unknown("address of database"))),
        arn: Some(unknown(name)),
        replication: instance.is_replica().then(|| "replicating".to_owned()),
        ..DbFacts::default()
    }
}

/// Members of a group, with these numbers in their ids.
pub(super) fn members(name: &str, group: &AutoScalingGroup, from: u32, count: u32) -> Vec<Member> {
    let member = |number: u32| Member {
        instance: unknown(&format!("instance {number} of {name}")),
        zone: unknown("zone"),
        lifecycle: LifecycleState::InService,
        healthy: true,
        template_version: Some(group.template_version),
        instance_type: group.instance_types.first().cloned().unwrap_or_default(),
    };
    (from..from + count).map(member).collect()
}

/// The instance that a member is.
pub(super) fn instance(group: &ResourceId, member: &Member, tags: &Tags, now: Timestamp) -> Instance {
    Instance {
        id: member.instance.clone(),
        tags: tags.clone(),
        group: Some(group.clone()),
        state: InstanceState::Running,
        zone: member.zone.clone(),
        instance_type: member.instance_type.clone(),
        launched_at: now,
        status: Some(StatusCheck::Ok),
        events: Vec::new(),
    }
}
