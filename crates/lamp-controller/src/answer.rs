//! Answers `Plan` objects: what would be done to AWS, and why?

use jiff::Timestamp;
use lamp_api::Time;
use lamp_api::v1alpha1::{LampStackSpec, PlanPhase, PlanSpec, PlanStatus, validate, validate_update};
use lamp_cloud::{Cloud, Owner};
use lamp_plan::{Ledger, Memory, PlanInput, Preview};
use lamp_store::{Key, Stored};
use serde::Deserialize;

use crate::engine::Shared;
use crate::ledger;
use crate::observer::Observed;
use crate::reconcile::Fault;
use crate::stack::{self, Stack};

/// Plans; `None` while there is no observation that is young enough.
pub(crate) fn respond<C: Cloud>(shared: &Shared<C>, stored: &Stored) -> Result<Option<PlanStatus>, Fault> {
    let Some(observed) = shared.young() else { return Ok(None) };
    plan(shared, stored, &observed).map(Some)
}

fn plan<C: Cloud>(shared: &Shared<C>, stored: &Stored, observed: &Observed) -> Result<PlanStatus, Fault> {
    let question = match PlanSpec::deserialize(&stored.object["spec"]) {
        Ok(question) => question,
        Err(error) => return Ok(failed(format!("the question cannot be read: {error}"))),
    };
    let key = Key::new(stack::PLURAL, stored.key.namespace.as_str(), question.stack.as_str());
    let existing = shared.store.get(&key)?.map(|stored| shared.stacks.decode(&stored, &shared.install));
    let spec = match spec(&question, existing.as_deref(), shared) {
        Ok(spec) => spec,
        Err(why) => return Ok(failed(why)),
    };
    let ledger = match &existing {
        Some(stack) => ledger::load(&shared.store, &stack.owner().uid)?,
        None => Ledger::new(),
    };
    let now = shared.clock.now();
    Ok(preview(shared, stored, existing.as_deref(), &spec, question.delete, &ledger, observed, now))
}

/// The spec to plan for.
fn spec<C: Cloud>(
    question: &PlanSpec,
    existing: Option<&Stack>,
    shared: &Shared<C>,
) -> Result<LampStackSpec, String> {
    let own = existing.map(|stack| stack.spec.clone()).transpose();
    let own = own.map_err(|why| format!("the spec of the stack cannot be read: {why}"))?;
    let spec = match (&question.candidate, &own) {
        (Some(candidate), _) => candidate.clone(),
        (None, Some(own)) => own.clone(),
        (None, None) => return Err(format!("there is no stack {:?} in this namespace", question.stack)),
    };
    let mut errors = validate(&spec);
    if let Some(own) = &own {
        errors.extend(validate_update(own, &spec));
    }
    if !errors.is_empty() {
        let errors: Vec<String> = errors.iter().map(ToString::to_string).collect();
        return Err(errors.join("; "));
    }
    shared.check_region(Some(&spec.region))?;
    Ok(spec)
}

#[allow(clippy::too_many_arguments, reason = "the inputs of one pure function, gathered once")]
fn preview<C: Cloud>(
    shared: &Shared<C>,
    stored: &Stored,
    existing: Option<&Stack>,
    spec: &LampStackSpec,
    delete: bool,
    ledger: &Ledger,
    observed: &Observed,
    now: Timestamp,
) -> PlanStatus {
    let owner = existing.map_or_else(|| newcomer(shared, stored), |stack| stack.owner().clone());
    let identity = existing.map(|stack| &stack.identity);
    let unchanged = existing.is_some_and(|stack| stack.spec.as_ref() == Ok(spec));
    // One that cannot be read stalls the stack itself.
    let adoption = identity.and_then(|identity| identity.adoption.clone().ok()).unwrap_or_default();
    let holds = identity.map(|identity| identity.holds.clone()).unwrap_or_default();
    let memory: Memory = shared.recollections.get(&owner.uid).memory;
    let inventory = observed.slice(&owner.uid);
    let input = PlanInput {
        owner: &owner,
        spec,
        // A candidate would be the next generation, which nobody has consented to yet.
        generation: identity.map_or(1, |identity| identity.generation + i64::from(!unchanged)),
        deleting: delete || identity.is_some_and(|identity| identity.deleting),
        confirmed: unchanged && identity.is_some_and(|identity| identity.confirmed),
        requested: identity.and_then(|identity| identity.requested.as_deref()),
        order: None,
        adoption: &adoption,
        holds: &holds,
        inventory: &inventory,
        ledger,
        memory: &memory,
        settings: &shared.settings.plan,
        now,
    };
    let Preview { steps, blocked, left_alone } = lamp_plan::preview(&input);
    PlanStatus {
        phase: PlanPhase::Answered,
        observed_time: Some(Time(observed.region.observed_at)),
        steps,
        blocked,
        left_alone,
        message: None,
    }
}

/// The owner that a stack which does not exist would be: the question's own uid is nobody else's.
fn newcomer<C>(shared: &Shared<C>, stored: &Stored) -> Owner {
    Owner {
        install: shared.install.clone(),
        namespace: stored.key.namespace.clone(),
        name: stored.object["spec"]["stack"].as_str().unwrap_or(&stored.key.name).to_owned(),
        uid: stored.object["metadata"]["uid"].as_str().unwrap_or_default().to_owned(),
    }
}

fn failed(message: String) -> PlanStatus {
    PlanStatus { phase: PlanPhase::Failed, message: Some(message), ..PlanStatus::default() }
}
