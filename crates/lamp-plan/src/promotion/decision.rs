//! Whether a promotion begins: on a person's order, or where the spec says so, never twice within an hour by itself.

use jiff::Timestamp;
use lamp_api::v1alpha1::{Database, Mode, OperationKind, OperationPhase, PromotionPolicy};
use lamp_cloud::{Kind, LedgerEntry, Part, Promotion, ResourceId, State};

use super::candidate::{self, Candidate};
use super::{last, loss};
use crate::observed::held;
use crate::{Draft, Order, OrderReport, ailments, parts};

/// After one promotion there is none by itself for so long: what is lost again has another cause.
const PAUSE: std::time::Duration = std::time::Duration::from_secs(3600);

/// Begins a promotion, or says why not.
pub(super) fn decide(draft: &mut Draft<'_>, database: &Database) {
    let order = draft.input.order.filter(|order| order.operation == OperationKind::Promote);
    if let Some(order) = order {
        return consider(draft, database, order);
    }
    let Some(loss) = draft.entry(&parts::database()).and_then(|entry| entry.lost().cloned()) else { return };
    if draft.plan.losses.contains_key(&parts::database()) {
        return;
    }
    match database.promotion {
        PromotionPolicy::Manual => name(draft, &loss.id, "spec.database.promotion is Manual"),
        PromotionPolicy::Automatic => automatic(draft, database, &loss.id),
    }
}

fn automatic(draft: &mut Draft<'_>, database: &Database, from: &ResourceId) {
    if draft.input.spec.mode != Mode::Enforce {
        return;
    }
    let pause = last(&draft.input).map(|last| last.began_at + PAUSE).filter(|until| draft.input.now < *until);
    if let Some(until) = pause {
        draft.look_at(until);
        let why = format!("a replica was promoted within the last hour: none is by itself until {until}");
        return name(draft, from, &why);
    }
    match candidate::best(&draft.input, database, from) {
        Ok(found) => begin(draft, from, &found, None),
        Err(why) => name(draft, from, &format!("no replica may take its place: {why}")),
    }
}

/// Writes down what is going to be done. Nothing is done before that is on disk.
fn begin(draft: &mut Draft<'_>, from: &ResourceId, found: &Candidate, order: Option<&Order>) {
    let number = last(&draft.input).map_or(0, Promotion::generation).saturating_add(1);
    let promotion = Promotion {
        number,
        from: from.clone(),
        to: found.id.clone(),
        part: found.part.clone(),
        order: order.map(|order| order.uid.clone()),
        forced: order.is_some_and(|order| order.force),
        began_at: draft.input.now,
        ended: None,
    };
    let lag = found.lag.map(|lag| format!(", which was at most {lag} s behind")).unwrap_or_default();
    let word = order.map_or_else(
        || "spec.database.promotion is Automatic".to_owned(),
        |order| format!("ordered by {}", order.name),
    );
    let reason = format!("{} ({}){lag}, takes the place of {from}: {word}", found.part, found.id);
    draft.decide(&parts::database(), "Promote", reason);
    draft.plan.promotions.insert(parts::database(), promotion);
    draft.look_at(draft.input.now);
}

/// Says of a lost primary what a person can do.
fn name(draft: &mut Draft<'_>, from: &ResourceId, why: &str) {
    let part = parts::database();
    if !draft.input.ledger.keys().any(|part| parts::replica_slot(part).is_some()) {
        return;
    }
    let before = draft.plan.parts.get(&part).and_then(|report| report.reason.clone()).unwrap_or_default();
    let how = format!("`lampctl promote {}` lets a replica take its place", draft.input.owner.name);
    draft.block(&part, Kind::DbInstance, Some(from), format!("{before}; {why}: {how}"));
    let report = draft.plan.database.get_or_insert_default();
    report.reasons.insert(part, "DatabaseLost".to_owned());
}

/// An order that was not begun yet.
fn consider(draft: &mut Draft<'_>, database: &Database, order: &Order) {
    // The promotion of an order that ended is known by its record.
    if let Some(done) = last(&draft.input).filter(|last| last.order.as_deref() == Some(order.uid.as_str())) {
        let done = done.clone();
        return answer_order(draft, &done);
    }
    let report = match admit(draft, database, order) {
        Ok((from, found)) => {
            begin(draft, &from, &found, Some(order));
            OrderReport { phase: OperationPhase::Running, message: format!("{} takes over", found.part) }
        }
        Err(Refusal::Never(why)) => OrderReport { phase: OperationPhase::Refused, message: why },
        Err(Refusal::NotYet(why)) => OrderReport { phase: OperationPhase::Pending, message: why },
    };
    draft.plan.order = Some(report);
}

