//! What the story makes: one body of each kind, small but with every field used.

use std::collections::BTreeMap;

use lamp_cloud::Reference;
use lamp_cloud::kinds::{
    auto_scaling_group::AutoScalingGroup,
    db_instance::{DbFacts, DbInstance},
    db_parameter_group::DbParameterGroup,
    db_subnet_group::DbSubnetGroup,
    elastic_ip::ElasticIp,
    internet_gateway::InternetGateway,
    launch_template::{LaunchTemplate, TemplateData},
    listener::{Listener, ListenerAction},
    load_balancer::{LoadBalancer, LoadBalancerAttributes},
    nat_gateway::NatGateway,
    route_table::RouteTable,
    secret::Secret,
    security_group::{Peer, Rule, SecurityGroup},
    subnet::Subnet,
    target_group::{HealthCheck, TargetGroup, TargetGroupAttributes},
    vpc::Vpc,
};

use super::ids;

/// Bodies, and the ids of what exists already.
#[derive(Debug, Default)]
pub struct Bodies {
    zones: Vec<String>,
    pub vpc: String,
    pub gateway: String,
    /// Two public ones, then two private ones.
    pub subnets: Vec<String>,
    pub address: String,
    pub nat: String,
    pub front_group: String,
    pub back_group: String,
    pub load_balancer: String,
    pub target_group: String,
    pub listener: String,
    pub template: String,
    pub group: String,
    pub subnet_group: String,
    pub parameter_group: String,
    pub secret: String,
    pub primary: String,
}

impl Bodies {
    pub const PORT: u16 = 8080;

    pub fn new(zones: Vec<String>) -> Self {
        Self { zones, ..Self::default() }
    }

    pub fn vpc(&self) -> Vpc {
        Vpc { cidr: "10.77.0.0/16".to_owned(), dns_support: Some(true), dns_hostnames: Some(true) }
    }

    pub fn internet_gateway(&self) -> InternetGateway {
        InternetGateway { vpc: Some(Reference::id(self.vpc.as_str())) }
    }

    pub fn subnets(&self) -> Vec<(String, Subnet)> {
        let subnet = |index: usize| Subnet {
            vpc: Reference::id(self.vpc.as_str()),
            cidr: format!("10.77.{index}.0/24"),
            zone: self.zones[index % 2].clone(),
            public_addresses: false,
        };
        ["public/1", "public/2", "application/1", "application/2"]
            .into_iter()
            .enumerate()
            .map(|(index, name)| (format!("subnet/{name}"), subnet(index)))
            .collect()
    }

    pub fn elastic_ip(&self) -> ElasticIp {
        ElasticIp::default()
    }

    pub fn nat_gateway(&self) -> NatGateway {
        NatGateway {
            subnet: Reference::id(self.subnets[0].as_str()),
            address: Reference::id(self.address.as_str()),
        }
    }

    fn routes(&self, target: &str, subnets: &[String]) -> RouteTable {
        RouteTable {
            vpc: Reference::id(self.vpc.as_str()),
            routes: BTreeMap::from([("0.0.0.0/0".to_owned(), Reference::id(target))]),
            subnets: ids(subnets),
            associations: BTreeMap::new(),
        }
    }

    pub fn public_routes(&self) -> RouteTable {
        self.routes(&self.gateway, &self.subnets[..2])
    }

    pub fn private_routes(&self) -> RouteTable {
        self.routes(&self.nat, &self.subnets[2..])
    }

    pub fn front_group(&self) -> SecurityGroup {
        SecurityGroup {
            vpc: Reference::id(self.vpc.as_str()),
            description: "what visitors reach".to_owned(),
            ingress: vec![Rule::tcp(80, Peer::Range("0.0.0.0/0".to_owned()))],
            egress: vec![Rule::tcp(443, Peer::Range("0.0.0.0/0".to_owned()))],
        }
    }

    pub fn back_group(&self) -> SecurityGroup {
        let front = || Peer::Group(Reference::id(self.front_group.as_str()));
        SecurityGroup {
            vpc: Reference::id(self.vpc.as_str()),
            description: "what only the front reaches".to_owned(),
            ingress: vec![Rule::tcp(Self::PORT, front()), Rule::tcp(3306, front())],
            egress: Vec::new(),
        }
    }

