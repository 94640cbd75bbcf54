//! Primaries in whose place replicas were promoted: kept, shut off, and named until a person deletes them.

use std::time::Duration;

use lamp_api::v1alpha1::{FormerPrimary, PartState};
use lamp_cloud::{Body, Kind, Part};

use super::stages::stand_in;
use crate::observed::held;
use crate::protocol::{Removal, remove};
use crate::status::seconds;
use crate::{Draft, parts};

/// So long at least: it may have data that no replica had.
const KEPT: Duration = Duration::from_secs(24 * 3600);

/// Keeps former primaries as they are, and says so.
pub(crate) fn plan_formers(draft: &mut Draft<'_>) {
    let recorded = draft.input.ledger.keys().filter(|part| parts::former_number(part).is_some());
    for part in recorded.cloned().collect::<Vec<_>>() {
        draft.wanted.insert(part.clone());
        keep(draft, &part);
    }
}

fn keep(draft: &mut Draft<'_>, part: &Part) {
    let Some(row) = held(&draft.input, part, Kind::DbInstance).cloned() else {
        // Who deleted it was a person; its record goes when AWS says that it is gone.
        if remove(draft, part, Kind::DbInstance, "somebody deleted it", &Removal::default()) {
            draft.plan.parts.remove(part);
        }
        return;
    };
    let Body::DbInstance(body) = &row.body else { return };
    let since = draft.entry(part).and_then(|entry| entry.created_at).unwrap_or(draft.input.now);
    let keep_until = since + KEPT;
    let reason = format!(
        "a replica took its place; nobody reaches it. Keep it until {}, then take what you need, and delete it with a final \
         snapshot",
        seconds(keep_until).0
    );
    draft.report(part, Kind::DbInstance, Some(&row.id), PartState::Ready, reason);
    let former = FormerPrimary {
        id: row.id.clone(),
        state: body.facts.status.clone(),
        keep_until_time: seconds(keep_until),
    };
    draft.plan.database.get_or_insert_default().former_primaries.push(former);
    let Some(number) = parts::former_number(part) else { return };
    let fence = parts::database_security_group_after(number.saturating_sub(1));
    let fence = held(&draft.input, &fence, Kind::SecurityGroup).map(|group| group.id.clone());
    if let Some(fence) = fence.filter(|_| row.is_ready()) {
        stand_in(draft, part, &row, body, &fence);
    }
}
