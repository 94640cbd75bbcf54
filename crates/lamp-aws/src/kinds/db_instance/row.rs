//! An RDS instance as AWS shows it, in our words.
//!
//! Values that wait to be applied are shown as if they were: they have been asked for, and must not be asked for again.
//! `facts.pending_changes` names them.

use aws_sdk_rds::types::{DbInstance as Row, PendingModifiedValues};
use lamp_cloud::kinds::db_instance::{DbFacts, DbInstance};
use lamp_cloud::{Reference, Resource, State};

use super::LIST;
use crate::answer::{Answer, count, references, required, timestamp};
use crate::tags;

pub(super) fn resource(row: &Row) -> Answer<Resource> {
    let id = required(LIST, "DBInstanceIdentifier", row.db_instance_identifier.clone())?;
    Ok(Resource {
        name: id.clone(),
        id,
        tags: tags::from_rds(row.tag_list()),
        state: state(row.db_instance_status().unwrap_or("unknown")),
        body: body(row)?.into(),
        created_at: timestamp(row.instance_create_time()),
    })
}

/// States in which RDS waits for somebody. Without its key, in a network that does not fit, and so on, an instance
/// does not come back by itself.
const FAILED: &[&str] =
    &["failed", "stopped", "restore-error", "inaccessible-encryption-credentials", "incompatible-"];

/// A full disk is ready: it can be grown, and growing is what it needs.
const READY: &[&str] = &["available", "storage-optimization", "storage-full", "backing-up"];

fn state(status: &str) -> State {
    if READY.contains(&status) {
        State::Ready
    } else if status == "deleting" {
        State::Deleting
    } else if FAILED.iter().any(|beginning| status.starts_with(beginning)) {
        State::Failed(status.to_owned())
    } else {
        State::Pending(status.to_owned())
    }
}

fn body(row: &Row) -> Answer<DbInstance> {
    let none = PendingModifiedValues::builder().build();
    let pending = row.pending_modified_values().unwrap_or(&none);
    let text =
        |pending: &Option<String>, current: &Option<String>| pending.clone().or_else(|| current.clone());
    let group = row.db_parameter_groups().first().and_then(|group| group.db_parameter_group_name());
    let firewalls = row.vpc_security_groups().iter().filter(|group| group.status() != Some("removing"));
    let subnet_group = row.db_subnet_group().and_then(|group| group.db_subnet_group_name());
    Ok(DbInstance {
        engine: required(LIST, "Engine", row.engine.clone())?,
        version: required(LIST, "EngineVersion", text(&pending.engine_version, &row.engine_version))?,
        class: required(LIST, "DBInstanceClass", text(&pending.db_instance_class, &row.db_instance_class))?,
        storage_gib: count(pending.allocated_storage.or(row.allocated_storage)),
        max_storage_gib: row.max_allocated_storage.map(|gib| count(Some(gib))),
        storage_type: text(&pending.storage_type, &row.storage_type).unwrap_or_default(),
        encrypted: row.storage_encrypted.unwrap_or_default(),
        multi_zone: pending.multi_az.or(row.multi_az).unwrap_or_default(),
        username: row.master_username.clone().unwrap_or_default(),
        subnet_group: Reference::id(subnet_group.unwrap_or_default()),
        parameter_group: Reference::id(group.unwrap_or_default()),
        security_groups: references(firewalls.filter_map(|group| group.vpc_security_group_id())),
        backup_retention_days: count(pending.backup_retention_period.or(row.backup_retention_period)),
        deletion_protection: row.deletion_protection.unwrap_or_default(),
        secret: None,
        source: row
            .read_replica_source_db_instance_identifier()
            .filter(|id| !id.is_empty())
            .map(Reference::id),
        zone: row.availability_zone.clone(),
        maintenance_window: row.preferred_maintenance_window.clone(),
        parameters_in_effect: !awaits_reboot(row),
        facts: facts(row, pending),
    })
}

/// Whether parameters wait for a restart.
fn awaits_reboot(row: &Row) -> bool {
    let mut groups = row.db_parameter_groups().iter();
    groups.any(|group| group.parameter_apply_status() == Some("pending-reboot"))
}

fn facts(row: &Row, pending: &PendingModifiedValues) -> DbFacts {
    let replication = row.status_infos().iter().find(|info| info.status_type() == Some("read replication"));
    DbFacts {
        status: row.db_instance_status().unwrap_or("unknown").to_owned(),
        endpoint: row.endpoint().and_then(|endpoint| endpoint.address.clone()),
        arn: row.db_instance_arn.clone(),
        replicas: row.read_replica_db_instance_identifiers().to_vec(),
        replication: replication.and_then(|info| info.status.clone()),
        pending_changes: pending_names(pending),
        latest_restorable: timestamp(row.latest_restorable_time()),
    }
}

