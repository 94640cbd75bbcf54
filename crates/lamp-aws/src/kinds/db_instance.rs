//! RDS instances: primaries and read replicas, named by their identifier. The resource id that RDS gives besides is
//! never used.

use aws_sdk_rds::types::DbInstance as Row;
use lamp_cloud::kinds::db_instance::{Change, DbInstance, Modification};
use lamp_cloud::{Applied, DeleteOptions, Page, Resource};

use super::{Creation, secret};
use crate::AwsCloud;
use crate::answer::{Answer, created, done, id, ids, number, page, refused};
use crate::errors::{failure, is_absent};
use crate::tags::{self, Whose};

mod row;

const LIST: &str = "DescribeDBInstances";
const SNAPSHOTS: &str = "DescribeDBSnapshots";
const CREATE: &str = "CreateDBInstance";
const CREATE_REPLICA: &str = "CreateDBInstanceReadReplica";
const MODIFY: &str = "ModifyDBInstance";
const REBOOT: &str = "RebootDBInstance";
const PROMOTE: &str = "PromoteReadReplica";
const DELETE: &str = "DeleteDBInstance";

pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, from: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.rds.describe_db_instances().max_records(100).set_marker(from);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    cloud.arns.learn(answer.db_instances().first().and_then(|row| row.db_instance_arn()));
    let shown = |row: &&Row| whose.includes(cloud, &tags::from_rds(row.tag_list()));
    let rows = answer.db_instances().iter().filter(shown).map(row::resource).collect::<Answer<_>>()?;
    Ok(page(rows, answer.marker))
}

/// One, whatever its tags. AWS refuses an identifier that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let call = cloud.reads.rds.describe_db_instances().db_instance_identifier(id);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    cloud.arns.learn(answer.db_instances().first().and_then(|row| row.db_instance_arn()));
    answer.db_instances().iter().map(row::resource).collect()
}

