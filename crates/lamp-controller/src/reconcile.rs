//! Reconciling one stack: read, plan, check, execute, report. Each step is in a file of its own.

use std::collections::BTreeSet;
use std::sync::Arc;

use lamp_api::conditions::{is_true, types};
use lamp_api::v1alpha1::{LampStackSpec, LampStackStatus, Mode};
use lamp_cloud::{Cloud, Inventory};
use lamp_plan::{Adoption, Ledger, Plan, PlanInput, parts, priority};
use lamp_store::{Key, StoreError};

use crate::engine::Shared;
use crate::execute::{Executed, Mandate, execute};
use crate::finalizer::{self, Step};
use crate::ledger::{self, LedgerError};
use crate::observer::{Observed, has_another_name};
use crate::operations::{self, Operation};
use crate::recollection::{Basis, Settled};
use crate::report;
use crate::requeue::{Next, Requeue, requeue};
use crate::settled::is_settled;
use crate::stack::Stack;
use crate::status::{self, Stalled};
use crate::time::since;

/// Nothing is changed because the store is older than AWS.
pub(crate) const STORE_OLDER: &str = "StoreOlderThanAWS";

/// Why a reconcile could not go on: all of it is the store's word.
#[derive(Clone, Debug, thiserror::Error)]
pub(crate) enum Fault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

/// Brings one stack a step nearer to its spec.
pub(crate) async fn reconcile<C: Cloud>(shared: &Shared<C>, key: &Key) -> Requeue {
    let started = shared.clock.now();
    let next = match step(shared, key).await {
        Ok(next) => next,
        Err(fault) => {
            tracing::warn!(%key, %fault, "a stack could not be reconciled");
            Next::Failed(fault.to_string())
        }
    };
    let now = shared.clock.now();
    shared.metrics.reconciles.with_label_values(&[report::result(&next)]).inc();
    shared
        .metrics
        .reconcile_seconds
        .with_label_values(&["LampStack"])
        .observe(since(started, now).as_secs_f64());
    requeue(next, now, shared.settings.observe_period)
}

async fn step<C: Cloud>(shared: &Shared<C>, key: &Key) -> Result<Next, Fault> {
    let Some(stored) = shared.store.get(key)? else {
        shared.stacks.forget(key);
        report::forget(&shared.metrics, key);
        return Ok(Next::Idle);
    };
    let stack = shared.stacks.decode(&stored, &shared.install);
    match finalizer::step(&stack.identity) {
        Step::Claim => {
            finalizer::claim(&shared.store, &stack.identity).await?;
            Ok(Next::Again)
        }
        Step::Leave => Ok(Next::Idle),
        Step::Keep | Step::TearDown => keep(shared, &stack).await,
    }
}

/// A stack that has our finalizer.
async fn keep<C: Cloud>(shared: &Shared<C>, stack: &Stack) -> Result<Next, Fault> {
    let ledger = match ledger::load(&shared.store, &stack.owner().uid) {
        Err(error @ LedgerError::Unreadable { .. }) => {
            return stall(shared, stack, "LedgerUnreadable", error.to_string()).await;
        }
        other => {
            ledger::without_future(&shared.store, &stack.owner().uid, other?, shared.clock.now()).await?
        }
    };
    let spec = match &stack.spec {
        Ok(spec) => spec,
        Err(why) => {
            let message = format!("the stored spec cannot be read: {why}; apply it again");
            return stall(shared, stack, "InvalidSpec", message).await;
        }
    };
    if spec.mode == Mode::Paused {
        return pause(shared, stack, &ledger).await;
    }
    if let Some(message) = shared.epochs.hold() {
        return stall(shared, stack, STORE_OLDER, message).await;
    }
    if spec.region != shared.calls.region() {
        let message = format!(
            "spec.region is {}, but this daemon works in {}: nothing is read or changed for this stack",
            spec.region,
            shared.regions.list()
        );
        return stall(shared, stack, "OtherRegion", message).await;
    }
    let adoption = match &stack.identity.adoption {
        Ok(adoption) => adoption,
        Err(why) => {
            let message = format!("the annotation lamplighter.dev/adopt cannot be read: {why}");
            return stall(shared, stack, "InvalidAdoption", message).await;
        }
    };
    remember_names(shared, stack, adoption, &ledger);
    let Some(observed) = fresh(shared, stack) else { return Ok(Next::Observe) };
    let lost = if adoption.parts.is_empty() { BTreeSet::new() } else { shared.lost() };
    let adoption = &Adoption { lost, ..adoption.clone() };
    pursue(shared, &Run { stack, spec, adoption, ledger: &ledger, observed: &observed }).await
}

