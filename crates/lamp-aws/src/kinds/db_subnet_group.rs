//! Subnet groups of databases, named by name (RDS writes it in lower case).

use aws_sdk_rds::types::DbSubnetGroup as Row;
use lamp_cloud::kinds::db_subnet_group::{Change, DbSubnetGroup};
use lamp_cloud::{Applied, Page, Resource, State, Tags};

use super::{Creation, description};
use crate::answer::{Answer, created, done, ids, page, references, required};
use crate::errors::failure;
use crate::{AwsCloud, tags};

const LIST: &str = "DescribeDBSubnetGroups";
const CREATE: &str = "CreateDBSubnetGroup";
const MODIFY: &str = "ModifyDBSubnetGroup";

/// The listing shows no tags: every group is shown.
pub(crate) async fn list(cloud: &AwsCloud, from: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.rds.describe_db_subnet_groups().max_records(100).set_marker(from);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    cloud.arns.learn(answer.db_subnet_groups().first().and_then(|row| row.db_subnet_group_arn()));
    Ok(page(answer.db_subnet_groups().iter().map(resource).collect::<Answer<_>>()?, answer.marker))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .rds
        .describe_db_subnet_groups()
        .db_subnet_group_name(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.db_subnet_groups().iter().map(resource).collect()
}

fn resource(row: &Row) -> Answer<Resource> {
    let id = required(LIST, "DBSubnetGroupName", row.db_subnet_group_name.clone())?;
    let body = DbSubnetGroup {
        subnets: references(row.subnets().iter().filter_map(|subnet| subnet.subnet_identifier())),
    };
    Ok(Resource {
        name: id.clone(),
        id,
        tags: Tags::new(),
        state: State::Ready,
        body: body.into(),
        created_at: None,
    })
}

/// Makes the ARNs of RDS known, from one group.
pub(super) async fn learn(cloud: &AwsCloud, name: &str) -> Answer<()> {
    let call = cloud.reads.rds.describe_db_subnet_groups().db_subnet_group_name(name);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    cloud.arns.learn(answer.db_subnet_groups().first().and_then(|row| row.db_subnet_group_arn()));
    Ok(())
}

pub(crate) async fn create(
    cloud: &AwsCloud,
    creation: &Creation<'_>,
    body: &DbSubnetGroup,
) -> Answer<Applied> {
    let call = cloud
        .mutations
        .rds
        .create_db_subnet_group()
        .db_subnet_group_name(creation.name)
        .db_subnet_group_description(description(creation))
        .set_subnet_ids(Some(ids(CREATE, &body.subnets)?))
        .set_tags(Some(tags::to_rds(creation.tags)));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.db_subnet_group().and_then(|group| group.db_subnet_group_name()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let Change::Subnets(subnets) = change;
    let call = cloud.mutations.rds.modify_db_subnet_group().db_subnet_group_name(id);
    let call = call.set_subnet_ids(Some(ids(MODIFY, subnets)?));
    let answer = call.send().await.map_err(|error| failure(MODIFY, error))?;
    Ok(done(&answer))
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.rds.delete_db_subnet_group().db_subnet_group_name(id);
    let answer = call.send().await.map_err(|error| failure("DeleteDBSubnetGroup", error))?;
    Ok(done(&answer))
}
