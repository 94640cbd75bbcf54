//! NAT gateways.

use aws_sdk_ec2::types::{ConnectivityType, NatGatewayState, ResourceType};
use lamp_cloud::kinds::nat_gateway::NatGateway;
use lamp_cloud::{Applied, Page, Reference, Resource, State};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, id, page_of, required, timestamp};
use crate::errors::failure;
use crate::tags::{self, Whose};

const LIST: &str = "DescribeNatGateways";
const CREATE: &str = "CreateNatGateway";

/// AWS shows a deleted gateway for about an hour; it is left out.
pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, page: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.ec2.describe_nat_gateways().set_filter(whose.ec2_filters(cloud)).max_results(1000);
    let answer = call.set_next_token(page).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.nat_gateways().iter().filter(is_alive).map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know; one that is deleted is none.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let call = cloud.reads.ec2.describe_nat_gateways().nat_gateway_ids(id);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    answer.nat_gateways().iter().filter(is_alive).map(resource).collect()
}

fn is_alive(row: &&aws_sdk_ec2::types::NatGateway) -> bool {
    row.state() != Some(&NatGatewayState::Deleted)
}

fn resource(row: &aws_sdk_ec2::types::NatGateway) -> Answer<Resource> {
    let id = required(LIST, "natGatewayId", row.nat_gateway_id.clone())?;
    let addresses = row.nat_gateway_addresses();
    let address = addresses.iter().find(|address| address.is_primary == Some(true)).or(addresses.first());
    let allocation = address.and_then(|address| address.allocation_id()).unwrap_or_default();
    let body = NatGateway {
        subnet: Reference::id(required(LIST, "subnetId", row.subnet_id())?),
        address: Reference::id(allocation),
    };
    Ok(Resource {
        name: id.clone(),
        id,
        tags: tags::from_ec2(row.tags()),
        state: state(row),
        body: body.into(),
        created_at: timestamp(row.create_time()),
    })
}

fn state(row: &aws_sdk_ec2::types::NatGateway) -> State {
    match row.state() {
        Some(NatGatewayState::Available) => State::Ready,
        Some(NatGatewayState::Deleting | NatGatewayState::Deleted) => State::Deleting,
        Some(NatGatewayState::Failed) => State::Failed(row.failure_code().unwrap_or("failed").to_owned()),
        Some(other) => State::Pending(other.as_str().to_owned()),
        None => State::Pending("unknown".to_owned()),
    }
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &NatGateway) -> Answer<Applied> {
    let call = cloud
        .mutations
        .ec2
        .create_nat_gateway()
        .subnet_id(id(CREATE, &body.subnet)?)
        .allocation_id(id(CREATE, &body.address)?)
        .connectivity_type(ConnectivityType::Public)
        .client_token(creation.token)
        .tag_specifications(tags::specification(ResourceType::Natgateway, creation.tags));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.nat_gateway().and_then(|gateway| gateway.nat_gateway_id()), &answer)
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.delete_nat_gateway().nat_gateway_id(id);
    let answer = call.send().await.map_err(|error| failure("DeleteNatGateway", error))?;
    Ok(done(&answer))
}
