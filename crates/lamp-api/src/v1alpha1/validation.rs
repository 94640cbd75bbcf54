//! Rules that a spec must obey by itself.
//!
//! Every problem is found in one pass, each with the path of its field. What serde and the schema can say
//! (types, enums, missing fields) is said before, by [`crate::admission`].

mod bounds;
mod connections;
mod database;
mod ignore;
mod load_balancer;
mod metric;
mod network;
mod parameters;
mod policy;
mod scaling;
mod tiers;
mod uses;

use self::bounds::within;
use super::LampStackSpec;
use crate::FieldError;

/// Everything that is wrong with a spec, each with its path.
pub fn validate(spec: &LampStackSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    network::check(spec, &mut errors);
    tiers::check(spec, &mut errors);
    uses::check(spec, &mut errors);
    connections::check(spec, &mut errors);
    if let Some(database) = &spec.database {
        database::check(database, &mut errors);
    }
    let breakers = &spec.breakers;
    within(&mut errors, "spec.breakers.sickTiers", breakers.sick_tiers, 2..=10);
    within(&mut errors, "spec.breakers.maxRemakesPerHour", breakers.max_remakes_per_hour, 1..=20);
    ignore::check(spec, &mut errors);
    errors
}

#[cfg(test)]
#[path = "validation/tests.rs"]
mod tests;
