//! Elastic IP addresses, named by their allocation.

use aws_sdk_ec2::types::{Address, DomainType, ResourceType};
use lamp_cloud::kinds::elastic_ip::{Change, ElasticIp};
use lamp_cloud::{Applied, Page, Resource, State};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, page_of, required};
use crate::errors::failure;
use crate::tags::{self, Whose};

const LIST: &str = "DescribeAddresses";

/// AWS shows all addresses in one page.
pub(crate) async fn list(cloud: &AwsCloud, whose: Whose) -> Answer<Page<Resource>> {
    let call = cloud.reads.ec2.describe_addresses().set_filters(whose.ec2_filters(cloud));
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.addresses().iter().map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, None))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .ec2
        .describe_addresses()
        .allocation_ids(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.addresses().iter().map(resource).collect()
}

fn resource(row: &Address) -> Answer<Resource> {
    let id = required(LIST, "allocationId", row.allocation_id.clone())?;
    let association = row.association_id.clone().filter(|association| !association.is_empty());
    Ok(Resource {
        name: id.clone(),
        id,
        tags: tags::from_ec2(row.tags()),
        state: State::Ready,
        body: ElasticIp { association }.into(),
        created_at: None,
    })
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>) -> Answer<Applied> {
    let tags = tags::specification(ResourceType::ElasticIp, creation.tags);
    let call = cloud.mutations.ec2.allocate_address().domain(DomainType::Vpc).tag_specifications(tags);
    let answer = call.send().await.map_err(|error| failure("AllocateAddress", error))?;
    created("AllocateAddress", answer.allocation_id(), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, change: &Change) -> Answer<Applied> {
    let Change::Disassociate(association) = change;
    let call = cloud.mutations.ec2.disassociate_address().association_id(association);
    let answer = call.send().await.map_err(|error| failure("DisassociateAddress", error))?;
    Ok(done(&answer))
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.release_address().allocation_id(id);
    let answer = call.send().await.map_err(|error| failure("ReleaseAddress", error))?;
    Ok(done(&answer))
}
