//! The buckets of tokens in which AWS counts the calls of an account in a region, as it publishes them.
//!
//! * EC2: each action has a bucket of its own; its size goes by the category of the action, and some actions have values
//!   of their own ("Request throttling for the Amazon EC2 API", docs.aws.amazon.com/ec2/latest/devguide/ec2-api-throttling.html).
//!   Every listing of ours is paged or filtered, so it has the larger bucket of non-mutating actions.
//! * Elastic Load Balancing: a bucket for each category of actions ("Request throttling for the Elastic Load Balancing
//!   API", docs.aws.amazon.com/elasticloadbalancing/latest/userguide/elb-api-throttling.html).
//! * EC2 Auto Scaling: one bucket for all its actions, of a size that is not published ("API request rate" in its API
//!   reference). `GetMetricData`: 50 calls a second ("CloudWatch service quotas").
//! * RDS and Secrets Manager publish nothing for the actions that we call: two changes a second to begin with, and twice
//!   as many readings.

use crate::{Kind, Operation, Rate, Read, Request, Service};

/// One bucket of AWS's, full: the calls that share it, and how many of them it allows.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Limit {
    pub service: Service,
    /// The operation, where it has the bucket for itself, or the category of operations.
    pub name: &'static str,
    pub rate: Rate,
}

impl Limit {
    const fn new(service: Service, name: &'static str, burst: f64, per_second: f64) -> Self {
        Self { service, name, rate: Rate::new(burst, per_second) }
    }

    /// Every bucket that a call of ours can be counted in, each once.
    pub fn all() -> Vec<Self> {
        let readings = Read::operations().into_iter().map(of_reading);
        let mutations = Request::operations().into_iter().map(of_mutation);
        let mut all: Vec<Self> = readings.chain(mutations).chain([UNPAGED]).collect();
        all.sort_by_key(|limit| (limit.service, limit.name));
        all.dedup();
        all
    }
}

impl Read {
    /// The bucket that it is counted in.
    pub fn limit(&self) -> Limit {
        match self {
            Self::One { kind: Kind::SecurityGroup, .. } => UNPAGED,
            _ => of_reading(self.called()),
        }
    }
}

impl Request {
    /// The bucket that it is counted in.
    pub fn limit(&self) -> Limit {
        of_mutation(self.called())
    }
}

/// `DescribeSecurityGroups` by id is neither filtered nor paged: of the actions that have a smaller bucket then, it is the
/// only one that we call so.
const UNPAGED: Limit = Limit::new(Service::Ec2, "DescribeSecurityGroups unpaged", 50.0, 10.0);
const AUTO_SCALING: Limit = Limit::new(Service::AutoScaling, "all", 20.0, 4.0);

fn of_reading(operation: Operation) -> Limit {
    match operation.service {
        Service::Ec2 => Limit::new(Service::Ec2, operation.name, 100.0, 20.0),
        Service::LoadBalancing => Limit::new(Service::LoadBalancing, "non-mutating", 40.0, 10.0),
        Service::AutoScaling => AUTO_SCALING,
        Service::CloudWatch => Limit::new(Service::CloudWatch, operation.name, 50.0, 50.0),
        service @ (Service::Rds | Service::SecretsManager) => Limit::new(service, "non-mutating", 20.0, 4.0),
    }
}

fn of_mutation(operation: Operation) -> Limit {
    match operation.service {
        Service::Ec2 => ec2_mutation(operation.name),
        Service::LoadBalancing => load_balancing_mutation(operation.name),
        Service::AutoScaling => AUTO_SCALING,
        service @ (Service::CloudWatch | Service::Rds | Service::SecretsManager) => {
            Limit::new(service, "mutating", 10.0, 2.0)
        }
    }
}

/// Mutating and resource-intensive actions have buckets of one size.
fn ec2_mutation(name: &'static str) -> Limit {
    let (burst, per_second) = match name {
        "CreateNatGateway" | "DeleteNatGateway" => (10.0, 1.0),
        "CreateTags" => (100.0, 10.0),
        "CreateLaunchTemplateVersion" | "ModifyLaunchTemplate" => (100.0, 5.0),
        _ => (50.0, 5.0),
    };
    Limit::new(Service::Ec2, name, burst, per_second)
}

fn load_balancing_mutation(name: &'static str) -> Limit {
    let (category, burst, per_second) = match name {
        "CreateLoadBalancer" | "SetSubnets" => ("resource-intensive", 10.0, 0.2),
        "RegisterTargets" | "DeregisterTargets" => ("registration", 20.0, 4.0),
        _ => ("mutating", 20.0, 3.0),
    };
    Limit::new(Service::LoadBalancing, category, burst, per_second)
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;
    use crate::Listing;

    #[test]
    fn each_bucket_has_one_size() {
        let all = Limit::all();
        let names: BTreeSet<_> = all.iter().map(|limit| (limit.service, limit.name)).collect();
        assert_eq!(names.len(), all.len(), "{all:?}");
        assert!(all.iter().all(|limit| limit.rate.burst >= 10.0 && limit.rate.per_second > 0.0));
    }

    #[test]
    fn actions_of_ec2_do_not_share_and_those_of_auto_scaling_do() {
        let list = |listing| Read::List { listing, page: None }.limit();
        assert_ne!(list(Listing::Instances).name, list(Listing::Resources(Kind::Vpc)).name);
        let replace = Request::ReplaceInstance { group: String::new(), instance: String::new() };
        assert_eq!(list(Listing::Resources(Kind::AutoScalingGroup)), replace.limit());
    }

    #[test]
    fn a_security_group_by_its_id_comes_from_the_smaller_bucket() {
        let one = Read::One { kind: Kind::SecurityGroup, id: String::new() };
        assert_eq!(one.limit().rate, Rate::new(50.0, 10.0));
        assert!(Limit::all().contains(&one.limit()));
    }
}
