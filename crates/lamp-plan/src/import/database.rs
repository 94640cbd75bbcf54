//! The database of a site, and its replicas.

use std::collections::BTreeMap;

use lamp_api::v1alpha1::{
    Backups, Connections, Database, Engine, Maintenance, PromotionPolicy, Replicas, Storage, StorageType,
};
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::kinds::db_parameter_group::DbParameterGroup;
use lamp_cloud::{Body, Kind, Reference, Resource};

use super::{Found, Survey};
use crate::parts;

/// The primary, and what it stands in.
#[derive(Clone, Copy, Debug)]
pub(super) struct Primary<'a> {
    pub(super) row: &'a Resource,
    pub(super) body: &'a DbInstance,
    pub(super) subnet_group: &'a Resource,
    pub(super) firewall: Option<&'a Resource>,
}

impl<'a> Primary<'a> {
    pub(super) fn subnets(&self) -> &'a [Reference] {
        match &self.subnet_group.body {
            Body::DbSubnetGroup(group) => &group.subnets,
            _ => &[],
        }
    }
}

/// The first database of the network that is of an engine of ours and no replica.
pub(super) fn find<'a>(survey: &Survey<'a>) -> Option<Primary<'a>> {
    survey.databases().filter(|(_, body)| !body.is_replica()).find_map(|(row, body)| {
        engine(body)?;
        let subnet_group = survey.row(Kind::DbSubnetGroup, body.subnet_group.as_id()?)?;
        let firewall = survey.first(Kind::SecurityGroup, &body.security_groups);
        let primary = Primary { row, body, subnet_group, firewall };
        survey.holds(primary.subnets()).then_some(primary)
    })
}

fn engine(body: &DbInstance) -> Option<Engine> {
    [Engine::Mysql, Engine::Mariadb].into_iter().find(|engine| engine.as_str() == body.engine)
}

/// Reads the database, and finds its parts. The password stays as it is.
pub(super) fn read<'a>(survey: &Survey<'a>, primary: &Primary<'a>, found: &mut Found<'a>) -> Database {
    let body = primary.body;
    found.insert(parts::database(), primary.row);
    found.insert(parts::db_subnet_group(), primary.subnet_group);
    found.extend(primary.firewall.map(|row| (parts::database_security_group(), row)));
    let parameters = parameter_group(survey, body, found);
    Database {
        engine: engine(body).unwrap_or_default(),
        version: body.version.clone(),
        instance_class: body.class.clone(),
        storage: storage(body),
        multi_zone: body.multi_zone,
        replicas: replicas(survey, primary, found),
        connections: Connections::default(),
        backups: Backups { retention_days: body.backup_retention_days },
        // The windows that AWS chose stay as they are.
        maintenance: Maintenance::default(),
        promotion: PromotionPolicy::default(),
        deletion_protection: body.deletion_protection,
        username: body.username.clone(),
        parameters,
    }
}

fn storage(body: &DbInstance) -> Storage {
    let kinds = [StorageType::Gp3, StorageType::Io2];
    let kind = kinds.into_iter().find(|kind| kind.as_str() == body.storage_type).unwrap_or_default();
    Storage { gib: body.storage_gib, max_gib: body.max_storage_gib, kind, ..Storage::default() }
}

/// The parameters of the group, which is a part unless it is AWS's own: that belongs to everybody.
fn parameter_group<'a>(
    survey: &Survey<'a>,
    body: &DbInstance,
    found: &mut Found<'a>,
) -> BTreeMap<String, String> {
    let row = body.parameter_group.as_id().and_then(|id| survey.row(Kind::DbParameterGroup, id));
    let Some(row) = row.filter(|row| !row.id.starts_with("default.")) else { return BTreeMap::new() };
    let Body::DbParameterGroup(DbParameterGroup { family, parameters }) = &row.body else {
        return BTreeMap::new();
    };
    found.insert(parts::db_parameter_group(family), row);
    let mut parameters = parameters.clone().unwrap_or_default();
    // It is on in every stack; where it is not, the group differs.
    parameters.remove("require_secure_transport");
    parameters
}

fn replicas<'a>(survey: &Survey<'a>, primary: &Primary<'a>, found: &mut Found<'a>) -> Replicas {
    let source = Some(primary.row.id.as_str());
    let mut rows: Vec<_> = survey
        .databases()
        .filter(|(_, body)| body.source.as_ref().and_then(Reference::as_id) == source)
        .collect();
    rows.sort_by(|one, other| one.0.id.cmp(&other.0.id));
    let count = u32::try_from(rows.len()).unwrap_or(u32::MAX);
    let class = rows.first().map(|(_, body)| body.class.clone()).filter(|class| *class != primary.body.class);
    found.extend((1..).zip(rows).map(|(slot, (row, _))| (parts::replica(slot), row)));
    Replicas {
        min: count,
        max: Some(count).filter(|count| *count > 0),
        instance_class: class,
        ..Replicas::default()
    }
}
