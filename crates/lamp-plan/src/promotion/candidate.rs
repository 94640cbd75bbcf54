//! Which replica takes the place of a lost primary: the one that was least behind.

use lamp_api::v1alpha1::Database;
use lamp_cloud::{Kind, LedgerEntry, Part, Reference, ResourceId, State};

use crate::observed::held;
use crate::{PlanInput, parts};

/// A replica that may be promoted.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Candidate {
    pub(super) part: Part,
    pub(super) id: ResourceId,
    /// How far it was behind when the primary was lost, in seconds.
    pub(super) lag: Option<u32>,
}

/// The best replica; or of each why it may not be promoted.
pub(super) fn best(input: &PlanInput<'_>, database: &Database, from: &str) -> Result<Candidate, String> {
    let slots = input.ledger.keys().filter(|part| parts::replica_slot(part).is_some());
    let (mut fit, mut unfit) = (Vec::new(), Vec::new());
    for part in slots {
        match judge(input, database, part, from) {
            Ok(candidate) => fit.push(candidate),
            Err(why) => unfit.push(format!("{part}: {why}")),
        }
    }
    fit.sort_by_key(|one| (one.lag, parts::replica_slot(&one.part)));
    fit.into_iter().next().ok_or_else(|| match unfit.is_empty() {
        true => "there is no replica".to_owned(),
        false => unfit.join("; "),
    })
}

/// Whether the replica of a part may be promoted without force.
pub(super) fn judge(
    input: &PlanInput<'_>,
    database: &Database,
    part: &Part,
    from: &str,
) -> Result<Candidate, String> {
    let row = held(input, part, Kind::DbInstance).ok_or("there is no such replica")?;
    let lamp_cloud::Body::DbInstance(body) = &row.body else { return Err("it is no database".to_owned()) };
    if row.state != State::Ready {
        return Err(format!("it is {}", body.facts.status));
    }
    match body.source.as_ref().and_then(Reference::as_id) {
        Some(source) if source == from => {}
        Some(source) => return Err(format!("it replicates {source}")),
        None => return Err("it replicates nothing: it can be written already".to_owned()),
    }
    if let Some(word @ ("error" | "stopped" | "terminated")) = body.facts.replication.as_deref() {
        return Err(format!("its replication is in state {word}"));
    }
    let loss = input.ledger.get(&parts::database()).and_then(LedgerEntry::lost);
    let lag = loss.filter(|loss| loss.id == from).and_then(|loss| loss.lags.get(&row.id)).copied();
    let most = database.replicas.max_lag_seconds;
    match lag {
        None => Err("how far it was behind is not known".to_owned()),
        Some(lag) if lag > most => Err(format!("it was {lag} s behind, and {most} s are allowed")),
        Some(lag) => Ok(Candidate { part: part.clone(), id: row.id.clone(), lag: Some(lag) }),
    }
}

/// The replica of a part that a person named with force: all that it must be is there.
pub(super) fn forced(input: &PlanInput<'_>, part: &Part) -> Result<Candidate, String> {
    let row = held(input, part, Kind::DbInstance).filter(|_| parts::replica_slot(part).is_some());
    let row = row.ok_or_else(|| format!("{part} is no replica of this stack"))?;
    match &row.state {
        State::Ready => Ok(Candidate { part: part.clone(), id: row.id.clone(), lag: None }),
        state => Err(format!("{part} is not available: {state:?}")),
    }
}
