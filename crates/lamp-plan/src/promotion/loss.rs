//! Whether the primary is lost: RDS says that it failed, or knows nothing of it, in readings that are minutes apart.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Mode;
use lamp_cloud::{Body, Kind, Loss, MetricName, ResourceId};

use super::instance;
use crate::live::sickness::{self, Verdict};
use crate::observed::{Holding, find};
use crate::{Draft, PlanInput, parts, queries};

/// RDS's word for an instance that it gave up on.
pub(super) const FAILED: &str = "failed";
/// How long it must have looked lost, in at least two readings.
pub(super) const CERTAIN_AFTER: SignedDuration = SignedDuration::from_secs(300);
const OBSERVATIONS: u32 = 2;
/// An older lag says nothing of the moment of the loss.
const LAG_AGE: SignedDuration = SignedDuration::from_secs(300);

/// Counts what this observation says, and notes what looks like a loss, that it is certain, or that it is none any more.
pub(super) fn judge(draft: &mut Draft<'_>) {
    // Nothing is written down where nothing is done.
    if draft.input.spec.mode != Mode::Enforce {
        return;
    }
    let part = parts::database();
    let entry = draft.entry(&part).filter(|entry| entry.completed_at.is_some());
    let Some((entry, id)) = entry.and_then(|entry| Some((entry, entry.id.clone()?))) else { return };
    let verdict = verdict(&draft.input, &id);
    sickness::count(&mut draft.plan.memory.sick, id.clone(), verdict);
    let noted = entry.loss.as_ref().filter(|loss| loss.id == id).cloned();
    if entry.loss.is_some() && (noted.is_none() || matches!(verdict, Verdict::Healthy(_))) {
        draft.plan.losses.insert(part, None);
        return;
    }
    let Some(sickness) = draft.plan.memory.sick.get(&id).cloned() else { return };
    let Some(noted) = noted else {
        let lags = lags(&draft.input, &id, sickness.since);
        let loss = Loss { id, since: sickness.since, lags, is_certain: false };
        draft.plan.losses.insert(part, Some(loss));
        draft.look_at(draft.input.now);
        return;
    };
    if noted.is_certain {
        return;
    }
    if !sickness.is_certain(OBSERVATIONS, CERTAIN_AFTER, draft.input.now) {
        if let Ok(at) = sickness.since.checked_add(CERTAIN_AFTER) {
            draft.look_at(at.max(draft.input.now));
        }
        return;
    }
    draft.decide(&part, "Lost", format!("{id} is lost since {}", noted.since));
    draft.plan.losses.insert(part, Some(Loss { is_certain: true, ..noted }));
    draft.look_at(draft.input.now);
}

fn verdict(input: &PlanInput<'_>, id: &ResourceId) -> Verdict {
    let at = input.inventory.observed_at();
    match find(input, &parts::database(), Kind::DbInstance) {
        Holding::Held(row) if row.id == *id => match &row.body {
            Body::DbInstance(body) if body.facts.status == FAILED => Verdict::Sick(at),
            _ => Verdict::Healthy(at),
        },
        Holding::Absent { .. } if is_gone(input, id) => Verdict::Sick(at),
        _ => Verdict::Unknown,
    }
}

/// Whether RDS, asked for it by its id, knows nothing of it.
pub(super) fn is_gone(input: &PlanInput<'_>, id: &ResourceId) -> bool {
    let listed = instance(input, id).is_some();
    !listed && matches!(input.inventory.described(Kind::DbInstance, id), Some(None))
}

/// How far each instance that replicates it was behind when it was lost. Those that were in the clear are not asked again:
/// nothing replicates what is lost.
fn lags(input: &PlanInput<'_>, primary: &ResourceId, since: Timestamp) -> BTreeMap<ResourceId, u32> {
    let replicas = input.inventory.resources().filter(|row| {
        matches!(&row.body, Body::DbInstance(body)
            if body.source.as_ref().is_some_and(|source| source.as_id() == Some(primary.as_str())))
    });
    replicas.filter_map(|row| Some((row.id.clone(), lag(input, &row.id, since)?))).collect()
}

/// The newest lag of the minutes before a moment.
fn lag(input: &PlanInput<'_>, id: &ResourceId, at: Timestamp) -> Option<u32> {
    let series = input.inventory.region.signals.get(&queries::of_database(id, MetricName::ReplicaLag))?;
    let before = series.points.iter().rev().filter(|(point, _)| *point <= at);
    let is_known = |(point, lag): &&(Timestamp, f64)| {
        at.duration_since(*point) <= LAG_AGE && lag.is_finite() && *lag >= 0.0
    };
    let (_, lag) = before.take_while(|(point, _)| at.duration_since(*point) <= LAG_AGE).find(is_known)?;
    whole_seconds(*lag)
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "bounded just before")]
fn whole_seconds(lag: f64) -> Option<u32> {
    (0.0..=f64::from(u32::MAX)).contains(&lag).then(|| lag.ceil() as u32)
}
