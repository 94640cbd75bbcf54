//! The database: the primary, and what each read replica of it shall be.

use lamp_api::v1alpha1::{Database, PartState};
use lamp_cloud::kinds::db_instance::{DbFacts, DbInstance};
use lamp_cloud::{Body, Kind};

use super::{db_parameter_group, secret, to};
use crate::observed::held;
use crate::{Draft, PlanInput, Wanted, parts, promotion, storage};

pub(crate) fn wanted(input: &PlanInput<'_>, database: &Database) -> Wanted {
    let storage_gib = storage::wanted_gib(input, database, &parts::database());
    Wanted::new(parts::database(), DbInstance { storage_gib, ..primary(input, database) })
}

fn primary(input: &PlanInput<'_>, database: &Database) -> DbInstance {
    DbInstance {
        engine: database.engine.as_str().to_owned(),
        version: database.version.clone(),
        class: database.instance_class.clone(),
        storage_gib: database.storage.gib,
        max_storage_gib: database.storage.max_gib,
        storage_type: database.storage.kind.as_str().to_owned(),
        encrypted: true,
        multi_zone: database.multi_zone,
        username: database.username.clone(),
        subnet_group: to(&parts::db_subnet_group()),
        parameter_group: to(&parts::db_parameter_group(&db_parameter_group::family(input, database))),
        security_groups: vec![to(&promotion::security_group(input))],
        backup_retention_days: database.backups.retention_days,
        deletion_protection: database.deletion_protection,
        secret: secret::is_wanted(input).then(|| to(&parts::database_secret())),
        source: None,
        zone: None,
        maintenance_window: database.maintenance.window.as_ref().map(|window| window.to_ascii_lowercase()),
        parameters_in_effect: true,
        facts: DbFacts::default(),
    }
}

/// The read replica in a slot. A new one starts as large, and as new, as its primary is by now; one that stands has
/// the spec as its floor, as AWS upgrades and grows each instance by itself.
pub fn desired_replica(
    input: &PlanInput<'_>,
    database: &Database,
    slot: u32,
    zone: Option<String>,
) -> DbInstance {
    let base = primary(input, database);
    let stands = held(input, &parts::replica(slot), Kind::DbInstance).is_some();
    let base = match observed_primary(input).filter(|_| !stands) {
        Some(observed) => yield_to_aws(base, observed),
        None => {
            let storage_gib = storage::wanted_gib(input, database, &parts::replica(slot));
            DbInstance { storage_gib, ..base }
        }
    };
    DbInstance {
        class: database.replicas.instance_class.clone().unwrap_or_else(|| database.instance_class.clone()),
        multi_zone: false,
        // A replica of a replica is nothing we make, and its own backups would cost and serve nobody.
        backup_retention_days: 0,
        secret: None,
        source: Some(to(&parts::database())),
        zone,
        ..base
    }
}

/// The primary as it stands, if it is there and ours.
pub(crate) fn observed_primary<'a>(input: &PlanInput<'a>) -> Option<&'a DbInstance> {
    match &held(input, &parts::database(), Kind::DbInstance)?.body {
        Body::DbInstance(instance) => Some(instance),
        _ => None,
    }
}

/// Says how the database is. The numbers of its replicas are the pool's to add.
pub(crate) fn report(draft: &mut Draft<'_>) {
    let secret = held(&draft.input, &parts::database_secret(), Kind::Secret).map(|row| row.id.clone());
    let primary = observed_primary(&draft.input);
    let absent = || match draft.plan.parts.get(&parts::database()).map(|report| report.state) {
        Some(PartState::Unknown) => "unknown",
        Some(PartState::Progressing) => "creating",
        _ => "absent",
    };
    let status = primary.map_or_else(|| absent().to_owned(), |primary| primary.facts.status.clone());
    let report = draft.plan.database.get_or_insert_default();
    report.status = status;
    report.endpoint = primary.and_then(|primary| primary.facts.endpoint.clone());
    report.version = primary.map(|primary| primary.version.clone());
    report.secret = secret;
}

/// Keeps what AWS moved within the spec's floor: minor versions upgrade and volumes grow by themselves.
pub(super) fn yield_to_aws(desired: DbInstance, observed: &DbInstance) -> DbInstance {
    let version = if satisfies(&observed.version, &desired.version) {
        observed.version.clone()
    } else {
        desired.version
    };
    let max_storage_gib = match (desired.max_storage_gib, observed.max_storage_gib) {
        // RDS turns growing off when the limit is the size that the volume has.
        (None, Some(limit)) => Some(limit.min(observed.storage_gib)),
        (desired, _) => desired,
    };
    // RDS cannot shrink a volume.
    let storage_gib = desired.storage_gib.max(observed.storage_gib);
    let maintenance_window = desired.maintenance_window.or_else(|| observed.maintenance_window.clone());
    DbInstance { version, storage_gib, max_storage_gib, maintenance_window, ..desired }
}

/// Leaves the fields as they are whose change interrupts service.
pub(super) fn without_disruption(desired: DbInstance, observed: &DbInstance) -> DbInstance {
    // The parameter group is of the version's family: the two change together.
    let upgrade = desired.version != observed.version;
    let parameter_group =
        if upgrade { observed.parameter_group.clone() } else { desired.parameter_group.clone() };
    DbInstance {
        version: observed.version.clone(),
        class: observed.class.clone(),
        parameter_group,
        parameters_in_effect: observed.parameters_in_effect,
        ..desired
    }
}

/// Whether an observed version is at least the wanted one, which may leave out its last numbers: any 8.0.39
/// satisfies `8.0`, and so does an upgrade beyond it.
pub(crate) fn satisfies(observed: &str, wanted: &str) -> bool {
    let numbers =
        |version: &str| -> Vec<u32> { version.split('.').map_while(|number| number.parse().ok()).collect() };
    let (observed, wanted) = (numbers(observed), numbers(wanted));
    let shared = observed.len().min(wanted.len());
    match observed[..shared].cmp(&wanted[..shared]) {
        std::cmp::Ordering::Less => false,
        std::cmp::Ordering::Greater => true,
        std::cmp::Ordering::Equal => observed.len() >= wanted.len(),
    }
}

#[cfg(test)]
mod tests {
    use super::satisfies;

    #[test]
    fn the_version_is_a_floor() {
        let cases = [
            ("8.0.39", "8.0", true),
            ("8.0.39", "8.0.39", true),
            ("8.0.39", "8.0.40", false),
            ("8.4.3", "8.0.40", true),
            ("8.0.39", "8.4", false),
            ("10.11.6", "10.6", true),
            ("8.0", "8.0.1", false),
        ];
        for (observed, wanted, expected) in cases {
            assert_eq!(satisfies(observed, wanted), expected, "{observed} for {wanted}");
        }
    }
}
