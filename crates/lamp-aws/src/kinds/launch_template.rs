//! Launch templates and their newest versions.

use aws_sdk_ec2::types::{LaunchTemplateVersion, ResourceType};
use lamp_cloud::kinds::launch_template::{Change, LaunchTemplate, TemplateData};
use lamp_cloud::{Applied, Page, Resource, ResourceId, State};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, page, page_of, refused, required, timestamp};
use crate::errors::failure;
use crate::tags::{self, Whose};

mod data;

const LIST: &str = "DescribeLaunchTemplates";
const LIST_VERSIONS: &str = "DescribeLaunchTemplateVersions";
const CREATE: &str = "CreateLaunchTemplate";
const NEW_VERSION: &str = "CreateLaunchTemplateVersion";

/// Templates without what they launch, which is [`versions`].
pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, from: Option<String>) -> Answer<Page<Resource>> {
    let call =
        cloud.reads.ec2.describe_launch_templates().set_filters(whose.ec2_filters(cloud)).max_results(200);
    let answer = call.set_next_token(from).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.launch_templates().iter().map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .ec2
        .describe_launch_templates()
        .launch_template_ids(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.launch_templates().iter().map(resource).collect()
}

fn resource(row: &aws_sdk_ec2::types::LaunchTemplate) -> Answer<Resource> {
    let id = required(LIST, "launchTemplateId", row.launch_template_id.clone())?;
    let body = LaunchTemplate {
        data: None,
        latest_version: required(LIST, "latestVersionNumber", version(row.latest_version_number))?,
        default_version: required(LIST, "defaultVersionNumber", version(row.default_version_number))?,
    };
    Ok(Resource {
        name: row.launch_template_name.clone().unwrap_or_else(|| id.clone()),
        id,
        tags: tags::from_ec2(row.tags()),
        state: State::Ready,
        body: body.into(),
        created_at: timestamp(row.create_time()),
    })
}

fn version(number: Option<i64>) -> Option<u64> {
    number.and_then(|number| number.try_into().ok())
}

/// The newest version of every template of the account, as versions carry no tags.
pub(crate) async fn versions(
    cloud: &AwsCloud,
    from: Option<String>,
) -> Answer<Page<(ResourceId, u64, TemplateData)>> {
    let call = cloud.reads.ec2.describe_launch_template_versions().versions("$Latest").max_results(200);
    let answer = call.set_next_token(from).send().await.map_err(|error| failure(LIST_VERSIONS, error))?;
    let rows = answer.launch_template_versions().iter().map(newest).collect::<Answer<_>>()?;
    Ok(page(rows, answer.next_token))
}

fn newest(row: &LaunchTemplateVersion) -> Answer<(ResourceId, u64, TemplateData)> {
    let id = required(LIST_VERSIONS, "launchTemplateId", row.launch_template_id.clone())?;
    let number = required(LIST_VERSIONS, "versionNumber", version(row.version_number))?;
    let data = required(LIST_VERSIONS, "launchTemplateData", row.launch_template_data())?;
    let description = row.version_description.clone().filter(|description| !description.is_empty());
    Ok((id, number, TemplateData { description, ..data::observed(data) }))
}

pub(crate) async fn create(
    cloud: &AwsCloud,
    creation: &Creation<'_>,
    body: &LaunchTemplate,
) -> Answer<Applied> {
    let Some(wanted) = &body.data else {
        return Err(refused(CREATE, "NoTemplateData", "a launch template is made with what it launches"));
    };
    let call = cloud
        .mutations
        .ec2
        .create_launch_template()
        .launch_template_name(creation.name)
        .client_token(creation.token)
        .set_version_description(wanted.description.clone())
        .launch_template_data(data::requested(CREATE, wanted)?)
        .tag_specifications(tags::specification(ResourceType::LaunchTemplate, creation.tags));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.launch_template().and_then(|made| made.launch_template_id()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, token: &str, change: &Change) -> Answer<Applied> {
    let ec2 = &cloud.mutations.ec2;
    match change {
        Change::NewVersion(wanted) => {
            let call = ec2
                .create_launch_template_version()
                .launch_template_id(id)
                .client_token(token)
                .set_version_description(wanted.description.clone())
                .launch_template_data(data::requested(NEW_VERSION, wanted)?);
            let answer = call.send().await.map_err(|error| failure(NEW_VERSION, error))?;
            Ok(done(&answer))
        }
        Change::DefaultVersion(number) => {
            let call = ec2.modify_launch_template().launch_template_id(id).client_token(token);
            let call = call.default_version(number.to_string());
            let answer = call.send().await.map_err(|error| failure("ModifyLaunchTemplate", error))?;
            Ok(done(&answer))
        }
    }
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.delete_launch_template().launch_template_id(id);
    let answer = call.send().await.map_err(|error| failure("DeleteLaunchTemplate", error))?;
    Ok(done(&answer))
}
