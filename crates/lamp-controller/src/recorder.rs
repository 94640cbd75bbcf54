//! Events: what happened to an object, for people. Equal ones are counted, old ones go.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::event::COMPONENT;
use lamp_api::kinds::{self, EVENT, LAMPSTACK};
use lamp_cloud::{Clock, Part, token};
use lamp_store::{Key, Preconditions, Store, StoreError, Stored};
use serde_json::{Value, json};

use crate::stack::Identity;
use crate::time::{rfc3339_seconds, since};

/// An Event goes when it did not happen again for so long.
const TIME_TO_LIVE: Duration = Duration::from_secs(3600);
/// The most Events of one object.
const PER_OBJECT: usize = 200;
/// Old Events are looked for this often.
const PRUNE_PERIOD: Duration = Duration::from_secs(300);
/// The longest message, in characters.
const MESSAGE_LENGTH: usize = 1024;

/// One thing that happened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Happened {
    /// `Normal` or `Warning`.
    pub(crate) severity: &'static str,
    /// CamelCase.
    pub(crate) reason: String,
    pub(crate) message: String,
}

impl Happened {
    pub(crate) fn new(severity: &'static str, reason: impl Into<String>, message: impl Into<String>) -> Self {
        let message: String = message.into().chars().take(MESSAGE_LENGTH).collect();
        Self { severity, reason: reason.into(), message }
    }
}

/// Writes Events. A store that refuses them costs the Event, never the work.
pub(crate) struct Recorder {
    store: Store,
    clock: Arc<dyn Clock>,
    pruned_at: Mutex<Option<Timestamp>>,
}

impl Recorder {
    pub(crate) fn new(store: Store, clock: Arc<dyn Clock>) -> Self {
        Self { store, clock, pruned_at: Mutex::default() }
    }

    /// Writes what happened to an object.
    pub(crate) async fn record(&self, identity: &Identity, happened: Vec<Happened>) {
        for one in happened {
            tracing::info!(stack = %identity.owner.stack(), reason = one.reason, "{}", one.message);
            if let Err(error) = self.write(identity, &one).await {
                tracing::warn!(%error, stack = %identity.owner.stack(), "an Event could not be written");
            }
        }
    }

    async fn write(&self, identity: &Identity, happened: &Happened) -> Result<(), StoreError> {
        let now = self.clock.now();
        let key = Key::new(EVENT.plural, &identity.key.namespace, name(identity, happened));
        if let Some(stored) = self.store.get(&key)? {
            let object = counted(&stored.object, now);
            return match self.store.update(&key, Some(stored.revision), object).await {
                // Somebody counted or removed it in between: one more or less says nothing.
                Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => Ok(()),
                other => other.map(drop),
            };
        }
        self.make_room(identity).await?;
        match self.store.create(&key, event(identity, happened, now)).await {
            Err(StoreError::AlreadyExists { .. }) => Ok(()),
            other => other.map(drop),
        }
    }

    /// Removes the oldest Events of an object that has too many.
    async fn make_room(&self, identity: &Identity) -> Result<(), StoreError> {
        let (stored, _) = self.store.list(EVENT.plural, Some(&identity.key.namespace))?;
        let uid = &identity.owner.uid;
        let mut own: Vec<&Stored> = stored
            .iter()
            .filter(|stored| stored.object["involvedObject"]["uid"].as_str() == Some(uid))
            .collect();
        let excess = (own.len() + 1).saturating_sub(PER_OBJECT);
        own.sort_by_key(|stored| last_seen(&stored.object));
        for stored in own.into_iter().take(excess) {
            self.remove(&stored.key).await?;
        }
        Ok(())
    }

    /// Removes Events that are too old, now and then.
    pub(crate) async fn prune(&self) {
        let now = self.clock.now();
        if !self.is_due(now) {
            return;
        }
        let outcome = self.prune_older_than(now).await;
        if let Err(error) = outcome {
            tracing::warn!(%error, "old Events could not be removed");
        }
    }

    fn is_due(&self, now: Timestamp) -> bool {
        let mut pruned_at = self.pruned_at.lock().unwrap_or_else(PoisonError::into_inner);
        let due = pruned_at.is_none_or(|at| since(at, now) >= PRUNE_PERIOD);
        if due {
            *pruned_at = Some(now);
        }
        due
    }

    async fn prune_older_than(&self, now: Timestamp) -> Result<(), StoreError> {
        let (stored, _) = self.store.list(EVENT.plural, None)?;
        for stored in stored {
            let ours = stored.object["reportingComponent"] == COMPONENT;
            let old = last_seen(&stored.object).is_none_or(|at| since(at, now) >= TIME_TO_LIVE);
            if ours && old {
                self.remove(&stored.key).await?;
            }
        }
        Ok(())
    }

    async fn remove(&self, key: &Key) -> Result<(), StoreError> {
        match self.store.delete(key, Preconditions::default()).await {
            Err(StoreError::NotFound { .. }) => Ok(()),
            other => other.map(drop),
        }
    }
}

/// The same for the same object, reason and message.
fn name(identity: &Identity, happened: &Happened) -> String {
    let digest = token(&identity.owner, &Part::new(happened.reason.as_str()), &happened.message, 0);
    format!("{}.{}", identity.owner.name, &digest[..16])
}

fn event(identity: &Identity, happened: &Happened, now: Timestamp) -> Value {
    let at = rfc3339_seconds(now);
    let kind = kinds::by_plural(lamp_api::GROUP, &identity.key.plural).unwrap_or(&LAMPSTACK);
    json!({
        "apiVersion": EVENT.api_version(),
        "kind": EVENT.kind,
        "metadata": {},
        "involvedObject": {
            "apiVersion": kind.api_version(),
            "kind": kind.kind,
            "namespace": identity.owner.namespace,
            "name": identity.owner.name,
            "uid": identity.owner.uid,
            "resourceVersion": identity.revision.to_string(),
        },
        "reason": happened.reason,
        "message": happened.message,
        "type": happened.severity,
        "source": {"component": COMPONENT},
        "reportingComponent": COMPONENT,
        "reportingInstance": COMPONENT,
        "firstTimestamp": at,
        "lastTimestamp": at,
        "count": 1,
        "eventTime": null,
    })
}

fn counted(event: &Value, now: Timestamp) -> Value {
    let mut event = event.clone();
    event["count"] = json!(event["count"].as_u64().unwrap_or(0) + 1);
    event["lastTimestamp"] = json!(rfc3339_seconds(now));
    event
}

fn last_seen(event: &Value) -> Option<Timestamp> {
    event["lastTimestamp"].as_str()?.parse().ok()
}
