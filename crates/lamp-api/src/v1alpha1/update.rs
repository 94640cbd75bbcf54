//! Rules that a change of a spec must obey.

use super::{Database, LampStackSpec};
use crate::FieldError;

/// Everything that must not change from `old` to `new`, each with its path.
pub fn validate_update(old: &LampStackSpec, new: &LampStackSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    immutable(&mut errors, "spec.region", &old.region, &new.region, "a site cannot move to another region");
    let cidr = (&old.network.cidr, &new.network.cidr);
    immutable(&mut errors, "spec.network.cidr", cidr.0, cidr.1, "AWS cannot change the range of a VPC");
    if old.network.zones != new.network.zones {
        let why = "subnets, load balancers and instances stand in these zones";
        errors.push(FieldError::forbidden("spec.network.zones", format!("is immutable: {why}")));
    }
    match (&old.database, &new.database) {
        (Some(_), None) => errors.push(removed()),
        (Some(old), Some(new)) => database(old, new, &mut errors),
        (None, _) => {}
    }
    errors
}

fn immutable(errors: &mut Vec<FieldError>, field: &str, old: &str, new: &str, why: &str) {
    if old != new {
        errors.push(FieldError::forbidden(field, format!("is immutable: it is {old:?}, and {why}")));
    }
}

fn removed() -> FieldError {
    let detail = "is immutable: removing the database from a living stack would delete its data; \
                  delete the whole stack, whose deletionPolicy says what becomes of the data";
    FieldError::forbidden("spec.database", detail)
}

fn database(old: &Database, new: &Database, errors: &mut Vec<FieldError>) {
    let engine = (old.engine.as_str(), new.engine.as_str());
    immutable(errors, "spec.database.engine", engine.0, engine.1, "another engine is another database");
    let why = "RDS cannot rename the master user";
    immutable(errors, "spec.database.username", &old.username, &new.username, why);
    if new.storage.gib < old.storage.gib {
        let detail = format!("the volume has {} GiB, and RDS cannot shrink it", old.storage.gib);
        errors.push(FieldError::forbidden("spec.database.storage.gib", detail));
    }
    if is_downgrade(&old.version, &new.version) {
        let detail = format!("the version is {:?}, and RDS cannot go back to an older one", old.version);
        errors.push(FieldError::forbidden("spec.database.version", detail));
    }
}

/// Whether `new` is an older version; a shorter spelling of the same one, `8.0` for `8.0.39`, is not.
fn is_downgrade(old: &str, new: &str) -> bool {
    let numbers =
        |version: &str| -> Vec<u32> { version.split('.').map_while(|part| part.parse().ok()).collect() };
    let (old, new) = (numbers(old), numbers(new));
    let shared = old.len().min(new.len());
    new[..shared] < old[..shared]
}

#[cfg(test)]
#[path = "update/tests.rs"]
mod tests;
