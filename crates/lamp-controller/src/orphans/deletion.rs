//! Carries out an `OrphanDeletion`: the way of every deletion, for exactly what a person named. The order in the store is
//! the second key; with it each resource goes into the records before anything is done, so that a restart goes on there.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use lamp_api::Time;
use lamp_api::v1alpha1::{
    Breakers, DeletionPolicy, LampStackSpec, Mode, Network, OrphanDeletionPhase, OrphanDeletionSpec,
    OrphanDeletionStatus, RefusedResource,
};
use lamp_cloud::{Cloud, Inventory, Kind, Request, ResourceId};
use lamp_plan::{Adoption, Holds, Ledger, Memory, Plan, PlanInput, Settlement, priority};
use lamp_store::{Key, Preconditions, StoreError};
use serde_json::Value;

use super::judge::{Evidence, Verdict, judge};
use super::order::{Order, orders};
use super::{Orphan, order};
use crate::engine::Shared;
use crate::execute::{Executed, Mandate, execute};
use crate::ledger::{self, LedgerError};
use crate::observer::Observed;
use crate::reconcile::Fault;
use crate::report;
use crate::requeue::{Next, Requeue, requeue};
use crate::stack::modify;
use crate::time::until;

/// How long an order that ended is kept, for whoever wants to know how it ended.
const TIME_TO_LIVE: Duration = Duration::from_secs(24 * 3600);

/// Brings one order a step further.
pub(crate) async fn work<C: Cloud>(shared: &Shared<C>, key: &Key) -> Requeue {
    let next = step(shared, key).await.unwrap_or_else(|fault| {
        tracing::warn!(%key, %fault, "an order to delete orphans could not be carried out");
        Next::Failed(fault.to_string())
    });
    requeue(next, shared.clock.now(), shared.settings.observe_period)
}

async fn step<C: Cloud>(shared: &Shared<C>, key: &Key) -> Result<Next, Fault> {
    let Some(stored) = shared.store.get(key)? else { return Ok(Next::Idle) };
    let order = Order::decode(&stored, &shared.install);
    // It is being deleted itself: nothing more is done, whatever finalizers hold it.
    if order.identity.deleting {
        return Ok(Next::Idle);
    }
    match (&order.spec, order.status.phase) {
        (_, OrphanDeletionPhase::Deleted | OrphanDeletionPhase::Refused) => retire(shared, &order).await,
        (Err(why), _) => refuse(shared, &order, format!("the order cannot be read: {why}"), Vec::new()).await,
        (Ok(spec), OrphanDeletionPhase::Pending) => consider(shared, &order, spec).await,
        (Ok(spec), OrphanDeletionPhase::Deleting) => carry_out(shared, &order, spec).await,
    }
}

/// Accepts an order, or refuses it with everything that is wrong.
async fn consider<C: Cloud>(
    shared: &Shared<C>,
    order: &Order,
    spec: &OrphanDeletionSpec,
) -> Result<Next, Fault> {
    if let Err(why) = shared.check_region(spec.region.as_deref()) {
        return refuse(shared, order, why, Vec::new()).await;
    }
    let Some(observed) = shared.young() else { return Ok(Next::Observe) };
    let (orphans, stacks) = (shared.orphans(), shared.every_stack()?);
    let evidence = Evidence {
        observed: &observed,
        orphans: &orphans,
        stacks: &stacks,
        window: shared.settings.plan.consistency_window,
        now: shared.clock.now(),
    };
    match judge(spec, evidence) {
        Verdict::Accepted(rows) => accept(shared, order, spec, &rows).await,
        Verdict::Refused(rows) => {
            let message =
                format!("nothing is deleted: {} of {} may not be", rows.len(), spec.resources.len());
            refuse(shared, order, message, rows).await
        }
        Verdict::Unknown(why) => say(shared, order, why).await,
    }
}

/// Puts what is named into the records, and only then says so.
async fn accept<C: Cloud>(
    shared: &Shared<C>,
    order: &Order,
    spec: &OrphanDeletionSpec,
    rows: &[&Orphan],
) -> Result<Next, Fault> {
    let now = shared.clock.now();
    let ledger = ledger::load(&shared.store, &spec.uid)?;
    let recorded: BTreeSet<&ResourceId> = ledger.values().filter_map(|entry| entry.id.as_ref()).collect();
    let unrecorded = rows.iter().filter(|row| !recorded.contains(&row.id));
    // Of several that are one part, the first is recorded now, and each other one after it is gone.
    let settlements = unrecorded.rev().map(|row| (row.part.clone(), taken(row))).collect();
    let plan = Plan { settlements, ..Plan::default() };
    ledger::settle(&shared.store, &spec.uid, ledger.clone(), &plan, now).await?;
    let status = OrphanDeletionStatus {
        phase: OrphanDeletionPhase::Deleting,
        stack: rows.first().map(|row| row.stack.clone()),
        started_time: Some(Time(now)),
        message: Some(format!("{} resources are to be deleted", rows.len())),
        ..OrphanDeletionStatus::default()
    };
    write(shared, order, &status).await?;
    Ok(Next::Again)
}

