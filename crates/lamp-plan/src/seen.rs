//! What AWS changes by itself on an instance of the database: its zone, when the standby takes over, and its size. What was
//! seen last stands in the record, so that a change is told once, whichever process sees it.

use lamp_api::v1alpha1::Mode;
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::{Body, Kind, Part, Resource, Seen};

use crate::observed::held;
use crate::protocol::is_stale;
use crate::{Draft, parts};

/// Notes how the instances of the database are seen.
pub(crate) fn note(draft: &mut Draft<'_>) {
    // Nothing is written down where nothing is done.
    if draft.input.spec.mode != Mode::Enforce {
        return;
    }
    let replicas: Vec<Part> =
        draft.input.ledger.keys().filter(|part| parts::replica_slot(part).is_some()).cloned().collect();
    for part in replicas.into_iter().chain([parts::database()]) {
        if let Some(row) = held(&draft.input, &part, Kind::DbInstance).filter(|row| row.is_ready()) {
            note_one(draft, &part, &row.clone());
        }
    }
}

fn note_one(draft: &mut Draft<'_>, part: &Part, row: &Resource) {
    let Body::DbInstance(body) = &row.body else { return };
    if is_stale(draft, part) {
        return;
    }
    let before = draft.entry(part).and_then(|entry| entry.seen.as_ref()).filter(|seen| seen.id == row.id);
    let grown = before.is_some_and(|before| body.storage_gib > before.storage_gib);
    let grown_at = if grown { Some(draft.input.now) } else { before.and_then(|before| before.grown_at) };
    let seen = Seen { id: row.id.clone(), zone: body.zone.clone(), storage_gib: body.storage_gib, grown_at };
    if Some(&seen) == before {
        return;
    }
    if let Some(before) = before {
        tell_zones(draft, part, before, body);
    }
    draft.plan.seen.insert(part.clone(), seen);
}

fn tell_zones(draft: &mut Draft<'_>, part: &Part, before: &Seen, body: &DbInstance) {
    if let (Some(old), Some(new)) = (&before.zone, &body.zone)
        && old != new
    {
        draft.decide(
            part,
            "FailedOver",
            format!("the standby took over: it stands in {new}, and stood in {old}"),
        );
    }
}