    pub fn load_balancer(&self) -> LoadBalancer {
        LoadBalancer {
            internet_facing: true,
            subnets: ids(&self.subnets[..2]),
            security_groups: vec![Reference::id(self.front_group.as_str())],
            attributes: Some(LoadBalancerAttributes {
                deletion_protection: true,
                idle_timeout_seconds: 45,
                http2: true,
                drop_invalid_headers: true,
            }),
            dns_name: None,
        }
    }

    pub fn target_group(&self) -> TargetGroup {
        TargetGroup {
            vpc: Reference::id(self.vpc.as_str()),
            port: Self::PORT,
            health_check: HealthCheck {
                path: "/healthz".to_owned(),
                interval_seconds: 10,
                timeout_seconds: 5,
                healthy_threshold: 2,
                unhealthy_threshold: 3,
            },
            attributes: Some(TargetGroupAttributes {
                deregistration_delay_seconds: 30,
                stickiness_seconds: Some(600),
                least_outstanding_requests: true,
            }),
            load_balancers: Vec::new(),
        }
    }

    pub fn target_group_checked_elsewhere(&self) -> TargetGroup {
        let mut group = self.target_group();
        group.health_check.path = "/alive".to_owned();
        group
    }

    pub fn listener(&self) -> Listener {
        Listener {
            load_balancer: Reference::id(self.load_balancer.as_str()),
            port: 80,
            certificate: None,
            action: ListenerAction::Forward(Reference::id(self.target_group.as_str())),
        }
    }

    pub fn launch_template(&self, instance_type: &str) -> LaunchTemplate {
        let data = TemplateData {
            image: "ami-12c6146b".to_owned(),
            instance_type: instance_type.to_owned(),
            instance_profile: None,
            security_groups: vec![Reference::id(self.back_group.as_str())],
            user_data: "#!/bin/sh\necho 'it works' > /tmp/works\n".to_owned(),
            root_volume_gib: 20,
            instance_tags: BTreeMap::from([("team".to_owned(), "contract".to_owned())]),
            imds_v2_required: true,
            root_volume_encrypted: true,
            detailed_monitoring: true,
        };
        LaunchTemplate { data: Some(data), latest_version: 0, default_version: 0 }
    }

    pub fn auto_scaling_group(&self, desired: u32) -> AutoScalingGroup {
        AutoScalingGroup {
            template: Reference::id(self.template.as_str()),
            template_version: 2,
            subnets: ids(&self.subnets[2..]),
            target_groups: vec![Reference::id(self.target_group.as_str())],
            min: 1,
            max: 4,
            desired,
            instance_types: Vec::new(),
            grace_seconds: 120,
            members: Vec::new(),
            suspended: Vec::new(),
        }
    }

    pub fn subnet_group(&self) -> DbSubnetGroup {
        DbSubnetGroup { subnets: ids(&self.subnets[2..]) }
    }

    pub fn parameter_group(&self) -> DbParameterGroup {
        let parameters = [("require_secure_transport", "1"), ("max_connections", "200")];
        DbParameterGroup {
            family: "mysql8.0".to_owned(),
            parameters: Some(parameters.map(|(name, value)| (name.to_owned(), value.to_owned())).into()),
        }
    }

    pub fn secret(&self) -> Secret {
        Secret { description: "master password".to_owned(), username: "lamplighter".to_owned() }
    }

    pub fn database(&self, storage_gib: u32) -> DbInstance {
        DbInstance {
            engine: "mysql".to_owned(),
            version: "8.0.39".to_owned(),
            class: "db.r6g.large".to_owned(),
            storage_gib,
            max_storage_gib: Some(100),
            storage_type: "gp3".to_owned(),
            encrypted: true,
            multi_zone: true,
            username: "lamplighter".to_owned(),
            subnet_group: Reference::id(self.subnet_group.as_str()),
            parameter_group: Reference::id(self.parameter_group.as_str()),
            security_groups: vec![Reference::id(self.back_group.as_str())],
            backup_retention_days: 7,
            deletion_protection: true,
            secret: Some(Reference::id(self.secret.as_str())),
            source: None,
            zone: None,
            facts: DbFacts::default(),
        }
    }

    pub fn replica(&self) -> DbInstance {
        DbInstance {
            multi_zone: false,
            backup_retention_days: 0,
            secret: None,
            source: Some(Reference::id(self.primary.as_str())),
            zone: Some(self.zones[1].clone()),
            max_storage_gib: None,
            ..self.database(40)
        }
    }
}