fn taken(row: &Orphan) -> Settlement {
    Settlement::Adopted(row.kind, row.id.clone())
}

/// Plans, checks and carries out the next safe steps.
async fn carry_out<C: Cloud>(
    shared: &Shared<C>,
    order: &Order,
    spec: &OrphanDeletionSpec,
) -> Result<Next, Fault> {
    if let Some(stack) = shared.every_stack()?.remove(&spec.uid) {
        let message = format!("the stack {stack} is in the store again: nothing more is deleted");
        return refuse(shared, order, message, Vec::new()).await;
    }
    let under_way = orders(&shared.store, &shared.install)?.into_iter().filter(Order::is_under_way);
    let first = under_way.into_iter().find(|other| other.uid() == Some(spec.uid.as_str()));
    if let Some(other) = first.filter(|other| other.key() != order.key()) {
        return say(shared, order, format!("it waits for the order {}", other.key().name)).await;
    }
    let Some(observed) = shared.fresh(&spec.uid) else { return Ok(Next::Observe) };
    let ledger = match ledger::load(&shared.store, &spec.uid) {
        Err(error @ LedgerError::Unreadable { .. }) => return say(shared, order, error.to_string()).await,
        other => other?,
    };
    pursue(shared, order, &observed, &ledger).await
}

async fn pursue<C: Cloud>(
    shared: &Shared<C>,
    order: &Order,
    observed: &Observed,
    whole: &Ledger,
) -> Result<Next, Fault> {
    let (named, owner) = (order.named(), order.owner());
    let uid = owner.uid.as_str();
    let inventory = only(&observed.slice(uid), &named);
    let ledger: Ledger = whole.clone().into_iter().filter(|(_, entry)| names(&named, entry)).collect();
    let spec = spec(shared.calls.region());
    let (adoption, memory) = (adoption(&inventory, &ledger), Memory::default());
    let input = PlanInput {
        owner: &owner,
        spec: &spec,
        generation: order.identity.generation,
        deleting: true,
        confirmed: false,
        requested: None,
        order: None,
        adoption: &adoption,
        holds: &Holds::default(),
        inventory: &inventory,
        ledger: &ledger,
        memory: &memory,
        settings: &shared.settings.plan,
        now: shared.clock.now(),
    };
    let plan = lamp_plan::plan(&input);
    let violations = lamp_plan::check(&input, &plan);
    if !violations.is_empty() {
        return say(shared, order, report::unlawful(&shared.metrics, &violations)).await;
    }
    shared.recollections.change(uid, |recollection| recollection.asks = plan.asks.clone());
    let settled = ledger::settle(&shared.store, uid, ledger.clone(), &plan, input.now).await?;
    let mandate = Mandate { uid, object: &order.identity };
    let ranked = plan.actions.iter().map(|action| (priority(&plan, action, false), action.clone()));
    let executed = execute(shared, mandate, ranked.collect(), &settled).await;
    if executed.was_sent() {
        let needs_pass = shared.passes_started() + 1;
        shared.recollections.change(uid, |recollection| recollection.needs_pass = needs_pass);
    }
    shared.recorder.record(&order.identity, report::happened(&plan, &executed)).await;
    if plan.finished && is_over(observed, &named, uid) {
        return finish(shared, order, observed, uid).await;
    }
    write(shared, order, &under_way(order, &plan, &executed, named.len())).await?;
    match executed.fault {
        Some(fault) => Err(fault.into()),
        None => Ok(report::next(&plan, &executed, settled != ledger, false)),
    }
}

fn names(named: &BTreeSet<(Kind, ResourceId)>, entry: &lamp_cloud::LedgerEntry) -> bool {
    entry.kind.zip(entry.id.clone()).is_some_and(|one| named.contains(&one))
}

/// What is named, and nothing else that carries the same tags: that may have come later.
fn only(slice: &Arc<Inventory>, named: &BTreeSet<(Kind, ResourceId)>) -> Inventory {
    let mut inventory = Inventory::clone(slice);
    for rows in inventory.parts.values_mut() {
        rows.retain(|row| named.contains(&(row.kind(), row.id.clone())));
    }
    inventory.parts.retain(|_, rows| !rows.is_empty());
    inventory
}

/// What of it is not in the records yet: one of several that are the same part.
fn adoption(inventory: &Inventory, ledger: &Ledger) -> Adoption {
    let unrecorded = inventory.parts.iter().filter_map(|(part, rows)| {
        let recorded = ledger.get(part).and_then(|entry| entry.id.as_ref());
        let is_there = rows.iter().any(|row| Some(&row.id) == recorded);
        // The planner takes the one with the smallest id, too.
        let first = rows.iter().map(|row| &row.id).min().filter(|_| !is_there)?;
        Some((part.clone(), first.clone()))
    });
    Adoption { parts: unrecorded.collect(), ..Adoption::default() }
}

