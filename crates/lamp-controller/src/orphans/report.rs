//! Answers `OrphanReport` objects: what carries our tags, and belongs to no stack?

use lamp_api::Time;
use lamp_api::v1alpha1::{OrphanReportSpec, OrphanReportStatus, OrphanedResource, PlanPhase};
use lamp_cloud::{Cloud, Kind};
use lamp_store::Stored;
use serde::Deserialize;

use super::{Orphan, judge};
use crate::engine::Shared;

/// Lists them; `None` while there is no observation that is young enough.
pub(crate) fn respond<C: Cloud>(shared: &Shared<C>, stored: &Stored) -> Option<OrphanReportStatus> {
    let observed = shared.young()?;
    let question = match OrphanReportSpec::deserialize(&stored.object["spec"]) {
        Ok(question) => question,
        Err(error) => return Some(failed(format!("the question cannot be read: {error}"))),
    };
    if let Err(why) = shared.check_region(question.region.as_deref()) {
        return Some(failed(why));
    }
    let orphans = shared.orphans();
    let asked = |row: &&Orphan| question.uid.as_ref().is_none_or(|uid| *uid == row.uid);
    let mut rows: Vec<OrphanedResource> =
        orphans.rows.iter().filter(asked).map(|row| shown(shared, row)).collect();
    rows.sort_by(|a, b| (&a.stack, &a.uid, &a.part, &a.id).cmp(&(&b.stack, &b.uid, &b.part, &b.id)));
    let unread = |kind: &&Kind| observed.region.unknown(kind.listing()).is_some();
    Some(OrphanReportStatus {
        phase: PlanPhase::Answered,
        observed_time: Some(Time(observed.region.observed_at)),
        orphans: rows,
        unread: Kind::ALL.iter().filter(unread).map(|kind| kind.name().to_owned()).collect(),
        message: None,
    })
}

fn shown<C: Cloud>(shared: &Shared<C>, row: &Orphan) -> OrphanedResource {
    OrphanedResource {
        uid: row.uid.clone(),
        stack: row.stack.clone(),
        part: row.part.to_string(),
        kind: row.kind.name().to_owned(),
        id: row.id.clone(),
        region: shared.calls.region().to_owned(),
        seen_since: Time(row.seen_since),
        deletable: shared.clock.now() >= judge::deletable_at(row, shared.settings.plan.consistency_window),
    }
}

fn failed(message: String) -> OrphanReportStatus {
    OrphanReportStatus { phase: PlanPhase::Failed, message: Some(message), ..OrphanReportStatus::default() }
}
