//! The primary and its replicas, as RDS shows them.

use lamp_cloud::kinds::db_instance::{DbFacts, DbInstance};
use lamp_cloud::{Body, Part, Reference, Resource};

use super::World;
use crate::{naming, parts};

impl World {
    /// Adds the replica of a slot, available and recorded.
    pub(crate) fn add_replica(&mut self, slot: u32, zone: &str) -> String {
        let replica = self.database(&parts::replica(slot), Some("database"), zone);
        let id = replica.1.id.clone();
        self.databases.push(replica);
        id
    }

    /// The observed replica of a slot.
    pub(crate) fn replica(&mut self, slot: u32) -> &mut Resource {
        let part = parts::replica(slot);
        &mut self.databases.iter_mut().find(|(known, _)| *known == part).unwrap().1
    }

    /// The observed primary.
    pub(crate) fn primary_body(&mut self) -> &mut DbInstance {
        match &mut self.databases[0].1.body {
            Body::DbInstance(body) => body,
            other => panic!("{other:?}"),
        }
    }

    /// Facts of the observed replica of a slot.
    pub(crate) fn replica_body(&mut self, slot: u32) -> &mut DbInstance {
        match &mut self.replica(slot).body {
            Body::DbInstance(body) => body,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn database(&mut self, part: &Part, source: Option<&str>, zone: &str) -> (Part, Resource) {
        let id = part.as_str().replace('/', "-");
        let body = DbInstance {
            engine: "mysql".to_owned(),
            version: "8.0.39".to_owned(),
            class: "db.r6g.large".to_owned(),
            storage_gib: 100,
            max_storage_gib: None,
            storage_type: "gp3".to_owned(),
            encrypted: true,
            multi_zone: source.is_none(),
            username: "lamplighter".to_owned(),
            subnet_group: Reference::id("db-subnet-group"),
            parameter_group: Reference::id("db-parameter-group"),
            security_groups: vec![Reference::id("sg-database")],
            backup_retention_days: if source.is_none() { 7 } else { 0 },
            deletion_protection: true,
            secret: None,
            source: source.map(Reference::id),
            zone: Some(zone.to_owned()),
            maintenance_window: Some("sun:03:00-sun:04:00".to_owned()),
            parameters_in_effect: true,
            facts: DbFacts {
                status: "available".to_owned(),
                replication: source.map(|_| "replicating".to_owned()),
                ..DbFacts::default()
            },
        };
        let row = self.resource(part, &id, body);
        self.record(part, &row);
        (part.clone(), row)
    }

    /// The name that the replica of a slot gets.
    pub(crate) fn replica_name(&mut self, slot: u32) -> String {
        self.plan(|draft| naming::name(&draft.input, &parts::replica(slot))).1
    }
}