/// A spec that wants nothing, and keeps the data of databases in final snapshots.
fn spec(region: &str) -> LampStackSpec {
    LampStackSpec {
        region: region.to_owned(),
        mode: Mode::Enforce,
        deletion_policy: DeletionPolicy::Snapshot,
        network: Network::default(),
        tiers: Vec::new(),
        database: None,
        breakers: Breakers::default(),
        ignore: Vec::new(),
    }
}

/// Whether nothing that is named is there, as far as everything could be listed.
fn is_over(observed: &Observed, named: &BTreeSet<(Kind, ResourceId)>, uid: &str) -> bool {
    let known = named.iter().all(|(kind, _)| observed.region.unknown(kind.listing()).is_none());
    let mut tagged = observed.tagged.iter().filter(|(owner, ..)| owner == uid);
    known && !tagged.any(|(_, _, kind, id)| named.contains(&(*kind, id.clone())))
}

async fn finish<C: Cloud>(
    shared: &Shared<C>,
    order: &Order,
    observed: &Observed,
    uid: &str,
) -> Result<Next, Fault> {
    let everything_is_known = Kind::ALL.iter().all(|kind| observed.region.unknown(kind.listing()).is_none());
    // What was not named may still be there, and is somebody's next order.
    if everything_is_known && observed.slice(uid).parts.is_empty() {
        ledger::clear(&shared.store, uid).await?;
    }
    let status = OrphanDeletionStatus {
        phase: OrphanDeletionPhase::Deleted,
        ended_time: Some(Time(shared.clock.now())),
        remaining: Vec::new(),
        blockers: Vec::new(),
        message: Some("nothing that was named is left".to_owned()),
        ..order.status.clone()
    };
    write(shared, order, &status).await?;
    Ok(Next::Again)
}

fn under_way(order: &Order, plan: &Plan, executed: &Executed, named: usize) -> OrphanDeletionStatus {
    let deleted = executed.ended.iter().filter(|(_, ending)| ending.error().is_none());
    let snapshots = deleted.filter_map(|(action, _)| match &action.request {
        Request::Delete { options, .. } => options.final_snapshot.clone(),
        _ => None,
    });
    let known = order.status.final_snapshots.iter().cloned();
    let final_snapshots: BTreeSet<String> = known.chain(snapshots).collect();
    let (remaining, blockers) = (lamp_plan::part_statuses(plan), lamp_plan::blockers(plan));
    let in_the_way = blockers.first().map(|blocker| format!(": {}", blocker.message)).unwrap_or_default();
    OrphanDeletionStatus {
        message: Some(format!("{} of {named} are left{in_the_way}", remaining.len())),
        remaining,
        blockers,
        final_snapshots: final_snapshots.into_iter().collect(),
        ..order.status.clone()
    }
}

/// Says what an order waits for.
async fn say<C: Cloud>(shared: &Shared<C>, order: &Order, message: String) -> Result<Next, Fault> {
    write(shared, order, &OrphanDeletionStatus { message: Some(message), ..order.status.clone() }).await?;
    Ok(Next::Waiting { at: None })
}

async fn refuse<C: Cloud>(
    shared: &Shared<C>,
    order: &Order,
    message: String,
    refused: Vec<RefusedResource>,
) -> Result<Next, Fault> {
    let status = OrphanDeletionStatus {
        phase: OrphanDeletionPhase::Refused,
        ended_time: Some(Time(shared.clock.now())),
        refused,
        message: Some(message),
        ..order.status.clone()
    };
    write(shared, order, &status).await?;
    Ok(Next::Again)
}

/// Removes an order that ended long ago.
async fn retire<C: Cloud>(shared: &Shared<C>, order: &order::Order) -> Result<Next, Fault> {
    let now = shared.clock.now();
    let ended_at = order.status.ended_time.as_ref().map(|time| time.0).or(order.created_at);
    let expires_at = ended_at.unwrap_or(now) + TIME_TO_LIVE;
    if !until(expires_at, now).is_zero() {
        return Ok(Next::Settled { at: Some(expires_at) });
    }
    match shared.store.delete(order.key(), Preconditions::default()).await {
        Err(StoreError::NotFound { .. }) => Ok(Next::Idle),
        other => Ok(other.map(|_| Next::Idle)?),
    }
}

async fn write<C: Cloud>(
    shared: &Shared<C>,
    order: &Order,
    status: &OrphanDeletionStatus,
) -> Result<(), StoreError> {
    if order.status == *status {
        return Ok(());
    }
    let key = order.key();
    let value = serde_json::to_value(status)
        .map_err(|error| StoreError::Invalid { what: key.to_string(), reason: error.to_string() })?;
    let change = |object: &mut Value| object["status"] = value.clone();
    modify(&shared.store, key, &order.identity.owner.uid, change).await.map(drop)
}
