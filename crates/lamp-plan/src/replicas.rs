//! The pool of read replicas: how many, where, and which one goes.
//!
//! There is no group on AWS that holds the number: what exists, and is neither broken nor leaving, is the capacity in
//! force. One replica is one declared part, made, compared and deleted by the protocol; this decides which parts there
//! are. Nobody else's replicas are touched, and one that was promoted by hand holds data and is never deleted.

mod capacity;
mod outdated;
mod placement;
mod pool;
#[cfg(test)]
mod tests;

use lamp_api::v1alpha1::{Database, PartState};
use lamp_cloud::{Kind, Part, State};

use self::placement::Zones;
use self::pool::{Condition, Pool, Replica};
pub(crate) use self::pool::{serves, taken_slots};
use crate::kinds::db_instance::{desired_replica, observed_primary};
use crate::live::tier_view::count;
use crate::observed::held;
use crate::protocol::{Removal, ensure, remove};
use crate::{Draft, Wanted, ailments, parts};

/// Replicas that are made at once share one snapshot of the primary; more would crowd it.
const AT_ONCE: usize = 2;

/// The part that decisions about the pool as a whole are of.
pub(crate) fn pool_part() -> Part {
    Part::new("replicas")
}

/// Plans the read replicas of a database, and reports how many there are.
pub(crate) fn plan_replicas(draft: &mut Draft<'_>, database: &Database) {
    let pool = Pool::observe(draft, database);
    report_foreign(draft, &pool);
    let desired = capacity::desired(draft, database, &pool);
    for replica in &pool.replicas {
        keep(draft, database, replica);
    }
    let kept = pool.of(&Condition::Kept).count();
    if kept < usize::try_from(desired).unwrap_or(usize::MAX) {
        create(draft, database, &pool, desired);
    }
    if draft.input.holds.stack.is_none() {
        remove_one(draft, database, &pool, desired);
    }
    let report = draft.plan.database.get_or_insert_default();
    report.replicas_desired = desired;
    report.replicas_ready = pool.ready();
    report.out_of_pool = pool.out_of_it(database.replicas.max_lag_seconds);
}

/// Brings one replica to what it shall be, or reports why it is left as it is.
fn keep(draft: &mut Draft<'_>, database: &Database, replica: &Replica<'_>) {
    let (part, id) = (&replica.part, replica.row.map(|row| &row.id));
    match &replica.condition {
        // Which of the kept ones goes is known later; to touch it before that would undo its way out.
        Condition::Kept => {}
        Condition::Leaving => {
            remove(draft, part, Kind::DbInstance, "the pool shrinks", &Removal::default());
        }
        Condition::Broken(why) => {
            let reason = format!("{why}; a new replica comes first, then this one is deleted");
            draft.report(part, Kind::DbInstance, id, PartState::Failed, reason);
        }
        Condition::Outdated(why) => {
            let reason = format!("{why}; a new replica comes first, then this one is deleted");
            draft.report(part, Kind::DbInstance, id, PartState::Drifted, reason);
        }
        Condition::Promoted => {
            let reason =
                "it was promoted by hand and holds data of its own: delete or keep it yourself".to_owned();
            draft.block(part, Kind::DbInstance, id, reason);
        }
        Condition::Unclear => {
            let zone = replica.zone().map(str::to_owned);
            ensure_replica(draft, database, replica.slot, zone);
        }
    }
}

fn ensure_replica(draft: &mut Draft<'_>, database: &Database, slot: u32, zone: Option<String>) {
    let body = desired_replica(&draft.input, database, slot, zone);
    ensure(draft, &Wanted::new(parts::replica(slot), body));
}

/// Makes what is missing, in the lowest free slots, once the primary can be copied.
fn create(draft: &mut Draft<'_>, database: &Database, pool: &Pool<'_>, desired: u32) {
    let slots = pool.slots_to_fill(desired, database.replicas.max(), AT_ONCE);
    let obstacle = why_not_create(draft);
    let mut zones = Zones::of(draft, pool);
    for slot in slots {
        let part = parts::replica(slot);
        match &obstacle {
            Some(why) => {
                draft.wanted.insert(part.clone());
                draft.report(&part, Kind::DbInstance, None, PartState::Waiting, why.clone());
            }
            None => {
                let zone = zones.next();
                ensure_replica(draft, database, slot, zone);
            }
        }
    }
}