/// Tells the observer of what is called by names of others: listings without tags do not show whose it is.
fn remember_names<C: Cloud>(shared: &Shared<C>, stack: &Stack, adoption: &Adoption, ledger: &Ledger) {
    let recorded = ledger.values().filter_map(|entry| Some((entry.kind?, entry.id.clone()?)));
    let named = adoption.parts.iter().filter_map(|(part, id)| Some((parts::kind(part)?, id.clone())));
    let told: BTreeSet<_> = recorded.chain(named).filter(|(kind, id)| has_another_name(*kind, id)).collect();
    shared.recollections.change(&stack.owner().uid, |recollection| recollection.adopted = told);
}

/// One run with all that it is about.
struct Run<'a> {
    stack: &'a Stack,
    spec: &'a LampStackSpec,
    adoption: &'a Adoption,
    ledger: &'a Ledger,
    observed: &'a Observed,
}

/// Plans, checks and carries out the plan.
async fn pursue<C: Cloud>(shared: &Shared<C>, run: &Run<'_>) -> Result<Next, Fault> {
    let now = shared.clock.now();
    let uid = &run.stack.owner().uid;
    let inventory = run.observed.slice(uid);
    let recollection = shared.recollections.get(uid);
    let basis = basis(run, &inventory);
    let settings = settings(shared)?;
    let operation = operations::next(&shared.store, &shared.install, run.stack.key())?;
    let order = operation.as_ref().and_then(Operation::order);
    let settled = recollection.settled.as_ref().filter(|settled| settled.holds(&basis, now));
    if let Some(settled) = settled.filter(|_| order.is_none()) {
        return Ok(Next::Settled { at: Some(settled.next_look) });
    }
    let input = PlanInput {
        owner: run.stack.owner(),
        spec: run.spec,
        generation: run.stack.identity.generation,
        deleting: run.stack.identity.deleting,
        confirmed: run.stack.identity.confirmed,
        requested: run.stack.identity.requested.as_deref(),
        order: order.as_ref(),
        adoption: run.adoption,
        holds: &run.stack.identity.holds,
        inventory: &inventory,
        ledger: run.ledger,
        memory: &recollection.memory,
        settings: &settings,
        now,
    };
    let plan = lamp_plan::plan(&input);
    let violations = lamp_plan::check(&input, &plan);
    if !violations.is_empty() {
        let message = report::unlawful(&shared.metrics, &violations);
        return stall(shared, run.stack, "UnlawfulPlan", message).await;
    }
    #[cfg(feature = "sabotage")]
    let plan = shared.sabotage.spoil(&input, plan);
    shared.recollections.change(uid, |recollection| {
        recollection.memory = plan.memory.clone();
        recollection.asks = plan.asks.clone();
    });
    let (settled, executed) = carry_out(shared, run, &plan).await?;
    if let (Some(operation), Some(report)) = (&operation, &plan.order) {
        operations::tell(shared, operation, report).await?;
    }
    conclude(shared, run, &input, &plan, &basis, (&settled, executed)).await
}

/// How to plan: what is made carries an epoch that is written down.
fn settings<C: Cloud>(shared: &Shared<C>) -> Result<lamp_plan::Settings, Fault> {
    let missing = || StoreError::Unavailable { reason: "its epoch could not be written down yet".to_owned() };
    let epoch = shared.epochs.current().ok_or_else(missing)?;
    Ok(lamp_plan::Settings { epoch: Some(epoch), ..shared.settings.plan.clone() })
}

/// Writes down what the observation settled, then acts. Only `Enforce` does either.
async fn carry_out<C: Cloud>(
    shared: &Shared<C>,
    run: &Run<'_>,
    plan: &Plan,
) -> Result<(Ledger, Executed), Fault> {
    if run.spec.mode != Mode::Enforce {
        return Ok((run.ledger.clone(), Executed::default()));
    }
    let identity = &run.stack.identity;
    let uid = &identity.owner.uid;
    let now = shared.clock.now();
    let settled = ledger::settle(&shared.store, uid, run.ledger.clone(), plan, now).await?;
    let kept = !plan.actions.is_empty() && was_kept(shared, run.stack);
    let ranked = plan.actions.iter().map(|action| (priority(plan, action, kept), action.clone()));
    let mandate = Mandate { uid, object: identity };
    let executed = execute(shared, mandate, ranked.collect(), &settled).await;
    if executed.was_sent() {
        let needs_pass = shared.passes_started() + 1;
        shared.recollections.change(uid, |recollection| recollection.needs_pass = needs_pass);
    }
    Ok((settled, executed))
}

/// Whether the site was once as its spec says now. The process before this one may have seen it: then its status says so.
fn was_kept<C: Cloud>(shared: &Shared<C>, stack: &Stack) -> bool {
    let generation = stack.identity.generation;
    let told = stack.status.as_ref().is_some_and(|status| {
        status.observed_generation == Some(generation) && is_true(&status.conditions, types::READY)
    });
    let seen = shared.recollections.get(&stack.owner().uid).kept_generation;
    !stack.identity.deleting && seen.map_or(told, |seen| seen == generation)
}

