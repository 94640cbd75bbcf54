//! Replicas that differ in what AWS cannot change: another one is made, and takes their place.

use lamp_api::v1alpha1::Database;
use lamp_cloud::{Difference, Mutability, Part, Resource};

use crate::kinds::db_instance::{desired_replica, observed_primary, wanted};
use crate::observed::held;
use crate::protocol::differences;
use crate::{PlanInput, Wanted, parts};

/// What another replica would have as it shall be, and this one cannot get. What a replica has from its source would
/// be the same with another one of that source.
pub(super) fn why(input: &PlanInput<'_>, database: &Database, part: &Part, row: &Resource) -> Option<String> {
    observed_primary(input)?;
    let inherited = of_primary(input, database);
    let body = desired_replica(input, database, parts::replica_slot(part)?, None);
    let fixed = fixed(input, &Wanted::new(part.clone(), body), row);
    let curable: Vec<String> = fixed
        .iter()
        .filter(|difference| !inherited.iter().any(|other| other.field == difference.field))
        .map(ToString::to_string)
        .collect();
    (!curable.is_empty()).then(|| format!("{}: AWS cannot change this", curable.join(", ")))
}

fn of_primary(input: &PlanInput<'_>, database: &Database) -> Vec<Difference> {
    let wanted = wanted(input, database);
    let row = held(input, &wanted.part, wanted.kind);
    row.map(|row| fixed(input, &wanted, row)).unwrap_or_default()
}

fn fixed(input: &PlanInput<'_>, wanted: &Wanted, row: &Resource) -> Vec<Difference> {
    let (mut fixed, unresolved) = differences(input, wanted, row);
    // While references are not known, a difference may be none.
    fixed.retain(|difference| unresolved.is_empty() && difference.mutability == Mutability::Never);
    fixed
}
