//! Parameter groups of databases, named by name (RDS writes it in lower case).
//!
//! RDS refuses to apply a static parameter at once, and no call says which are static but the listing of all of them.
//! So the well-known dynamic parameters of MySQL and MariaDB are applied at once, and all others at the next reboot,
//! which RDS accepts for every parameter.

use std::collections::BTreeMap;

use aws_sdk_rds::types::{ApplyMethod, DbParameterGroup as Row, Parameter};
use lamp_cloud::kinds::db_parameter_group::{Change, DbParameterGroup};
use lamp_cloud::{Applied, Page, Resource, State, Tags};

use super::{Creation, description};
use crate::answer::{Answer, created, done, page, required, unintelligible};
use crate::errors::failure;
use crate::{AwsCloud, tags};

const LIST: &str = "DescribeDBParameterGroups";
const PARAMETERS: &str = "DescribeDBParameters";
const CREATE: &str = "CreateDBParameterGroup";

/// Parameters with `ApplyType: dynamic` in every family of MySQL 8 and MariaDB 10 and 11.
const DYNAMIC: &[&str] = &[
    "binlog_format",
    "character_set_client",
    "character_set_connection",
    "character_set_database",
    "character_set_results",
    "character_set_server",
    "collation_connection",
    "collation_server",
    "connect_timeout",
    "event_scheduler",
    "general_log",
    "group_concat_max_len",
    "innodb_flush_log_at_trx_commit",
    "innodb_io_capacity",
    "innodb_io_capacity_max",
    "innodb_lock_wait_timeout",
    "innodb_max_dirty_pages_pct",
    "innodb_print_all_deadlocks",
    "interactive_timeout",
    "join_buffer_size",
    "local_infile",
    "log_bin_trust_function_creators",
    "log_output",
    "log_queries_not_using_indexes",
    "long_query_time",
    "max_allowed_packet",
    "max_connect_errors",
    "max_connections",
    "max_execution_time",
    "max_heap_table_size",
    "max_user_connections",
    "net_read_timeout",
    "net_write_timeout",
    "read_buffer_size",
    "read_rnd_buffer_size",
    "require_secure_transport",
    "slow_query_log",
    "sort_buffer_size",
    "sql_mode",
    "sync_binlog",
    "table_definition_cache",
    "table_open_cache",
    "thread_cache_size",
    "time_zone",
    "tmp_table_size",
    "transaction_isolation",
    "wait_timeout",
];

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
            let parameters = values.iter().map(|(name, value)| parameter(name, Some(value))).collect();
            let call = rds.modify_db_parameter_group().db_parameter_group_name(id);
            let call = call.set_parameters(Some(parameters));
            let answer = call.send().await.map_err(|error| failure("ModifyDBParameterGroup", error))?;
            Ok(done(&answer))
        }
        Change::Reset(names) => {
            let parameters = names.iter().map(|name| parameter(name, None)).collect();
            let call = rds.reset_db_parameter_group().db_parameter_group_name(id).reset_all_parameters(false);
            let call = call.set_parameters(Some(parameters));
            let answer = call.send().await.map_err(|error| failure("ResetDBParameterGroup", error))?;
            Ok(done(&answer))
        }
    }
}

fn parameter(name: &str, value: Option<&String>) -> Parameter {
    let method = if DYNAMIC.contains(&name) { ApplyMethod::Immediate } else { ApplyMethod::PendingReboot };
    Parameter::builder().parameter_name(name).set_parameter_value(value.cloned()).apply_method(method).build()
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
    fn only_dynamic_parameters_are_applied_at_once() {
        let method = |name| parameter(name, None).apply_method;
        assert_eq!(method("require_secure_transport"), Some(ApplyMethod::Immediate));
        assert_eq!(method("innodb_log_file_size"), Some(ApplyMethod::PendingReboot));
    }

    #[test]
    fn parameters_of_the_engine_are_left_out() {
        let row = Parameter::builder().parameter_name("max_connections").parameter_value("100");
        let expected = Some(("max_connections".to_owned(), "100".to_owned()));
        assert_eq!(set_by_user(&row.clone().source("user").build()), expected);
        assert_eq!(set_by_user(&row.source("engine-default").build()), None);
    }
}
