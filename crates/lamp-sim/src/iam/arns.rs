//! ARNs, as IAM sees resources.

use lamp_cloud::{Body, Kind};

use crate::world::World;

impl World {
    /// The ARN of a resource that exists. Ids of load balancing and Secrets Manager are ARNs already.
    pub(super) fn resource_arn(&self, kind: Kind, id: &str) -> String {
        match kind {
            Kind::LoadBalancer | Kind::TargetGroup | Kind::Listener | Kind::Secret => id.to_owned(),
            Kind::AutoScalingGroup => {
                let name = format!(
                    "autoScalingGroup:00000000-0000-4000-8000-000000000000:autoScalingGroupName/{id}"
                );
                self.arn("autoscaling", &name)
            }
            Kind::DbInstance => self.arn("rds", &format!("db:{id}")),
            Kind::DbParameterGroup => self.arn("rds", &format!("pg:{id}")),
            Kind::DbSubnetGroup => self.arn("rds", &format!("subgrp:{id}")),
            Kind::Vpc => self.ec2_arn("vpc", id),
            Kind::Subnet => self.ec2_arn("subnet", id),
            Kind::InternetGateway => self.ec2_arn("internet-gateway", id),
            Kind::ElasticIp => self.ec2_arn("elastic-ip", id),
            Kind::NatGateway => self.ec2_arn("natgateway", id),
            Kind::RouteTable => self.ec2_arn("route-table", id),
            Kind::SecurityGroup => self.ec2_arn("security-group", id),
            Kind::LaunchTemplate => self.ec2_arn("launch-template", id),
        }
    }

    /// The ARN of what a call would make: where AWS gives the id, `*` stands for it.
    pub(super) fn new_arn(&self, body: &Body, name: &str) -> String {
        match body {
            Body::LoadBalancer(_) => self.arn("elasticloadbalancing", &format!("loadbalancer/app/{name}/*")),
            Body::TargetGroup(_) => self.arn("elasticloadbalancing", &format!("targetgroup/{name}/*")),
            Body::Listener(body) => {
                let balancer = body.load_balancer.as_id().unwrap_or_default();
                balancer.replacen(":loadbalancer/", ":listener/", 1) + "/*"
            }
            Body::Secret(_) => self.arn("secretsmanager", &format!("secret:{name}-*")),
            Body::AutoScalingGroup(_)
            | Body::DbInstance(_)
            | Body::DbParameterGroup(_)
            | Body::DbSubnetGroup(_) => self.resource_arn(body.kind(), &name.to_ascii_lowercase()),
            Body::Vpc(_)
            | Body::Subnet(_)
            | Body::InternetGateway(_)
            | Body::ElasticIp(_)
            | Body::NatGateway(_)
            | Body::RouteTable(_)
            | Body::SecurityGroup(_)
            | Body::LaunchTemplate(_) => self.resource_arn(body.kind(), "*"),
        }
    }

    pub(super) fn ec2_arn(&self, what: &str, id: &str) -> String {
        self.arn("ec2", &format!("{what}/{id}"))
    }
}