/// AWS's names of what waits. That a password waits is named, never the password.
fn pending_names(pending: &PendingModifiedValues) -> Vec<String> {
    [
        ("AllocatedStorage", pending.allocated_storage.is_some()),
        ("BackupRetentionPeriod", pending.backup_retention_period.is_some()),
        ("CACertificateIdentifier", pending.ca_certificate_identifier.is_some()),
        ("DBInstanceClass", pending.db_instance_class.is_some()),
        ("DBInstanceIdentifier", pending.db_instance_identifier.is_some()),
        ("DBSubnetGroupName", pending.db_subnet_group_name.is_some()),
        ("EngineVersion", pending.engine_version.is_some()),
        ("Iops", pending.iops.is_some()),
        ("MasterUserPassword", pending.master_user_password.is_some()),
        ("MultiAZ", pending.multi_az.is_some()),
        ("Port", pending.port.is_some()),
        ("StorageThroughput", pending.storage_throughput.is_some()),
        ("StorageType", pending.storage_type.is_some()),
    ]
    .into_iter()
    .filter(|(_, waits)| *waits)
    .map(|(name, _)| name.to_owned())
    .collect()
}

#[cfg(test)]
mod tests {
    use aws_sdk_rds::types::{DbInstanceStatusInfo, DbParameterGroupStatus, VpcSecurityGroupMembership};

    use super::*;

    fn row() -> aws_sdk_rds::types::builders::DbInstanceBuilder {
        Row::builder()
            .db_instance_identifier("ll-shop-db")
            .engine("mysql")
            .engine_version("8.0.39")
            .db_instance_class("db.r6g.large")
            .allocated_storage(100)
            .multi_az(false)
    }

    fn shown(row: aws_sdk_rds::types::builders::DbInstanceBuilder) -> DbInstance {
        body(&row.build()).expect("a body")
    }

    #[test]
    fn what_was_asked_for_is_shown_and_named() {
        let pending = PendingModifiedValues::builder()
            .db_instance_class("db.r6g.xlarge")
            .multi_az(true)
            .master_user_password("hunter2")
            .build();
        let body = shown(row().pending_modified_values(pending));
        assert_eq!((body.class.as_str(), body.multi_zone, body.storage_gib), ("db.r6g.xlarge", true, 100));
        assert_eq!(body.facts.pending_changes, ["DBInstanceClass", "MasterUserPassword", "MultiAZ"]);
        assert!(!format!("{body:?}").contains("hunter2"));
    }

    #[test]
    fn parameters_that_wait_for_a_reboot_are_not_in_effect() {
        let group = DbParameterGroupStatus::builder().db_parameter_group_name("ll-p");
        let group = group.parameter_apply_status("pending-reboot").build();
        assert!(!shown(row().db_parameter_groups(group)).parameters_in_effect);
        assert!(shown(row()).parameters_in_effect);
    }

    #[test]
    fn a_replica_shows_its_source_and_replication() {
        let info =
            DbInstanceStatusInfo::builder().status_type("read replication").status("replicating").build();
        let body = shown(row().read_replica_source_db_instance_identifier("ll-shop-db-0").status_infos(info));
        assert_eq!(body.source, Some(Reference::id("ll-shop-db-0")));
        assert_eq!(body.facts.replication.as_deref(), Some("replicating"));
    }

    #[test]
    fn a_security_group_on_its_way_out_is_out() {
        let group = |id: &str, status: &str| {
            VpcSecurityGroupMembership::builder().vpc_security_group_id(id).status(status).build()
        };
        let row =
            row().vpc_security_groups(group("sg-1", "removing")).vpc_security_groups(group("sg-2", "adding"));
        assert_eq!(shown(row).security_groups, [Reference::id("sg-2")]);
    }

    #[test]
    fn states() {
        let pending = |word: &str| State::Pending(word.into());
        let failed = |word: &str| State::Failed(word.into());
        let rows = [
            ("available", State::Ready),
            ("storage-optimization", State::Ready),
            ("storage-full", State::Ready),
            ("backing-up", State::Ready),
            ("creating", pending("creating")),
            ("modifying", pending("modifying")),
            ("configuring-enhanced-monitoring", pending("configuring-enhanced-monitoring")),
            ("upgrading", pending("upgrading")),
            ("rebooting", pending("rebooting")),
            ("a-new-word", pending("a-new-word")),
            ("deleting", State::Deleting),
            ("failed", failed("failed")),
            ("stopped", failed("stopped")),
            ("stopping", pending("stopping")),
            ("restore-error", failed("restore-error")),
            ("incompatible-network", failed("incompatible-network")),
            (
                "inaccessible-encryption-credentials-recoverable",
                failed("inaccessible-encryption-credentials-recoverable"),
            ),
        ];
        for (word, expected) in rows {
            assert_eq!(state(word), expected, "{word}");
        }
    }
}
