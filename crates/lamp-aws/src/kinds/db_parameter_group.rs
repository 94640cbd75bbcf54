//! Parameter groups of databases, named by name (RDS writes it in lower case).

use std::collections::BTreeMap;

use aws_sdk_rds::types::{DbParameterGroup as Row, Parameter};
use lamp_cloud::kinds::db_parameter_group::{Change, DbParameterGroup};
use lamp_cloud::{Applied, Page, Resource, State, Tags};

use self::apply_type::{dynamic, parameter};
use super::{Creation, description};
use crate::answer::{Answer, created, done, page, required, unintelligible};
use crate::errors::failure;
use crate::{AwsCloud, tags};

mod apply_type;

const LIST: &str = "DescribeDBParameterGroups";
const PARAMETERS: &str = "DescribeDBParameters";
const CREATE: &str = "CreateDBParameterGroup";

/// The listing shows no tags: every group is shown.
pub(crate) async fn list(cloud: &AwsCloud, from: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.rds.describe_db_parameter_groups().max_records(100).set_marker(from);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    cloud.arns.learn(answer.db_parameter_groups().first().and_then(|row| row.db_parameter_group_arn()));
    Ok(page(answer.db_parameter_groups().iter().map(resource).collect::<Answer<_>>()?, answer.marker))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .rds
        .describe_db_parameter_groups()
        .db_parameter_group_name(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.db_parameter_groups().iter().map(resource).collect()
}

fn resource(row: &Row) -> Answer<Resource> {
    let id = required(LIST, "DBParameterGroupName", row.db_parameter_group_name.clone())?;
    let family = required(LIST, "DBParameterGroupFamily", row.db_parameter_group_family.clone())?;
    Ok(Resource {
        name: id.clone(),
        id,
        tags: Tags::new(),
        state: State::Ready,
        body: DbParameterGroup { family, parameters: None }.into(),
        created_at: None,
    })
}

/// Parameters that were set by somebody. They fit one page; more than that is an error, never half of them.
pub(crate) async fn parameters(cloud: &AwsCloud, group: &str) -> Answer<BTreeMap<String, String>> {
    let call = cloud.reads.rds.describe_db_parameters().db_parameter_group_name(group).source("user");
    let answer = call.max_records(100).send().await.map_err(|error| failure(PARAMETERS, error))?;
    if answer.marker().is_some_and(|marker| !marker.is_empty()) {
        return Err(unintelligible(
            PARAMETERS,
            "TooManyRows",
            format!("{group} sets more than 100 parameters"),
        ));
    }
    Ok(answer.parameters().iter().filter_map(set_by_user).collect())
}

fn set_by_user(row: &Parameter) -> Option<(String, String)> {
    let by_user = row.source().is_none_or(|source| source == "user");
    by_user.then(|| Some((row.parameter_name.clone()?, row.parameter_value.clone()?)))?
}

/// Makes the ARNs of RDS known, from one group.
pub(super) async fn learn(cloud: &AwsCloud, name: &str) -> Answer<()> {
    let call = cloud.reads.rds.describe_db_parameter_groups().db_parameter_group_name(name);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    cloud.arns.learn(answer.db_parameter_groups().first().and_then(|row| row.db_parameter_group_arn()));
    Ok(())
}

pub(crate) async fn create(
    cloud: &AwsCloud,
    creation: &Creation<'_>,
    body: &DbParameterGroup,
) -> Answer<Applied> {
    let call = cloud
        .mutations
        .rds
        .create_db_parameter_group()
        .db_parameter_group_name(creation.name)
        .db_parameter_group_family(&body.family)
        .description(description(creation))
        .set_tags(Some(tags::to_rds(creation.tags)));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.db_parameter_group().and_then(|group| group.db_parameter_group_name()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let rds = &cloud.mutations.rds;
    match change {
        Change::Set(values) => {
            let dynamic = dynamic(cloud, id, &values.keys().map(String::as_str).collect()).await?;
            let parameters =
                values.iter().map(|(name, value)| parameter(name, Some(value), &dynamic)).collect();
            let call = rds.modify_db_parameter_group().db_parameter_group_name(id);
            let call = call.set_parameters(Some(parameters));
            let answer = call.send().await.map_err(|error| failure("ModifyDBParameterGroup", error))?;
            Ok(done(&answer))
        }
        Change::Reset(names) => {
            let dynamic = dynamic(cloud, id, &names.iter().map(String::as_str).collect()).await?;
            let parameters = names.iter().map(|name| parameter(name, None, &dynamic)).collect();
            let call = rds.reset_db_parameter_group().db_parameter_group_name(id).reset_all_parameters(false);
            let call = call.set_parameters(Some(parameters));
            let answer = call.send().await.map_err(|error| failure("ResetDBParameterGroup", error))?;
            Ok(done(&answer))
        }
    }
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.rds.delete_db_parameter_group().db_parameter_group_name(id);
    let answer = call.send().await.map_err(|error| failure("DeleteDBParameterGroup", error))?;
    Ok(done(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn parameters_of_the_engine_are_left_out() {
        let row = Parameter::builder().parameter_name("max_connections").parameter_value("100");
        let expected = Some(("max_connections".to_owned(), "100".to_owned()));
        assert_eq!(set_by_user(&row.clone().source("user").build()), expected);
        assert_eq!(set_by_user(&row.source("engine-default").build()), None);
    }
}
