//! The VPC of the stack.

use lamp_cloud::kinds::vpc::Vpc;

use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Wanted {
    let body =
        Vpc { cidr: input.spec.network.cidr.clone(), dns_support: Some(true), dns_hostnames: Some(true) };
    Wanted::new(parts::vpc(), body)
}
