//! Rules that a spec must obey by itself.
//!
//! Every problem is found in one pass, each with the path of its field. What serde and the schema can say
//! (types, enums, missing fields) is said before, by [`crate::admission`].

mod bounds;
mod database;
mod ignore;
mod load_balancer;
mod network;
mod parameters;
mod scaling;
mod tiers;
mod uses;

use super::LampStackSpec;
use crate::FieldError;

/// Everything that is wrong with a spec, each with its path.
pub fn validate(spec: &LampStackSpec) -> Vec<FieldError> {
    let mut errors = Vec::new();
    network::check(spec, &mut errors);
    tiers::check(spec, &mut errors);
    uses::check(spec, &mut errors);
    if let Some(database) = &spec.database {
        database::check(database, &mut errors);
    }
    ignore::check(spec, &mut errors);
    errors
}

#[cfg(test)]
#[path = "validation/tests.rs"]
mod tests;
