//! The engine parameters of the database.

use lamp_api::v1alpha1::Database;
use lamp_cloud::kinds::db_parameter_group::DbParameterGroup;

use super::db_instance::{observed_primary, satisfies};
use crate::{PlanInput, Wanted, left_alone, parts};

pub(crate) fn wanted(input: &PlanInput<'_>, database: &Database) -> Wanted {
    let family = family(input, database);
    // Without encryption passwords and visitors' data would cross the network readable.
    let secure = ("require_secure_transport".to_owned(), "1".to_owned());
    let parameters = database.parameters.clone().into_iter().chain([secure]).collect();
    Wanted::new(parts::db_parameter_group(&family), DbParameterGroup { family, parameters: Some(parameters) })
}

/// The family of the version that is wanted: the observed one where that satisfies the spec, or is left alone.
pub(crate) fn family(input: &PlanInput<'_>, database: &Database) -> String {
    let observed = observed_primary(input).map(|instance| instance.version.as_str());
    let left_alone = || left_alone::policy(input, &parts::database(), "version").is_some();
    let version = observed.filter(|observed| satisfies(observed, &database.version) || left_alone());
    family_of(database.engine.as_str(), version.unwrap_or(&database.version))
}

/// RDS's name for an engine and its major version: `mysql8.0`, `mariadb10.11`.
fn family_of(engine: &str, version: &str) -> String {
    let mut numbers = version.split('.');
    let major = numbers.next().unwrap_or_default();
    let minor = numbers.next().unwrap_or("0");
    format!("{engine}{major}.{minor}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_family_is_the_major_version() {
        let cases = [
            ("mysql", "8.0", "mysql8.0"),
            ("mysql", "8.4.3", "mysql8.4"),
            ("mysql", "8", "mysql8.0"),
            ("mariadb", "10.11.6", "mariadb10.11"),
        ];
        for (engine, version, expected) in cases {
            assert_eq!(family_of(engine, version), expected);
        }
    }
}
