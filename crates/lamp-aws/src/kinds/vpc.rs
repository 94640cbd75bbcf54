//! VPCs.

use aws_sdk_ec2::types::{AttributeBooleanValue, ResourceType, VpcAttributeName, VpcState};
use lamp_cloud::kinds::vpc::{Change, Vpc};
use lamp_cloud::{Applied, Page, Resource, State};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, page_of, required};
use crate::errors::failure;
use crate::tags::{self, Whose};

const LIST: &str = "DescribeVpcs";
const ATTRIBUTE: &str = "DescribeVpcAttribute";

pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, page: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.ec2.describe_vpcs().set_filters(whose.ec2_filters(cloud)).max_results(1000);
    let answer = call.set_next_token(page).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.vpcs().iter().map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer =
        cloud.reads.ec2.describe_vpcs().vpc_ids(id).send().await.map_err(|error| failure(LIST, error))?;
    answer.vpcs().iter().map(resource).collect()
}

fn resource(row: &aws_sdk_ec2::types::Vpc) -> Answer<Resource> {
    let id = required(LIST, "vpcId", row.vpc_id.clone())?;
    let body = Vpc {
        cidr: required(LIST, "cidrBlock", row.cidr_block.clone())?,
        dns_support: None,
        dns_hostnames: None,
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

fn state(state: Option<&VpcState>) -> State {
    match state {
        Some(VpcState::Available) | None => State::Ready,
        Some(other) => State::Pending(other.as_str().to_owned()),
    }
}

pub(crate) async fn dns_support(cloud: &AwsCloud, vpc: &str) -> Answer<bool> {
    let call = cloud.reads.ec2.describe_vpc_attribute().vpc_id(vpc);
    let call = call.attribute(VpcAttributeName::EnableDnsSupport);
    let answer = call.send().await.map_err(|error| failure(ATTRIBUTE, error))?;
    required(ATTRIBUTE, "enableDnsSupport", answer.enable_dns_support.and_then(|value| value.value))
}

pub(crate) async fn dns_hostnames(cloud: &AwsCloud, vpc: &str) -> Answer<bool> {
    let call = cloud.reads.ec2.describe_vpc_attribute().vpc_id(vpc);
    let call = call.attribute(VpcAttributeName::EnableDnsHostnames);
    let answer = call.send().await.map_err(|error| failure(ATTRIBUTE, error))?;
    required(ATTRIBUTE, "enableDnsHostnames", answer.enable_dns_hostnames.and_then(|value| value.value))
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &Vpc) -> Answer<Applied> {
    let tags = tags::specification(ResourceType::Vpc, creation.tags);
    let call = cloud.mutations.ec2.create_vpc().cidr_block(&body.cidr).tag_specifications(tags);
    let answer = call.send().await.map_err(|error| failure("CreateVpc", error))?;
    created("CreateVpc", answer.vpc().and_then(|vpc| vpc.vpc_id()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let call = cloud.mutations.ec2.modify_vpc_attribute().vpc_id(id);
    let value = |on: bool| AttributeBooleanValue::builder().value(on).build();
    let call = match change {
        Change::DnsSupport(on) => call.enable_dns_support(value(*on)),
        Change::DnsHostnames(on) => call.enable_dns_hostnames(value(*on)),
    };
    let answer = call.send().await.map_err(|error| failure("ModifyVpcAttribute", error))?;
    Ok(done(&answer))
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.delete_vpc().vpc_id(id);
    let answer = call.send().await.map_err(|error| failure("DeleteVpc", error))?;
    Ok(done(&answer))
}
