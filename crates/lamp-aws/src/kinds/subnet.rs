//! Subnets.

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, SubnetState};
use lamp_cloud::kinds::subnet::{Change, Subnet};
use lamp_cloud::{Applied, Page, Reference, Resource, State};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, id, page_of, required};
use crate::errors::failure;
use crate::tags::{self, Whose};

const LIST: &str = "DescribeSubnets";
const CREATE: &str = "CreateSubnet";

pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, page: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.ec2.describe_subnets().set_filters(whose.ec2_filters(cloud)).max_results(1000);
    let answer = call.set_next_token(page).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.subnets().iter().map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .ec2
        .describe_subnets()
        .subnet_ids(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.subnets().iter().map(resource).collect()
}

fn resource(row: &aws_sdk_ec2::types::Subnet) -> Answer<Resource> {
    let id = required(LIST, "subnetId", row.subnet_id.clone())?;
    let body = Subnet {
        vpc: Reference::id(required(LIST, "vpcId", row.vpc_id())?),
        cidr: required(LIST, "cidrBlock", row.cidr_block.clone())?,
        zone: required(LIST, "availabilityZone", row.availability_zone.clone())?,
        public_addresses: row.map_public_ip_on_launch.unwrap_or_default(),
    };
    Ok(Resource {
        name: id.clone(),
        id,
        tags: tags::from_ec2(row.tags()),
        state: state(row.state()),
        body: body.into(),
        created_at: None,
    })
}

fn state(state: Option<&SubnetState>) -> State {
    match state {
        Some(SubnetState::Available) | None => State::Ready,
        Some(failed @ (SubnetState::Failed | SubnetState::FailedInsufficientCapacity)) => {
            State::Failed(failed.as_str().to_owned())
        }
        Some(other) => State::Pending(other.as_str().to_owned()),
    }
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &Subnet) -> Answer<Applied> {
    let call = cloud
        .mutations
        .ec2
        .create_subnet()
        .vpc_id(id(CREATE, &body.vpc)?)
        .cidr_block(&body.cidr)
        .availability_zone(&body.zone)
        .tag_specifications(tags::specification(ResourceType::Subnet, creation.tags));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.subnet().and_then(|subnet| subnet.subnet_id()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let Change::PublicAddresses(on) = change;
    let value = AttributeBooleanValue::builder().value(*on).build();
    let call = cloud.mutations.ec2.modify_subnet_attribute().subnet_id(id).map_public_ip_on_launch(value);
    let answer = call.send().await.map_err(|error| failure("ModifySubnetAttribute", error))?;
    Ok(done(&answer))
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.delete_subnet().subnet_id(id);
    let answer = call.send().await.map_err(|error| failure("DeleteSubnet", error))?;
    Ok(done(&answer))
}
