//! The database: ranges and names are those of RDS for MySQL and MariaDB.

use std::time::Duration;

use super::bounds::{only, within};
use super::tiers::is_instance_type;
use super::{parameters, scaling};
use crate::FieldError;
use crate::v1alpha1::{Database, Maintenance, PromotionPolicy, Replicas, Storage, StorageType, WeeklyWindow};

const PATH: &str = "spec.database";

/// Names that RDS or the engine keeps for itself.
const RESERVED_USERS: [&str; 8] =
    ["rdsadmin", "rdsrepladmin", "rdstopmgr", "rdsproxyadmin", "root", "mysql", "mariadb", "sys"];

/// Read replicas of one RDS instance.
const MAX_REPLICAS: u32 = 15;

pub(super) fn check(database: &Database, errors: &mut Vec<FieldError>) {
    if !is_version(&database.version) {
        let detail = "must be numbers such as \"8.0\" or \"8.0.39\"";
        errors.push(FieldError::invalid(format!("{PATH}.version"), &database.version, detail));
    }
    class(&database.instance_class, format!("{PATH}.instanceClass"), errors);
    storage(&database.storage, errors);
    replicas(database, errors);
    let connections = &database.connections;
    within(errors, format!("{PATH}.connections.max"), connections.max.unwrap_or(1), 1..=100_000);
    within(errors, format!("{PATH}.connections.sharePercent"), connections.share_percent, 10..=100);
    within(errors, format!("{PATH}.backups.retentionDays"), database.backups.retention_days, 0..=35);
    maintenance(&database.maintenance, errors);
    promotion(database, errors);
    username(&database.username, errors);
    parameters::check(&database.parameters, errors);
}

fn is_version(version: &str) -> bool {
    let parts: Vec<&str> = version.split('.').collect();
    matches!(parts.len(), 2 | 3)
        && parts.iter().all(|part| part.len() <= 4 && only(part, |c| c.is_ascii_digit()))
}

fn class(class: &str, field: String, errors: &mut Vec<FieldError>) {
    if !class.strip_prefix("db.").is_some_and(is_instance_type) {
        let detail = "must be an RDS instance class such as db.r6g.large";
        errors.push(FieldError::invalid(field, class, detail));
    }
}

fn storage(storage: &Storage, errors: &mut Vec<FieldError>) {
    let path = format!("{PATH}.storage");
    within(errors, format!("{path}.gib"), storage.gib, 20..=65_536);
    if storage.kind == StorageType::Io2 && (20..100).contains(&storage.gib) {
        errors.push(FieldError::invalid(
            format!("{path}.gib"),
            storage.gib,
            "an io2 volume has at least 100",
        ));
    }
    within(errors, format!("{path}.growBelowFreePercent"), storage.grow_below_free_percent, 0..=50);
    let Some(max) = storage.max_gib else { return };
    within(errors, format!("{path}.maxGib"), max, 20..=65_536);
    let least = (u64::from(storage.gib) * 11).div_ceil(10);
    if u64::from(max) < least {
        let detail = format!("must be at least {least}: AWS wants room to grow by 10 % above gib");
        errors.push(FieldError::invalid(format!("{path}.maxGib"), max, detail));
    }
}

fn replicas(database: &Database, errors: &mut Vec<FieldError>) {
    let path = format!("{PATH}.replicas");
    let replicas = &database.replicas;
    bounds(replicas, &path, errors);
    if replicas.max() > 0 && database.backups.retention_days == 0 {
        let detail = "read replicas are made from backups: keep them for at least one day";
        errors.push(FieldError::invalid(format!("{PATH}.backups.retentionDays"), 0, detail));
    }
    if let Some(name) = &replicas.instance_class {
        class(name, format!("{path}.instanceClass"), errors);
    }
    within(errors, format!("{path}.maxLagSeconds"), replicas.max_lag_seconds, 1..=86_400);
    let kind = scaling::SubjectKind::Replicas;
    let subject = scaling::Subject { kind, min: replicas.min, max: replicas.max() };
    scaling::check(&replicas.scaling, subject, &format!("{path}.scaling"), errors);
}

fn bounds(replicas: &Replicas, path: &str, errors: &mut Vec<FieldError>) {
    within(errors, format!("{path}.min"), replicas.min, 0..=MAX_REPLICAS);
    let Some(max) = replicas.max else { return };
    within(errors, format!("{path}.max"), max, 0..=MAX_REPLICAS);
    if max < replicas.min {
        let detail = format!("must not be less than min, which is {}", replicas.min);
        errors.push(FieldError::invalid(format!("{path}.max"), max, detail));
    }
}

/// Who wants a replica to take over by itself needs one.
fn promotion(database: &Database, errors: &mut Vec<FieldError>) {
    let replicas = &database.replicas;
    let has_none = replicas.min == 0 && !replicas.scaling.is_measured();
    if database.promotion == PromotionPolicy::Automatic && has_none {
        let detail = "needs read replicas, of which one takes over: set replicas.min to at least 1";
        errors.push(FieldError::invalid(format!("{PATH}.promotion"), "Automatic", detail));
    }
}

/// RDS wants half an hour at least, and less than a day.
fn maintenance(maintenance: &Maintenance, errors: &mut Vec<FieldError>) {
    let Some(window) = &maintenance.window else { return };
    let lengths = Duration::from_secs(1800)..Duration::from_secs(24 * 3600);
    if !WeeklyWindow::parse(window).is_some_and(|window| lengths.contains(&window.length())) {
        let detail =
            "must be a weekly window in UTC of 30 minutes to less than a day, such as sun:03:00-sun:04:00";
        errors.push(FieldError::invalid(format!("{PATH}.maintenance.window"), window, detail));
    }
}

fn username(name: &str, errors: &mut Vec<FieldError>) {
    let field = format!("{PATH}.username");
    let starts_well = name.starts_with(|c: char| c.is_ascii_alphabetic());
    if !starts_well || name.len() > 16 || !only(name, |c| c.is_ascii_alphanumeric()) {
        let detail = "must be 1 to 16 letters and digits, beginning with a letter";
        errors.push(FieldError::invalid(field, name, detail));
    } else if RESERVED_USERS.contains(&name.to_ascii_lowercase().as_str()) {
        errors.push(FieldError::invalid(field, name, "is reserved by RDS or the engine; take another name"));
    }
}