/// Status, Events, metrics; the end of a deletion; and when to look again.
async fn conclude<C: Cloud>(
    shared: &Shared<C>,
    run: &Run<'_>,
    input: &PlanInput<'_>,
    plan: &Plan,
    basis: &Basis,
    (settled, executed): (&Ledger, Executed),
) -> Result<Next, Fault> {
    let identity = &run.stack.identity;
    report::publish(&shared.metrics, plan, &executed);
    shared.recorder.record(identity, report::happened(plan, &executed)).await;
    if plan.finished && identity.deleting {
        ledger::clear(&shared.store, &identity.owner.uid).await?;
        finalizer::release(&shared.store, identity).await?;
        return Ok(Next::Again);
    }
    let failures = report::failures(&shared.recollections, &identity.owner.uid, plan, &executed);
    let denied = shared.calls.denied_readings();
    let mut status = lamp_plan::status(input, plan, &failures, &denied, run.stack.status.as_ref());
    status.last_handled_reconcile_at.clone_from(&identity.requested);
    write_status(shared, run.stack, &status).await?;
    if let Some(fault) = executed.fault {
        return Err(fault.into());
    }
    let quiet =
        executed.ended.is_empty() && settled == run.ledger && failures.is_empty() && denied.is_empty();
    let resync_at = input.now + shared.settings.resync;
    let remembered = (quiet && is_settled(plan, settled, input)).then(|| Settled {
        basis: basis.clone(),
        next_look: plan.next_look.map_or(resync_at, |at| at.min(resync_at)),
    });
    let is_settled = remembered.is_some();
    shared.recollections.change(&identity.owner.uid, |recollection| {
        recollection.settled = remembered;
        if is_settled {
            recollection.kept_generation = Some(identity.generation);
        }
    });
    Ok(report::next(plan, &executed, settled != run.ledger, is_settled))
}

/// The latest observation, if it shows everything that was done to the stack and is young enough.
fn fresh<C: Cloud>(shared: &Shared<C>, stack: &Stack) -> Option<Arc<Observed>> {
    let uid = &stack.owner().uid;
    let requested = &stack.identity.requested;
    let handled = stack.status.as_ref().and_then(|status| status.last_handled_reconcile_at.as_ref());
    let next_pass = shared.passes_started() + 1;
    shared.recollections.change(uid, |recollection| {
        if requested.as_ref() != handled && recollection.requested != *requested {
            recollection.requested.clone_from(requested);
            recollection.needs_pass = recollection.needs_pass.max(next_pass);
        }
    });
    shared.fresh(uid)
}

fn basis(run: &Run<'_>, inventory: &Inventory) -> Basis {
    let queries = lamp_plan::queries(run.spec, run.stack.owner(), inventory);
    let newest = |query| Some(run.observed.region.signals.get(query)?.latest()?.0);
    Basis {
        object: run.stack.identity.revision,
        observed: run.observed.revision(&run.stack.owner().uid),
        signals: queries.iter().map(newest).collect(),
    }
}

async fn stall<C: Cloud>(
    shared: &Shared<C>,
    stack: &Stack,
    reason: &'static str,
    message: String,
) -> Result<Next, Fault> {
    let status = status::stalled(stack, &Stalled { reason, message }, shared.clock.now());
    write_status(shared, stack, &status).await?;
    Ok(Next::Settled { at: None })
}

/// A paused stack that is being deleted, and of which nothing was ever made, may go.
async fn pause<C: Cloud>(shared: &Shared<C>, stack: &Stack, ledger: &Ledger) -> Result<Next, Fault> {
    if stack.identity.deleting && ledger.is_empty() {
        finalizer::release(&shared.store, &stack.identity).await?;
        return Ok(Next::Idle);
    }
    // Nothing is read for a paused stack.
    shared.recollections.change(&stack.owner().uid, |recollection| recollection.asks.clear());
    write_status(shared, stack, &status::paused(stack, shared.clock.now())).await?;
    Ok(Next::Idle)
}

async fn write_status<C: Cloud>(
    shared: &Shared<C>,
    stack: &Stack,
    status: &LampStackStatus,
) -> Result<(), StoreError> {
    report::conditions(&shared.metrics, stack.key(), status);
    if stack.status.as_ref() == Some(status) {
        return Ok(());
    }
    status::write(&shared.store, &stack.identity, status).await?;
    let mut news = report::transitions(stack.status.as_ref(), status);
    news.extend(report::newcomers(stack.status.as_ref(), status));
    shared.recorder.record(&stack.identity, news).await;
    Ok(())
}
