//! What an interruption costs, in words for a person who decides about it.

use lamp_cloud::Difference;
use lamp_cloud::kinds::db_instance::DbInstance;

/// What it costs to put these differences of an instance right.
///
/// Source: RDS user guide, "Modifying a DB instance" and "Multi-AZ DB instance deployments": a class is changed on the
/// standby first, and a failover takes 60 to 120 seconds; an engine is upgraded on both at once.
pub(super) fn of(body: &DbInstance, differences: &[&Difference]) -> &'static str {
    let differs = |field: &str| differences.iter().any(|difference| difference.field == field);
    let moves = differs("class") || differs("version");
    match (body.is_replica(), moves, body.multi_zone) {
        (true, true, _) => "this replica does not serve for some minutes",
        (true, false, _) => "this replica restarts and does not serve for about a minute",
        (false, true, _) if differs("version") => {
            "the database is offline for some minutes, its standby as well"
        }
        (false, _, true) => "the standby takes over: the database is offline for one to two minutes",
        (false, true, false) => "the database is offline for some minutes: it has no standby",
        (false, false, false) => "the database restarts and is offline for about a minute",
    }
}
