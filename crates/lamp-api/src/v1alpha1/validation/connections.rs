//! How many connections to the database the tiers may open.

use super::bounds::within;
use super::tiers::DATABASE;
use crate::FieldError;
use crate::v1alpha1::{Database, LampStackSpec};

pub(super) fn check(spec: &LampStackSpec, errors: &mut Vec<FieldError>) {
    for (index, tier) in spec.tiers.iter().enumerate() {
        let Some(connections) = tier.database_connections else { continue };
        let field = format!("spec.tiers[{index}].databaseConnections");
        within(errors, format!("{field}.primary"), connections.primary, 0..=10_000);
        within(errors, format!("{field}.replicas"), connections.replicas, 0..=10_000);
        if !tier.uses.iter().any(|used| used == DATABASE) {
            let detail = "this tier does not use the database; add it to uses";
            errors.push(FieldError::forbidden(field, detail));
        } else if (connections.primary, connections.replicas) == (0, 0) {
            errors.push(FieldError::required(field, "set primary, replicas, or both"));
        } else if let Some(database) = &spec.database {
            limit_is_known(database, &field, errors);
        }
    }
    if let Some(database) = &spec.database {
        smallest_tiers_fit(spec, database, errors);
    }
}

/// A bound that nobody knows bounds nothing.
fn limit_is_known(database: &Database, tier: &str, errors: &mut Vec<FieldError>) {
    for class in [database.instance_class.as_str(), database.replica_class()] {
        if database.connection_limit(class).is_none() {
            let detail = format!("the memory of {class} is not known here, and {tier} needs a limit");
            errors.push(FieldError::required("spec.database.connections.max", detail));
            return;
        }
    }
}

/// The tiers at their smallest must fit: they are never made smaller than that.
fn smallest_tiers_fit(spec: &LampStackSpec, database: &Database, errors: &mut Vec<FieldError>) {
    let Some(limit) = database.connection_limit(&database.instance_class) else { return };
    let allowed = u64::from(limit) * u64::from(database.connections.share_percent) / 100;
    let to_primary = |connections: u32, min: u32| u64::from(connections) * u64::from(min);
    let mut opened = 0;
    for (index, tier) in spec.tiers.iter().enumerate() {
        let Some(connections) = tier.database_connections else { continue };
        opened += to_primary(connections.primary, tier.capacity.min);
        if opened > allowed {
            let share = database.connections.share_percent;
            let detail = format!(
                "at the smallest capacities {opened} connections are opened, and {allowed} are allowed: {share} % of {limit}"
            );
            let field = format!("spec.tiers[{index}].databaseConnections.primary");
            errors.push(FieldError::invalid(field, connections.primary, detail));
            return;
        }
    }
}
