//! A person's order to let the standby take over: checked, sent once, and watched to its end.

use std::time::Duration;

use lamp_api::v1alpha1::{Mode, OperationKind, OperationPhase, PartState};
use lamp_cloud::kinds::db_instance::{Change as DatabaseChange, DbInstance};
use lamp_cloud::{Body, Change, Kind, Outcome, Part, Request, Resource, State, token};

use crate::observed::held;
use crate::{Action, Draft, Effect, Order, OrderReport, PlanInput, parts, promotion};

/// RDS shows within this time that it was asked for a failover.
const SHOWN_AFTER: Duration = Duration::from_secs(60);

/// Carries out an order to fail over, or says why it is not carried out.
pub(crate) fn plan_failover(draft: &mut Draft<'_>) {
    let Some(order) = draft.input.order.filter(|order| order.operation == OperationKind::Failover) else {
        return;
    };
    let report = match follow(draft, order) {
        Some(report) => report,
        None => begin(draft, order),
    };
    if report.phase == OperationPhase::Running {
        let database = draft.plan.database.get_or_insert_default();
        database.operation = Some(format!("failover ({}): {}", order.name, report.message));
    }
    draft.plan.order = Some(report);
}

fn said(phase: OperationPhase, message: impl Into<String>) -> OrderReport {
    OrderReport { phase, message: message.into() }
}

/// What came of an order that was sent, or may have been.
fn follow(draft: &mut Draft<'_>, order: &Order) -> Option<OrderReport> {
    let part = parts::database();
    let row = held(&draft.input, &part, Kind::DbInstance).cloned();
    let entry = draft.entry(&part)?;
    let is_it =
        |request: &Request| row.as_ref().is_some_and(|row| *request == self::request(draft, order, row));
    if entry.open.as_ref().is_some_and(|open| is_it(&open.request)) {
        return Some(said(OperationPhase::Running, "whether RDS heard of it is not known yet"));
    }
    let last = entry.last.as_ref().filter(|last| is_it(&last.request));
    let Some(last) = last else {
        let why = "RDS was asked, and did not answer; its events, and the zone of the primary, say whether it did it";
        return order.accepted.then(|| said(OperationPhase::Refused, why));
    };
    if let Outcome::Failed(error) = &last.outcome {
        return Some(said(OperationPhase::Refused, error.to_string()));
    }
    let shown_at = last.at + SHOWN_AFTER;
    let over =
        row.as_ref().is_some_and(|row| row.is_ready()) && draft.input.inventory.observed_at() >= shown_at;
    if over {
        let zone =
            row.as_ref().and_then(|row| body(row)).and_then(|body| body.zone.clone()).unwrap_or_default();
        return Some(said(
            OperationPhase::Done,
            format!("the standby took over; the primary stands in {zone}"),
        ));
    }
    draft.look_at(shown_at.max(draft.input.now));
    Some(said(OperationPhase::Running, "the standby takes over"))
}

fn begin(draft: &mut Draft<'_>, order: &Order) -> OrderReport {
    let part = parts::database();
    let row = held(&draft.input, &part, Kind::DbInstance).cloned();
    match row
        .as_ref()
        .ok_or_else(|| "the stack has no database that is there".to_owned())
        .and_then(|row| admit(draft, &part, row).map(|()| row))
    {
        Err(why) => said(OperationPhase::Refused, why),
        Ok(row) => {
            send(draft, &part, row, order);
            said(OperationPhase::Running, "the standby takes over")
        }
    }
}

/// Everything that must be so before the database is interrupted.
fn admit(draft: &Draft<'_>, part: &Part, row: &Resource) -> Result<(), String> {
    let input = &draft.input;
    let body = body(row).ok_or("it is no database")?;
    if input.spec.mode != Mode::Enforce {
        return Err(format!("spec.mode is {:?}: nothing is changed", input.spec.mode));
    }
    if promotion::under_way(input).is_some() {
        return Err("a replica is being promoted".to_owned());
    }
    if !body.multi_zone {
        return Err(format!("{} has no standby: spec.database.multiZone is false", row.id));
    }
    if body.facts.status != "available" {
        return Err(format!("{} is {}: a failover needs it to be available", row.id, body.facts.status));
    }
    if !body.facts.pending_changes.is_empty() {
        return Err(format!("{} waits for a change of {}", row.id, body.facts.pending_changes.join(", ")));
    }
    if draft.acts_on(part) || input.ledger.get(part).is_some_and(|entry| entry.open.is_some()) {
        return Err(format!("{} is just being changed", row.id));
    }
    busy_replica(input).map_or(Ok(()), Err)
}

/// A replica that is being changed, or that a restart is to reach first.
fn busy_replica(input: &PlanInput<'_>) -> Option<String> {
    let slots = input.ledger.keys().filter(|part| parts::replica_slot(part).is_some());
    let rows = slots.filter_map(|part| Some((part, held(input, part, Kind::DbInstance)?)));
    rows.into_iter().find_map(|(part, row)| {
        let waits = body(row).is_some_and(|body| !body.parameters_in_effect || body.awaits_disruption());
        match &row.state {
            State::Pending(word) => Some(format!("{part} is {word}")),
            _ if waits => Some(format!("{part} waits for a restart: replicas go first")),
            _ => None,
        }
    })
}

fn body(row: &Resource) -> Option<&DbInstance> {
    match &row.body {
        Body::DbInstance(body) => Some(body),
        _ => None,
    }
}

/// The call of an order: what was sent for it is known by its token.
fn request(draft: &Draft<'_>, order: &Order, row: &Resource) -> Request {
    let token = token(draft.input.owner, &parts::database(), &format!("failover {}", order.uid), 0);
    let change = Change::DbInstance(DatabaseChange::Reboot { failover: true });
    Request::Change { id: row.id.clone(), token, change }
}

fn send(draft: &mut Draft<'_>, part: &Part, row: &Resource, order: &Order) {
    let reason = format!("ordered by {}: the standby takes over, in one to two minutes", order.name);
    draft.decide(part, "Failover", reason.clone());
    let request = request(draft, order, row);
    draft.report(part, Kind::DbInstance, Some(&row.id), PartState::Progressing, reason.clone());
    draft.act(Action {
        part: part.clone(),
        kind: Kind::DbInstance,
        effect: Effect::Update,
        request,
        reason,
        changes: Vec::new(),
        precondition: None,
    });
}
