//! Internet gateways and their attachment.

use aws_sdk_ec2::types::{AttachmentStatus, ResourceType};
use lamp_cloud::kinds::internet_gateway::{Change, InternetGateway};
use lamp_cloud::{Applied, Page, Reference, Resource, State};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, page_of, required};
use crate::errors::failure;
use crate::tags::{self, Whose};

const LIST: &str = "DescribeInternetGateways";
const CREATE: &str = "CreateInternetGateway";

pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, page: Option<String>) -> Answer<Page<Resource>> {
    let call =
        cloud.reads.ec2.describe_internet_gateways().set_filters(whose.ec2_filters(cloud)).max_results(1000);
    let answer = call.set_next_token(page).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.internet_gateways().iter().map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .ec2
        .describe_internet_gateways()
        .internet_gateway_ids(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.internet_gateways().iter().map(resource).collect()
}

fn resource(row: &aws_sdk_ec2::types::InternetGateway) -> Answer<Resource> {
    let id = required(LIST, "internetGatewayId", row.internet_gateway_id.clone())?;
    // An attachment of an internet gateway says `available` where others say `attached`.
    let gone = [AttachmentStatus::Detaching, AttachmentStatus::Detached];
    let attached = row.attachments().iter().find(|it| !it.state().is_some_and(|state| gone.contains(state)));
    let body = InternetGateway { vpc: attached.and_then(|it| it.vpc_id()).map(Reference::id) };
    Ok(Resource {
        name: id.clone(),
        id,
        tags: tags::from_ec2(row.tags()),
        state: State::Ready,
        body: body.into(),
        created_at: None,
    })
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>) -> Answer<Applied> {
    let tags = tags::specification(ResourceType::InternetGateway, creation.tags);
    let call = cloud.mutations.ec2.create_internet_gateway().tag_specifications(tags);
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.internet_gateway().and_then(|gateway| gateway.internet_gateway_id()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let ec2 = &cloud.mutations.ec2;
    match change {
        Change::Attach(vpc) => {
            let call = ec2.attach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
            let answer = call.send().await.map_err(|error| failure("AttachInternetGateway", error))?;
            Ok(done(&answer))
        }
        Change::Detach(vpc) => {
            let call = ec2.detach_internet_gateway().internet_gateway_id(id).vpc_id(vpc);
            let answer = call.send().await.map_err(|error| failure("DetachInternetGateway", error))?;
            Ok(done(&answer))
        }
    }
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.delete_internet_gateway().internet_gateway_id(id);
    let answer = call.send().await.map_err(|error| failure("DeleteInternetGateway", error))?;
    Ok(done(&answer))
}