/// Why an order is not begun.
enum Refusal {
    Never(String),
    NotYet(String),
}

fn admit(draft: &Draft<'_>, database: &Database, order: &Order) -> Result<(ResourceId, Candidate), Refusal> {
    let input = &draft.input;
    if input.spec.mode != Mode::Enforce {
        return Err(Refusal::Never(format!("spec.mode is {:?}: nothing is changed", input.spec.mode)));
    }
    let entry = input.ledger.get(&parts::database());
    let from = entry.and_then(|entry| entry.id.clone());
    let from = from.ok_or_else(|| Refusal::Never("the stack has no database yet".to_owned()))?;
    if !order.force {
        is_lost(draft, &from)?;
    }
    let found = match &order.replica {
        Some(part) if order.force => candidate::forced(input, part),
        Some(part) => candidate::judge(input, database, part, &from).map_err(|why| with_part(part, &why)),
        None => candidate::best(input, database, &from),
    };
    let found = found.map_err(|why| {
        Refusal::Never(format!("{why}. `--replica replica/N --force` promotes one all the same"))
    })?;
    Ok((from, found))
}

fn with_part(part: &Part, why: &str) -> String {
    format!("{part}: {why}")
}

/// Whether the primary is lost, as far as a person who does not force anything needs it to be.
fn is_lost(draft: &Draft<'_>, from: &ResourceId) -> Result<(), Refusal> {
    let input = &draft.input;
    let noted = input.ledger.get(&parts::database()).and_then(LedgerEntry::lost);
    if noted.is_some_and(|loss| loss.id == *from) {
        return Ok(());
    }
    let row = held(input, &parts::database(), Kind::DbInstance);
    let body = row.and_then(|row| match &row.body {
        lamp_cloud::Body::DbInstance(body) => Some(body),
        _ => None,
    });
    match (row.map(|row| &row.state), body) {
        (_, Some(body)) if ailments::is_passing(body) => Err(Refusal::Never(format!(
            "{from} is {}: RDS is at work on it, and its standby may take over; wait for that",
            body.facts.status
        ))),
        (Some(State::Ready | State::Pending(_)), _) => Err(Refusal::Never(format!(
            "{from} is there: a promotion would lose what no replica has yet. `lampctl failover` lets a standby take over; \
             `--replica replica/N --force` promotes all the same"
        ))),
        (Some(State::Failed(word)), _) if word != loss::FAILED => Err(Refusal::Never(format!(
            "{from} is {word}, which a person can mend: {}. `--replica replica/N --force` promotes all the same",
            ailments::remedy(word).unwrap_or("see its events")
        ))),
        _ => Err(Refusal::NotYet(format!(
            "whether {from} is lost is certain after {}",
            certain_at(draft, from)
        ))),
    }
}

fn certain_at(draft: &Draft<'_>, from: &ResourceId) -> Timestamp {
    let since = draft.plan.memory.sick.get(from).map_or(draft.input.now, |sickness| sickness.since);
    since.checked_add(loss::CERTAIN_AFTER).unwrap_or(since)
}

/// What an order hears of its promotion.
pub(super) fn answer_order(draft: &mut Draft<'_>, promotion: &Promotion) {
    let Some(order) = draft.input.order else { return };
    let ended = draft.plan.promotions.get(&parts::database()).unwrap_or(promotion).ended;
    let sentence = || {
        let report = draft.plan.database.as_ref();
        report.and_then(|report| report.operation.clone()).unwrap_or_else(|| "it is under way".to_owned())
    };
    let is_its = promotion.order.as_deref() == Some(order.uid.as_str());
    let (phase, message) = match ended {
        _ if !is_its => (OperationPhase::Pending, format!("another one goes first: {}", sentence())),
        None => (OperationPhase::Running, sentence()),
        Some(end) if end.done => (
            OperationPhase::Done,
            format!("{} is the primary, in the place of {}", promotion.to, promotion.from),
        ),
        Some(_) => {
            let why = format!(
                "called off before anything was promoted: see the events of {}",
                draft.input.owner.name
            );
            (OperationPhase::Refused, why)
        }
    };
    draft.plan.order = Some(OrderReport { phase, message });
}
