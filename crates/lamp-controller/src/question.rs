//! Short-lived questions that reach us through the store: each is answered once, and removed when it is old.

use std::time::Duration;

use lamp_api::kinds::{IMPORT, ORPHAN_REPORT, PLAN, SCALING_HISTORY};
use lamp_api::v1alpha1::PlanPhase;
use lamp_cloud::Cloud;
use lamp_store::{Key, Preconditions, StoreError, Stored};
use serde::Deserialize;
use serde_json::Value;

use crate::engine::Shared;
use crate::reconcile::Fault;
use crate::requeue::{Next, Requeue, requeue};
use crate::stack::{created_at, modify};
use crate::time::until;
use crate::{answer, import, orphans, scaling_history};

/// Plurals of the kinds.
const PLURALS: [&str; 4] = [PLAN.plural, IMPORT.plural, ORPHAN_REPORT.plural, SCALING_HISTORY.plural];

/// A question is removed after this time, answered or not.
const TIME_TO_LIVE: Duration = Duration::from_secs(600);

/// Whether a key is that of a question.
pub(crate) fn is_question(key: &Key) -> bool {
    PLURALS.contains(&key.plural.as_str())
}

/// Answers one question, or removes it when it is old.
pub(crate) async fn answer<C: Cloud>(shared: &Shared<C>, key: &Key) -> Requeue {
    let next = step(shared, key).await.unwrap_or_else(|fault| Next::Failed(fault.to_string()));
    requeue(next, shared.clock.now(), shared.settings.observe_period)
}

async fn step<C: Cloud>(shared: &Shared<C>, key: &Key) -> Result<Next, Fault> {
    let Some(stored) = shared.store.get(key)? else { return Ok(Next::Idle) };
    let now = shared.clock.now();
    let expires_at = created_at(&stored.object).unwrap_or(now) + TIME_TO_LIVE;
    if until(expires_at, now).is_zero() {
        remove(shared, &stored).await?;
        return Ok(Next::Idle);
    }
    let phase = PlanPhase::deserialize(&stored.object["status"]["phase"]).unwrap_or_default();
    if phase == PlanPhase::Pending {
        let Some(status) = respond(shared, &stored).await? else { return Ok(Next::Observe) };
        let uid = stored.object["metadata"]["uid"].as_str().unwrap_or_default();
        modify(&shared.store, key, uid, |object| object["status"] = status.clone()).await?;
    }
    Ok(Next::Settled { at: Some(expires_at) })
}

/// The answer as a status; `None` while AWS must be observed first.
async fn respond<C: Cloud>(shared: &Shared<C>, stored: &Stored) -> Result<Option<Value>, Fault> {
    let plural = stored.key.plural.as_str();
    let status = if plural == IMPORT.plural {
        Some(serde_json::to_value(import::respond(shared, stored).await))
    } else if plural == ORPHAN_REPORT.plural {
        orphans::respond(shared, stored).map(serde_json::to_value)
    } else if plural == SCALING_HISTORY.plural {
        scaling_history::respond(shared, stored).await?.map(serde_json::to_value)
    } else {
        answer::respond(shared, stored)?.map(serde_json::to_value)
    };
    let unwritable = |error: serde_json::Error| StoreError::Invalid {
        what: stored.key.to_string(),
        reason: error.to_string(),
    };
    Ok(status.transpose().map_err(unwritable)?)
}

async fn remove<C>(shared: &Shared<C>, stored: &Stored) -> Result<(), StoreError> {
    match shared.store.delete(&stored.key, Preconditions::default()).await {
        Err(StoreError::NotFound { .. }) => Ok(()),
        other => other.map(drop),
    }
}
