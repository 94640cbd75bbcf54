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

fn bucket_of(service: Service, operation: &'static str, mutates: bool) -> (&'static str, Rate) {
    let published = if mutates { service.published_mutations() } else { service.published_reads() };
    match (service, operation) {
        (Service::Ec2, "CreateNatGateway" | "DeleteNatGateway") => {
            (operation, Rate { burst: 10.0, per_second: 1.0 })
        }
        (Service::Ec2, "CreateTags") => (operation, Rate { burst: 100.0, per_second: 10.0 }),
        (Service::Ec2, _) => (operation, published),
        (Service::LoadBalancing, "CreateLoadBalancer" | "SetSubnets") => {
            ("resource-intensive", Rate { burst: 10.0, per_second: 0.2 })
        }
        (Service::LoadBalancing, "RegisterTargets" | "DeregisterTargets") => {
            ("targets", Rate { burst: 20.0, per_second: 4.0 })
        }
        _ if mutates => ("mutations", published),
        _ => ("reads", published),
    }
}
