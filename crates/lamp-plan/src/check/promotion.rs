//! Laws of who is the primary: nobody is promoted beside a primary that can be reached, and not again and again.

use std::time::Duration;

use lamp_cloud::kinds::db_instance::{Change as DatabaseChange, DbInstance};
use lamp_cloud::{Body, Change, LedgerEntry, Promotion, Reference, Request};

use super::{Violation, resource, violation};
use crate::{Action, Plan, PlanInput, Precondition, parts};

const HOUR: Duration = Duration::from_secs(3600);

/// Every law of promotions that the plan breaks.
pub(super) fn check(input: &PlanInput<'_>, plan: &Plan) -> Vec<Violation> {
    let promoting = plan.actions.iter().filter_map(|action| Some((action, promoted(action)?)));
    let calls = promoting.filter_map(|(action, id)| fenced(input, action, id));
    let begun = plan.promotions.get(&parts::database());
    let begun = begun.into_iter().filter_map(|promotion| decided(input, promotion));
    calls.chain(begun).collect()
}

fn promoted(action: &Action) -> Option<&str> {
    match &action.request {
        Request::Change { id, change: Change::DbInstance(DatabaseChange::Promote { .. }), .. } => Some(id),
        _ => None,
    }
}

/// What is promoted was decided on in an earlier plan, and the primary before it is gone, or in groups without rules
/// only, which is read again just before the call.
fn fenced(input: &PlanInput<'_>, action: &Action, id: &str) -> Option<Violation> {
    const LAW: &str = "promotion only of the fenced";
    let entry = input.ledger.get(&parts::database());
    let decided = entry.and_then(|entry| entry.promotion.as_ref());
    let Some(decided) = decided.filter(|it| it.ended.is_none() && it.to == id) else {
        return violation(action, LAW, format!("that {id} is promoted was not decided"));
    };
    let Some(Precondition::Promotable { id: read, fences }) = &action.precondition else {
        return violation(action, LAW, "nothing is read again before the call");
    };
    let old = resource(input, &decided.from).and_then(|row| match &row.body {
        Body::DbInstance(body) => Some(body),
        _ => None,
    });
    let groups = old.map(|old: &DbInstance| old.security_groups.as_slice()).unwrap_or_default();
    let groups: Vec<&str> = groups.iter().filter_map(Reference::as_id).collect();
    if read != id || groups.iter().any(|group| !fences.iter().any(|fence| fence == group)) {
        return violation(action, LAW, "not everything is read again before the call");
    }
    let open = fences.iter().find(|group| !is_shut(input, group))?;
    violation(action, LAW, format!("{} can be reached by {open}", decided.from))
}

fn is_shut(input: &PlanInput<'_>, group: &str) -> bool {
    let row = resource(input, group);
    row.is_some_and(|row| matches!(&row.body, Body::SecurityGroup(body) if body.ingress.is_empty()))
}

/// One at a time, one an hour by itself, and nothing that is too far behind without a person's word.
fn decided(input: &PlanInput<'_>, new: &Promotion) -> Option<Violation> {
    let entry = input.ledger.get(&parts::database());
    let before = entry.and_then(|entry| entry.promotion.as_ref());
    if new.ended.is_some() || before == Some(new) {
        return None;
    }
    let violation = |law, detail: String| Some(Violation { part: parts::database(), law, detail });
    if let Some(open) = before.filter(|before| before.ended.is_none()) {
        return violation("one promotion at a time", format!("{} is being promoted", open.to));
    }
    let recent = before.filter(|before| input.now < before.began_at + HOUR && new.order.is_none());
    if let Some(recent) = recent {
        return violation("one promotion an hour", format!("{} began at {}", recent.to, recent.began_at));
    }
    let loss = entry.and_then(LedgerEntry::lost).filter(|loss| loss.id == new.from);
    let lag = loss.and_then(|loss| loss.lags.get(&new.to));
    let most = input.spec.database.as_ref().map_or(0, |database| database.replicas.max_lag_seconds);
    let fits = lag.is_some_and(|lag| *lag <= most);
    if fits || new.forced {
        return None;
    }
    violation("no write is lost unsaid", format!("{} was {lag:?} s behind, {most} s are allowed", new.to))
}