/// Why no replica can be made now: RDS copies only a primary that is available and has backups.
fn why_not_create(draft: &Draft<'_>) -> Option<String> {
    let primary = parts::database();
    let ready = held(&draft.input, &primary, Kind::DbInstance).is_some_and(|row| ailments::serves(row));
    let backups = observed_primary(&draft.input).is_some_and(|body| body.backup_retention_days > 0);
    if !ready {
        Some(format!("waiting for {primary}"))
    } else if !backups {
        Some(format!("waiting for {primary} to have backups"))
    } else {
        None
    }
}

/// Lets one replica go, if there are too many or one is replaced; the others are kept as they shall be.
fn remove_one(draft: &mut Draft<'_>, database: &Database, pool: &Pool<'_>, desired: u32) {
    let leaving = pool.of(&Condition::Leaving).next().is_some();
    // While the primary is restarted or lost, each replica that can be read counts, and may be the next primary.
    let primary = held(&draft.input, &parts::database(), Kind::DbInstance);
    let waits = leaving || !primary.is_some_and(|row| ailments::serves(row));
    let victim = if waits { None } else { victim(database, pool, desired) };
    let victim_part = victim.as_ref().map(|(replica, _)| replica.part.clone());
    let mut zones = Zones::of(draft, pool);
    for replica in pool.of(&Condition::Kept).filter(|replica| Some(&replica.part) != victim_part.as_ref()) {
        keep_serving(draft, database, replica, &mut zones);
    }
    if let Some((replica, reason)) = victim {
        let replaced = matches!(replica.condition, Condition::Broken(_) | Condition::Outdated(_));
        draft.wanted.insert(replica.part.clone());
        draft.decide(
            &replica.part,
            if replaced { "ReplaceReplica" } else { "RemoveReplica" },
            reason.clone(),
        );
        remove(draft, &replica.part, Kind::DbInstance, &reason, &Removal::default());
    }
}

/// Makes a kept replica again if it was lost, and puts right what differs. A failed one is not judged by one look.
fn keep_serving(draft: &mut Draft<'_>, database: &Database, replica: &Replica<'_>, zones: &mut Zones) {
    match replica.row {
        Some(row) if matches!(row.state, State::Failed(_)) => {
            let reason = "AWS says that it failed; a later reading must agree".to_owned();
            draft.report(&replica.part, Kind::DbInstance, Some(&row.id), PartState::Failed, reason);
        }
        Some(_) => ensure_replica(draft, database, replica.slot, replica.zone().map(str::to_owned)),
        None => ensure_replica(draft, database, replica.slot, zones.next()),
    }
}

/// The replica that goes now, and why: one whose replacement is ready, or one too many.
fn victim<'p, 'a>(
    database: &Database,
    pool: &'p Pool<'a>,
    desired: u32,
) -> Option<(&'p Replica<'a>, String)> {
    let kept = count(pool.of(&Condition::Kept));
    let all_ready = pool.of(&Condition::Kept).all(|replica| replica.ready);
    let room = !pool.slots_to_fill(desired, database.replicas.max(), 1).is_empty();
    let replaced = all_ready && (kept >= desired || (!room && kept > 0));
    if let Some((replica, why)) = pool.to_replace() {
        let reason = || format!("{why}; {} others are ready in its place", pool.ready());
        return replaced.then(|| (replica, reason()));
    }
    let surplus = pool.least_needed().filter(|_| kept > desired)?;
    let least = database.replicas.min.saturating_sub(1);
    let enough = !surplus.ready || pool.ready() > least;
    let reason = format!("{kept} replicas, {desired} are wanted");
    enough.then_some((surplus, reason))
}

/// Names replicas of the primary that this stack did not make: they are left alone.
fn report_foreign(draft: &mut Draft<'_>, pool: &Pool<'_>) {
    let foreign = pool.foreign(&draft.input);
    if !foreign.is_empty() {
        let reason = format!("replicas that somebody else made are left alone: {}", foreign.join(", "));
        draft.decide(&pool_part(), "Hold", reason);
    }
}