/// AWS's word for a snapshot that is there.
pub(crate) async fn snapshot(cloud: &AwsCloud, id: &str) -> Answer<Option<String>> {
    let call = cloud.reads.rds.describe_db_snapshots().db_snapshot_identifier(id);
    match call.send().await.map_err(|error| failure(SNAPSHOTS, error)) {
        Ok(answer) => {
            Ok(answer.db_snapshots().first().map(|row| row.status().unwrap_or("unknown").to_owned()))
        }
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

/// Makes the ARNs of RDS known, from one instance.
pub(super) async fn learn(cloud: &AwsCloud, id: &str) -> Answer<()> {
    one(cloud, id).await.map(|_| ())
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &DbInstance) -> Answer<Applied> {
    match &body.source {
        Some(source) => create_replica(cloud, creation, body, &id(CREATE_REPLICA, source)?).await,
        None => create_primary(cloud, creation, body).await,
    }
}

async fn create_primary(cloud: &AwsCloud, creation: &Creation<'_>, body: &DbInstance) -> Answer<Applied> {
    let Some(secret) = &body.secret else {
        return Err(refused(CREATE, "NoSecret", "a primary is made with a secret that holds its password"));
    };
    let login = secret::login(cloud, &id(CREATE, secret)?).await?;
    let call = cloud
        .mutations
        .rds
        .create_db_instance()
        .db_instance_identifier(creation.name)
        .engine(&body.engine)
        .engine_version(&body.version)
        .db_instance_class(&body.class)
        .allocated_storage(number(body.storage_gib))
        .set_max_allocated_storage(body.max_storage_gib.map(number))
        .storage_type(&body.storage_type)
        .storage_encrypted(body.encrypted)
        .multi_az(body.multi_zone)
        .set_availability_zone(zone(body))
        .master_username(&body.username)
        .master_user_password(login.password())
        .db_subnet_group_name(id(CREATE, &body.subnet_group)?)
        .db_parameter_group_name(id(CREATE, &body.parameter_group)?)
        .set_vpc_security_group_ids(Some(ids(CREATE, &body.security_groups)?))
        .backup_retention_period(number(body.backup_retention_days))
        .set_preferred_maintenance_window(body.maintenance_window.clone())
        .copy_tags_to_snapshot(true)
        .publicly_accessible(false)
        .auto_minor_version_upgrade(true)
        .deletion_protection(body.deletion_protection)
        .set_tags(Some(tags::to_rds(creation.tags)));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.db_instance().and_then(|made| made.db_instance_identifier()), &answer)
}

/// AWS refuses a zone for an instance that stands in two.
fn zone(body: &DbInstance) -> Option<String> {
    body.zone.clone().filter(|_| !body.multi_zone)
}

/// Engine, user, storage, encryption and subnet group of a replica in its source's region are its source's.
async fn create_replica(
    cloud: &AwsCloud,
    creation: &Creation<'_>,
    body: &DbInstance,
    source: &str,
) -> Answer<Applied> {
    let call = cloud
        .mutations
        .rds
        .create_db_instance_read_replica()
        .db_instance_identifier(creation.name)
        .source_db_instance_identifier(source)
        .db_instance_class(&body.class)
        .set_availability_zone(zone(body))
        .multi_az(body.multi_zone)
        .storage_type(&body.storage_type)
        .set_max_allocated_storage(body.max_storage_gib.map(number))
        .db_parameter_group_name(id(CREATE_REPLICA, &body.parameter_group)?)
        .set_vpc_security_group_ids(Some(ids(CREATE_REPLICA, &body.security_groups)?))
        .copy_tags_to_snapshot(true)
        .publicly_accessible(false)
        .auto_minor_version_upgrade(true)
        .deletion_protection(body.deletion_protection)
        .set_tags(Some(tags::to_rds(creation.tags)));
    let answer = call.send().await.map_err(|error| failure(CREATE_REPLICA, error))?;
    created(CREATE_REPLICA, answer.db_instance().and_then(|made| made.db_instance_identifier()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    match change {
        Change::Modify(modification) => modify(cloud, id, modification).await,
        Change::Reboot { failover } => reboot(cloud, id, *failover).await,
        Change::Promote { backup_retention_days } => promote(cloud, id, *backup_retention_days).await,
    }
}

async fn promote(cloud: &AwsCloud, id: &str, backup_retention_days: u32) -> Answer<Applied> {
    let call = cloud.mutations.rds.promote_read_replica().db_instance_identifier(id);
    let call = call.backup_retention_period(number(backup_retention_days));
    let answer = call.send().await.map_err(|error| failure(PROMOTE, error))?;
    Ok(done(&answer))
}

async fn reboot(cloud: &AwsCloud, id: &str, failover: bool) -> Answer<Applied> {
    let call = cloud.mutations.rds.reboot_db_instance().db_instance_identifier(id);
    // RDS refuses the parameter itself for an instance without standby.
    let call = call.set_force_failover(failover.then_some(true));
    let answer = call.send().await.map_err(|error| failure(REBOOT, error))?;
    Ok(done(&answer))
}

/// At once, not in the maintenance window; never to another major version.
async fn modify(cloud: &AwsCloud, instance: &str, modification: &Modification) -> Answer<Applied> {
    let group = modification.parameter_group.as_ref().map(|group| id(MODIFY, group)).transpose()?;
    let firewalls = modification.security_groups.as_deref().map(|groups| ids(MODIFY, groups)).transpose()?;
    let call = cloud
        .mutations
        .rds
        .modify_db_instance()
        .db_instance_identifier(instance)
        .apply_immediately(true)
        .set_db_instance_class(modification.class.clone())
        .set_allocated_storage(modification.storage_gib.map(number))
        .set_max_allocated_storage(modification.max_storage_gib.map(number))
        .set_multi_az(modification.multi_zone)
        .set_db_parameter_group_name(group)
        .set_vpc_security_group_ids(firewalls)
        .set_backup_retention_period(modification.backup_retention_days.map(number))
        .set_deletion_protection(modification.deletion_protection)
        .set_engine_version(modification.version.clone())
        .set_storage_type(modification.storage_type.clone())
        .set_preferred_maintenance_window(modification.maintenance_window.clone());
    let answer = call.send().await.map_err(|error| failure(MODIFY, error))?;
    Ok(done(&answer))
}

/// With a final snapshot, which takes the instance's tags with it, and with its automated backups kept until they
/// expire; or, without a name for one, with nothing left. A replica is always deleted so.
pub(crate) async fn delete(cloud: &AwsCloud, id: &str, options: &DeleteOptions) -> Answer<Applied> {
    let call = cloud.mutations.rds.delete_db_instance().db_instance_identifier(id);
    let call = match &options.final_snapshot {
        Some(name) => {
            call.skip_final_snapshot(false).final_db_snapshot_identifier(name).delete_automated_backups(false)
        }
        None => call.skip_final_snapshot(true),
    };
    let answer = call.send().await.map_err(|error| failure(DELETE, error))?;
    Ok(done(&answer))
}
