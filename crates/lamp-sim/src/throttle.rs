//! AWS's token buckets, shared with whoever else works in the account.
//!
//! EC2 keeps a bucket for each action; load balancing has small ones for what is costly (sources: "Request throttling
//! for the Amazon EC2 API", "Throttling for the Elastic Load Balancing API").

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_cloud::{Bucket, Rate, Service};

use crate::refusal::Refusal;

#[derive(Debug, Default)]
pub(crate) struct Throttle {
    buckets: BTreeMap<(Service, &'static str), Bucket>,
    /// What would be left if AWS refilled no more than a share of each rate.
    shares: BTreeMap<(Service, &'static str), Bucket>,
}

impl Throttle {
    /// Takes a token for one call. `neighbour` is the share of each rate that others use up.
    pub(crate) fn take(
        &mut self,
        service: Service,
        operation: &'static str,
        mutates: bool,
        neighbour: f64,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let (name, rate) = bucket_of(service, operation, mutates);
        let left = rate.share(1.0 - neighbour.clamp(0.0, 0.95));
        let bucket = self.buckets.entry((service, name)).or_insert_with(|| Bucket::new(left, now));
        bucket.take(now).map_err(|_| Refusal::new(code(service), "Rate exceeded"))
    }

    /// Whether a call keeps within a share of its rate. A burst may be spent whole.
    pub(crate) fn is_courteous(
        &mut self,
        (service, operation): (Service, &'static str),
        mutates: bool,
        share: f64,
        now: Timestamp,
    ) -> bool {
        let (name, rate) = bucket_of(service, operation, mutates);
        let fair = Rate::new(rate.burst, rate.per_second * share);
        let bucket = self.shares.entry((service, name)).or_insert_with(|| Bucket::new(fair, now));
        bucket.take(now).is_ok()
    }

    /// Forgets how full the buckets are, because the neighbour's share changed.
    pub(crate) fn reset(&mut self) {
        self.buckets.clear();
    }
}

/// The service's own word for it.
pub(crate) fn code(service: Service) -> &'static str {
    match service {
        Service::Ec2 => "RequestLimitExceeded",
        Service::LoadBalancing => "ThrottlingException",
        _ => "Throttling",
    }
}

/// Written apart from the table by which callers budget: a region is judge, not party.
fn bucket_of(service: Service, operation: &'static str, mutates: bool) -> (&'static str, Rate) {
    let (name, burst, per_second) = match (service, operation) {
        (Service::Ec2, "CreateNatGateway" | "DeleteNatGateway") => (operation, 10.0, 1.0),
        (Service::Ec2, "CreateTags") => (operation, 100.0, 10.0),
        (Service::Ec2, "CreateLaunchTemplateVersion" | "ModifyLaunchTemplate") => (operation, 100.0, 5.0),
        (Service::Ec2, _) if mutates => (operation, 50.0, 5.0),
        (Service::Ec2, _) => (operation, 100.0, 20.0),
        (Service::LoadBalancing, "CreateLoadBalancer" | "SetSubnets") => ("resource-intensive", 10.0, 0.2),
        (Service::LoadBalancing, "RegisterTargets" | "DeregisterTargets") => ("targets", 20.0, 4.0),
        (Service::LoadBalancing, _) if mutates => ("mutations", 20.0, 3.0),
        (Service::LoadBalancing, _) => ("reads", 40.0, 10.0),
        // One bucket for all, of a size that AWS does not tell.
        (Service::AutoScaling, _) => ("all", 20.0, 4.0),
        (Service::CloudWatch, _) if !mutates => ("reads", 50.0, 50.0),
        _ if mutates => ("mutations", 10.0, 2.0),
        _ => ("reads", 20.0, 4.0),
    };
    (name, Rate::new(burst, per_second))
}
