//! Orders of a person about the database of a stack: a failover, a promotion. The plan of the stack checks each and carries
//! it out; this finds the one whose turn it is, and writes down what became of it.

use std::time::Duration;

use jiff::Timestamp;
use lamp_api::Time;
use lamp_api::event::{NORMAL, WARNING};
use lamp_api::kinds::DATABASE_OPERATION;
use lamp_api::v1alpha1::{DatabaseOperationSpec, DatabaseOperationStatus, Mode, OperationPhase};
use lamp_cloud::{Cloud, Part};
use lamp_plan::{Order, OrderReport};
use lamp_store::{Key, Preconditions, Store, StoreError, Stored};
use serde::Deserialize;
use serde_json::Value;

use crate::engine::Shared;
use crate::reconcile::Fault;
use crate::recorder::Happened;
use crate::requeue::{Next, Requeue, requeue};
use crate::stack::{self, Identity, created_at, modify};
use crate::time::until;

/// How long an order that ended is kept, for whoever wants to know how it ended.
const TIME_TO_LIVE: Duration = Duration::from_secs(24 * 3600);

/// An order as stored.
#[derive(Clone, Debug)]
pub(crate) struct Operation {
    identity: Identity,
    spec: Result<DatabaseOperationSpec, String>,
    status: DatabaseOperationStatus,
    created_at: Option<Timestamp>,
}

impl Operation {
    fn decode(stored: &Stored, install: &str) -> Self {
        let object = &*stored.object;
        Self {
            identity: Identity::decode(stored, install),
            spec: DatabaseOperationSpec::deserialize(&object["spec"]).map_err(|error| error.to_string()),
            status: DatabaseOperationStatus::deserialize(&object["status"]).unwrap_or_default(),
            created_at: created_at(object),
        }
    }

    /// What the planner is told of it.
    pub(crate) fn order(&self) -> Option<Order> {
        let spec = self.spec.as_ref().ok()?;
        Some(Order {
            uid: self.identity.owner.uid.clone(),
            name: format!("databaseoperation/{}", self.identity.key.name),
            operation: spec.operation,
            replica: spec.replica.as_deref().map(Part::new),
            force: spec.force,
            accepted: self.status.phase == OperationPhase::Running,
        })
    }
}

/// Whether a key is that of an order.
pub(crate) fn is_operation(key: &Key) -> bool {
    key.plural == DATABASE_OPERATION.plural
}

/// The order of a stack whose turn it is: the oldest that has not ended.
pub(crate) fn next(store: &Store, install: &str, stack: &Key) -> Result<Option<Operation>, StoreError> {
    let (stored, _) = store.list(DATABASE_OPERATION.plural, Some(&stack.namespace))?;
    let all = stored.iter().map(|stored| Operation::decode(stored, install));
    let waiting = all.filter(|one| {
        let is_its = one.spec.as_ref().is_ok_and(|spec| spec.stack == stack.name);
        is_its && !one.status.phase.has_ended() && !one.identity.deleting
    });
    Ok(waiting.min_by(|a, b| (a.created_at, &a.identity.key).cmp(&(b.created_at, &b.identity.key))))
}

/// Looks after an order itself: one that no plan will look at is refused, an old one goes.
pub(crate) async fn work<C: Cloud>(shared: &Shared<C>, key: &Key) -> Requeue {
    let next = step(shared, key).await.unwrap_or_else(|fault| Next::Failed(fault.to_string()));
    requeue(next, shared.clock.now(), shared.settings.observe_period)
}

async fn step<C: Cloud>(shared: &Shared<C>, key: &Key) -> Result<Next, Fault> {
    let Some(stored) = shared.store.get(key)? else { return Ok(Next::Idle) };
    let operation = Operation::decode(&stored, &shared.install);
    if operation.status.phase.has_ended() {
        return retire(shared, &operation).await;
    }
    let refused = match &operation.spec {
        Err(why) => Some(format!("the order cannot be read: {why}")),
        Ok(spec) => obstacle(shared, key, spec)?,
    };
    if let Some(message) = refused {
        tell(shared, &operation, &OrderReport { phase: OperationPhase::Refused, message }).await?;
        return Ok(Next::Again);
    }
    Ok(Next::Waiting { at: None })
}

/// Why no plan of the stack will ever look at the order.
fn obstacle<C>(
    shared: &Shared<C>,
    key: &Key,
    spec: &DatabaseOperationSpec,
) -> Result<Option<String>, StoreError> {
    let name = &spec.stack;
    let key = Key::new(stack::PLURAL, key.namespace.as_str(), name.as_str());
    let Some(stored) = shared.store.get(&key)? else {
        return Ok(Some(format!("there is no stack {name:?} in this namespace")));
    };
    let stack = shared.stacks.decode(&stored, &shared.install);
    let mode = stack.spec.as_ref().ok().map(|spec| (spec.mode, spec.database.is_some()));
    Ok(match mode {
        _ if stack.identity.deleting => Some(format!("{name} is being deleted")),
        Some((Mode::Paused | Mode::Observe, _)) => {
            Some(format!("spec.mode of {name} is not Enforce: nothing is changed"))
        }
        Some((_, false)) => Some(format!("{name} has no database")),
        _ => None,
    })
}

/// Writes down what a plan says of an order.
pub(crate) async fn tell<C: Cloud>(
    shared: &Shared<C>,
    operation: &Operation,
    report: &OrderReport,
) -> Result<(), StoreError> {
    let now = shared.clock.now();
    let before = &operation.status;
    let begins = before.started_time.is_none() && report.phase != OperationPhase::Pending;
    let ends = before.ended_time.is_none() && report.phase.has_ended();
    let status = DatabaseOperationStatus {
        phase: report.phase,
        started_time: if begins { Some(Time(now)) } else { before.started_time.clone() },
        ended_time: if ends { Some(Time(now)) } else { before.ended_time.clone() },
        message: Some(report.message.clone()),
    };
    if status == *before {
        return Ok(());
    }
    write(shared, operation, &status).await?;
    if status.phase != before.phase {
        let severity = if status.phase == OperationPhase::Refused { WARNING } else { NORMAL };
        let happened =
            Happened::new(severity, format!("Operation{:?}", status.phase), report.message.clone());
        shared.recorder.record(&operation.identity, vec![happened]).await;
    }
    Ok(())
}

async fn write<C>(
    shared: &Shared<C>,
    operation: &Operation,
    status: &DatabaseOperationStatus,
) -> Result<(), StoreError> {
    let key = &operation.identity.key;
    let value = serde_json::to_value(status)
        .map_err(|error| StoreError::Invalid { what: key.to_string(), reason: error.to_string() })?;
    let change = |object: &mut Value| object["status"] = value.clone();
    modify(&shared.store, key, &operation.identity.owner.uid, change).await.map(drop)
}

/// Removes an order that ended long ago.
async fn retire<C: Cloud>(shared: &Shared<C>, operation: &Operation) -> Result<Next, Fault> {
    let now = shared.clock.now();
    let ended_at = operation.status.ended_time.as_ref().map(|time| time.0).or(operation.created_at);
    let expires_at = ended_at.unwrap_or(now) + TIME_TO_LIVE;
    if !until(expires_at, now).is_zero() {
        return Ok(Next::Settled { at: Some(expires_at) });
    }
    match shared.store.delete(&operation.identity.key, Preconditions::default()).await {
        Err(StoreError::NotFound { .. }) => Ok(Next::Idle),
        other => Ok(other.map(|_| Next::Idle)?),
    }
}
