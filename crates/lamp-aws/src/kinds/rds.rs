//! What the kinds of RDS have in common: tags, which are addressed by ARN.

use lamp_cloud::{Applied, Kind, Tags};

use super::{db_instance, db_parameter_group, db_subnet_group};
use crate::answer::{Answer, done, refused};
use crate::errors::failure;
use crate::{AwsCloud, tags};

pub(crate) async fn read_tags(cloud: &AwsCloud, kind: Kind, name: &str) -> Answer<Tags> {
    const OPERATION: &str = "ListTagsForResource";
    let call =
        cloud.reads.rds.list_tags_for_resource().resource_name(arn(cloud, OPERATION, kind, name).await?);
    let answer = call.send().await.map_err(|error| failure(OPERATION, error))?;
    Ok(tags::from_rds(answer.tag_list()))
}

pub(crate) async fn write_tags(cloud: &AwsCloud, kind: Kind, name: &str, tags: &Tags) -> Answer<Applied> {
    const OPERATION: &str = "AddTagsToResource";
    let arn = arn(cloud, OPERATION, kind, name).await?;
    let call =
        cloud.mutations.rds.add_tags_to_resource().resource_name(arn).set_tags(Some(tags::to_rds(tags)));
    let answer = call.send().await.map_err(|error| failure(OPERATION, error))?;
    Ok(done(&answer))
}

/// The ARN of a resource. Listings have shown one, as a rule; otherwise the resource is described.
async fn arn(cloud: &AwsCloud, operation: &str, kind: Kind, name: &str) -> Answer<String> {
    if let Some(arn) = cloud.arns.get(kind, name) {
        return Ok(arn);
    }
    learn(cloud, kind, name).await?;
    let unknown = || refused(operation, "NoArn", format!("no ARN of {} {name} is known", kind.name()));
    cloud.arns.get(kind, name).ok_or_else(unknown)
}

/// Describes a resource, to learn its ARN.
async fn learn(cloud: &AwsCloud, kind: Kind, name: &str) -> Answer<()> {
    match kind {
        Kind::DbInstance => db_instance::learn(cloud, name).await,
        Kind::DbSubnetGroup => db_subnet_group::learn(cloud, name).await,
        Kind::DbParameterGroup => db_parameter_group::learn(cloud, name).await,
        _ => Ok(()),
    }
}
