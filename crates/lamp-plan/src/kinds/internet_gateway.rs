//! The way to and from the internet.

use lamp_cloud::kinds::internet_gateway::InternetGateway;
use lamp_cloud::{Body, Kind};

use super::to;
use crate::observed::held;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(_: &PlanInput<'_>) -> Wanted {
    Wanted::new(parts::internet_gateway(), InternetGateway { vpc: Some(to(&parts::vpc())) })
}

/// What public resources wait for: AWS refuses them in a VPC without an attached internet gateway.
///
/// # Errors
/// What is waited for, in words.
pub(crate) fn attached(input: &PlanInput<'_>) -> Result<(), String> {
    let part = parts::internet_gateway();
    match held(input, &part, Kind::InternetGateway).map(|gateway| &gateway.body) {
        Some(Body::InternetGateway(gateway)) if gateway.vpc.is_some() => Ok(()),
        Some(_) => Err("waiting for internet-gateway to be attached".to_owned()),
        None => Err("waiting for internet-gateway".to_owned()),
    }
}
