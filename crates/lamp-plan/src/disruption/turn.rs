//! Whose turn it is: replicas one at a time, the next when the last one serves again, and the primary when all are done.
//! Roles and states are read from AWS each time, as a failover or a hand may have changed them.

use lamp_api::v1alpha1::Database;
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::{Body, Change, Kind, Mutability, Outcome, Part, Request, Resource, State};

use crate::kinds::db_instance::{desired_replica, wanted};
use crate::observed::held;
use crate::protocol::differences;
use crate::{PlanInput, Wanted, parts, replicas};

/// An instance of the database that stands.
#[derive(Debug)]
struct Member<'a> {
    part: Part,
    row: &'a Resource,
    body: &'a DbInstance,
    /// Whether it is still to be interrupted.
    needs: bool,
    serves: bool,
}

/// What `part` waits for, if it is not its turn.
pub(super) fn obstacle(input: &PlanInput<'_>, database: &Database, part: &Part) -> Option<String> {
    let members = members(input, database);
    let others = || members.iter().filter(|member| member.part != *part);
    if let Some(busy) = others().find(|member| is_under_way(input, member)) {
        return Some(format!("{}, on which RDS is at work", busy.part));
    }
    let candidates = || members.iter().filter(|member| is_candidate(member));
    let done = others().filter(|member| !is_candidate(member) || member.part == parts::database());
    if let Some(down) = done.into_iter().find(|member| !member.serves) {
        return Some(format!("{} to serve", down.part));
    }
    // One that does not serve is missed least.
    match candidates().min_by_key(|member| (member.serves, slot(member))) {
        Some(first) if first.part == *part => None,
        Some(first) => Some(format!("{}, which goes first", first.part)),
        None => Some("its replication to work".to_owned()),
    }
}

/// Whether our last call for a part interrupts it, and readings may not show that yet.
pub(super) fn is_ours(input: &PlanInput<'_>, part: &Part) -> bool {
    let Some(entry) = input.ledger.get(part) else { return false };
    let open = entry.open.as_ref().is_some_and(|intent| is_disruptive(&intent.request));
    let lately = entry.last.as_ref().is_some_and(|last| {
        let visible_at = last.at + input.settings.consistency_window;
        let done = last.outcome == Outcome::Done && is_disruptive(&last.request);
        done && input.inventory.observed_at() < visible_at
    });
    open || lately
}

fn is_disruptive(request: &Request) -> bool {
    matches!(request, Request::Change { change: Change::DbInstance(change), .. } if change.is_disruptive())
}

/// The primary and its replicas, as far as they are ours. What is on its way out, or was promoted, does not count.
fn members<'a>(input: &PlanInput<'a>, database: &Database) -> Vec<Member<'a>> {
    let slots = input.ledger.keys().filter_map(parts::replica_slot);
    let replicas = slots.filter_map(|slot| {
        let zone = None;
        let wanted = Wanted::new(parts::replica(slot), desired_replica(input, database, slot, zone));
        member(input, database, &wanted).filter(|member| member.body.is_replica())
    });
    let primary = member(input, database, &wanted(input, database));
    replicas.chain(primary).collect()
}

fn member<'a>(input: &PlanInput<'a>, database: &Database, wanted: &Wanted) -> Option<Member<'a>> {
    let row: &Resource = held(input, &wanted.part, Kind::DbInstance)?;
    let Body::DbInstance(body) = &row.body else { return None };
    let (differences, _) = differences(input, wanted, row);
    let needs = differences.iter().any(|difference| difference.mutability == Mutability::Disruptive);
    let serves = if body.is_replica() { replicas::serves(input, database, row) } else { row.is_ready() };
    let member = Member { part: wanted.part.clone(), row, body, needs, serves };
    (row.state != State::Deleting).then_some(member)
}

/// Whether it is being interrupted, or may be: a call that is not visible yet counts.
fn is_under_way(input: &PlanInput<'_>, member: &Member<'_>) -> bool {
    let unseen = member.needs && is_ours(input, &member.part);
    let open = input.ledger.get(&member.part).and_then(|entry| entry.open.as_ref());
    let open = open.is_some_and(|intent| is_disruptive(&intent.request));
    open || unseen || member.body.awaits_disruption() || matches!(member.row.state, State::Pending(_))
}

/// Whether it can be interrupted next. One whose replication is broken is replaced, and not changed.
fn is_candidate(member: &Member<'_>) -> bool {
    let broken = member.body.facts.replication.as_deref().is_some_and(|word| word != "replicating");
    member.needs && member.row.is_ready() && !broken
}

/// Replicas by slot, and the primary after them.
fn slot(member: &Member<'_>) -> u32 {
    parts::replica_slot(&member.part).unwrap_or(u32::MAX)
}
