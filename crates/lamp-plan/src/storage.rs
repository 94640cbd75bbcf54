//! Volumes of the database that fill: grown up to what the spec allows, before or after they are full.
//!
//! RDS grows a volume by itself when less than a tenth is free, and it does not always keep up: a volume that is full
//! already stays full. RDS takes no second growth within six hours.

#[cfg(test)]
mod tests;

use std::time::Duration;

use jiff::SignedDuration;
use lamp_api::v1alpha1::Database;
use lamp_cloud::kinds::db_instance::{Change as DatabaseChange, DbInstance};
use lamp_cloud::{Body, Change, Kind, LedgerEntry, MetricName, Outcome, Part, Request, Resource};

use crate::observed::held;
use crate::{Draft, PlanInput, parts, queries};

/// RDS's own word for an instance whose volume is full.
pub(crate) const FULL: &str = "storage-full";
/// RDS's pause between two changes of a volume. Source: RDS user guide, "Working with storage".
const COOLDOWN: Duration = Duration::from_secs(6 * 3600);
/// So many datapoints in a row, a minute each, are no short peak of temporary files.
const POINTS: usize = 3;
const FRESH: SignedDuration = SignedDuration::from_secs(300);
/// The least that RDS itself adds.
const LEAST_GIB: u32 = 10;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// What is to be done about the volume of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Need {
    None,
    /// To this size, in GiB, and why.
    Grow(u32, String),
    /// It should grow, and may not; why.
    Held(String),
}

/// The size that the spec and its need want of a volume, in GiB.
pub(crate) fn wanted_gib(input: &PlanInput<'_>, database: &Database, part: &Part) -> u32 {
    match need(input, database, part) {
        Need::Grow(gib, _) => gib.max(database.storage.gib),
        Need::None | Need::Held(_) => database.storage.gib,
    }
}

/// Whether the volume of a part that stands must grow.
pub(crate) fn need(input: &PlanInput<'_>, database: &Database, part: &Part) -> Need {
    let Some(row) = held(input, part, Kind::DbInstance).filter(|row| row.is_ready()) else {
        return Need::None;
    };
    let Body::DbInstance(body) = &row.body else { return Need::None };
    let Some(why) = why(input, database, row, body) else { return Need::None };
    let limit = match database.storage.max_gib {
        Some(limit) if database.storage.grow_below_free_percent > 0 => limit,
        Some(_) => return Need::Held(format!("{why}; storage.growBelowFreePercent is 0")),
        None => return Need::Held(format!("{why}; without storage.maxGib it may not grow")),
    };
    let size = body.storage_gib;
    let least = size.div_ceil(10);
    if size.saturating_add(least) > limit {
        return Need::Held(format!("{why}; it has {size} GiB, and storage.maxGib is {limit}"));
    }
    if is_cooling(input, part, body) {
        return Need::Held(format!("{why}; RDS takes no second growth within six hours"));
    }
    let wanted = size.saturating_add(least.max(LEAST_GIB)).min(limit);
    Need::Grow(wanted, format!("{why}: it grows from {size} to {wanted} GiB, of at most {limit}"))
}

/// Why it should grow.
fn why(input: &PlanInput<'_>, database: &Database, row: &Resource, body: &DbInstance) -> Option<String> {
    if body.facts.status == FULL {
        return Some("its volume is full".to_owned());
    }
    let share = database.storage.grow_below_free_percent;
    let series =
        input.inventory.region.signals.get(&queries::of_database(&row.id, MetricName::FreeStorageSpace))?;
    let newest: Vec<f64> = series.points.iter().rev().take(POINTS).map(|(_, free)| free / GIB).collect();
    let (at, _) = series.latest()?;
    let limit = f64::from(body.storage_gib) * f64::from(share) / 100.0;
    let low = newest.len() == POINTS && newest.iter().all(|free| (0.0..limit).contains(free));
    let fresh = input.now.duration_since(at).abs() <= FRESH;
    // No number that changes from one reading to the next: it is said once.
    (low && fresh).then(|| format!("less than {share} % of its volume is free"))
}

/// Whether its volume changed less than six hours ago, or is about to.
fn is_cooling(input: &PlanInput<'_>, part: &Part, body: &DbInstance) -> bool {
    let Some(entry) = input.ledger.get(part) else { return true };
    let asked = body.facts.pending_changes.iter().any(|name| name == "AllocatedStorage");
    let grown_at = entry.seen.as_ref().and_then(|seen| seen.grown_at);
    let grown = grown_at.into_iter().chain(asked_at(entry)).any(|at| input.now < at + COOLDOWN);
    asked || grown
}

/// When we last made it grow.
fn asked_at(entry: &LedgerEntry) -> Option<jiff::Timestamp> {
    let last = entry.last.as_ref().filter(|last| last.outcome == Outcome::Done)?;
    let Request::Change { change: Change::DbInstance(DatabaseChange::Modify(modification)), .. } =
        &last.request
    else {
        return None;
    };
    modification.storage_gib.map(|_| last.at)
}

/// Says what is decided about volumes, and names those that are full and may not grow.
pub(crate) fn report(draft: &mut Draft<'_>, database: &Database) {
    let replicas: Vec<Part> =
        draft.input.ledger.keys().filter(|part| parts::replica_slot(part).is_some()).cloned().collect();
    for part in replicas.into_iter().chain([parts::database()]) {
        match need(&draft.input, database, &part) {
            Need::None => {}
            Need::Grow(_, why) if draft.acts_on(&part) => draft.decide(&part, "GrowStorage", why),
            Need::Grow(..) => {}
            Need::Held(why) => hold(draft, &part, why),
        }
    }
}

fn hold(draft: &mut Draft<'_>, part: &Part, why: String) {
    let row = held(&draft.input, part, Kind::DbInstance).cloned();
    let full =
        row.as_ref().filter(|row| matches!(&row.body, Body::DbInstance(body) if body.facts.status == FULL));
    draft.decide(part, "Hold", why.clone());
    let Some(row) = full else { return };
    let reason = format!("{why}; raise storage.maxGib, or delete data that nobody needs");
    draft.block(part, Kind::DbInstance, Some(&row.id), reason);
}
