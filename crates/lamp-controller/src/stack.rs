//! A stored `LampStack`, decoded once for each revision.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use lamp_api::adoption::{self, Adopt};
use lamp_api::v1alpha1::{LampStackSpec, LampStackStatus};
use lamp_api::{FINALIZER, annotations};
use lamp_cloud::{Owner, Part};
use lamp_plan::{Adoption, Holds};
use lamp_store::{Key, Revision, Store, StoreError, Stored};
use serde::Deserialize;
use serde_json::Value;

/// Plural of the kind.
pub(crate) const PLURAL: &str = "lampstacks";

/// What one object says, apart from its spec.
#[derive(Clone, Debug)]
pub(crate) struct Identity {
    pub(crate) key: Key,
    pub(crate) revision: Revision,
    pub(crate) owner: Owner,
    pub(crate) generation: i64,
    pub(crate) deleting: bool,
    pub(crate) has_finalizer: bool,
    /// A person consented to replacing changes of this generation.
    pub(crate) confirmed: bool,
    /// What a person allowed to be taken over, or why that cannot be read.
    pub(crate) adoption: Result<Adoption, String>,
    /// What a person wants to be left as it is.
    pub(crate) holds: Holds,
    /// The newest request for an immediate reconcile.
    pub(crate) requested: Option<String>,
}

/// A stack as stored.
#[derive(Clone, Debug)]
pub(crate) struct Stack {
    pub(crate) identity: Identity,
    /// The spec, or why it cannot be read.
    pub(crate) spec: Result<LampStackSpec, String>,
    pub(crate) status: Option<LampStackStatus>,
}

impl Stack {
    pub(crate) fn decode(stored: &Stored, install: &str) -> Self {
        let object = &*stored.object;
        Self {
            identity: Identity::decode(stored, install),
            spec: LampStackSpec::deserialize(&object["spec"]).map_err(|error| error.to_string()),
            // A status that cannot be read is written anew: it is never an input.
            status: LampStackStatus::deserialize(&object["status"]).ok(),
        }
    }

    pub(crate) fn owner(&self) -> &Owner {
        &self.identity.owner
    }

    pub(crate) fn key(&self) -> &Key {
        &self.identity.key
    }
}

impl Identity {
    pub(crate) fn decode(stored: &Stored, install: &str) -> Self {
        let metadata = &stored.object["metadata"];
        let annotation = |name: &str| metadata["annotations"][name].as_str();
        let generation = metadata["generation"].as_i64().unwrap_or_default();
        Self {
            key: stored.key.clone(),
            revision: stored.revision,
            owner: Owner {
                install: install.to_owned(),
                namespace: stored.key.namespace.clone(),
                name: stored.key.name.clone(),
                uid: metadata["uid"].as_str().unwrap_or_default().to_owned(),
            },
            generation,
            deleting: metadata["deletionTimestamp"].is_string(),
            has_finalizer: has_finalizer(metadata),
            confirmed: annotation(annotations::CONFIRM_REPLACE) == Some(generation.to_string().as_str()),
            adoption: annotation(annotations::ADOPT).map_or_else(|| Ok(Adoption::default()), allowed),
            holds: holds(metadata),
            requested: annotation(annotations::RECONCILE_REQUESTED_AT).map(str::to_owned),
        }
    }

    /// Whether a decision that was made for this object still stands for `now`, read later.
    pub(crate) fn same_decision(&self, now: &Self) -> bool {
        self.owner.uid == now.owner.uid
            && self.generation == now.generation
            && self.deleting == now.deleting
            && self.confirmed == now.confirmed
            && self.adoption == now.adoption
            && self.holds == now.holds
    }
}

fn allowed(annotation: &str) -> Result<Adoption, String> {
    Ok(match adoption::parse(annotation)? {
        Adopt::Nothing => Adoption::default(),
        Adopt::Tagged => Adoption::of_tagged(),
        Adopt::Named(named) => {
            let parts = named.into_iter().map(|(part, id)| (Part::new(part), id)).collect();
            Adoption { parts, ..Adoption::default() }
        }
    })
}

fn holds(metadata: &Value) -> Holds {
    let mut holds = Holds::default();
    for (name, reason) in metadata["annotations"].as_object().into_iter().flatten() {
        let reason = reason.as_str().unwrap_or_default().to_owned();
        match name.strip_prefix(annotations::HOLD) {
            Some("") => holds.stack = Some(reason),
            Some(tier) => {
                if let Some(tier) = tier.strip_prefix('.') {
                    holds.tiers.insert(tier.to_owned(), reason);
                }
            }
            None => {}
        }
    }
    holds
}

fn has_finalizer(metadata: &Value) -> bool {
    metadata["finalizers"].as_array().is_some_and(|all| all.iter().any(|one| one == FINALIZER))
}

/// When an object was created.
pub(crate) fn created_at(object: &Value) -> Option<Timestamp> {
    object["metadata"]["creationTimestamp"].as_str()?.parse().ok()
}

/// How often a write is tried again after somebody else wrote in between.
const ATTEMPTS: usize = 4;

/// Changes an object, if it still is the one with `uid`, and tries again when somebody else wrote in between.
/// `None`: it is gone, or another one by now.
pub(crate) async fn modify(
    store: &Store,
    key: &Key,
    uid: &str,
    change: impl Fn(&mut Value) + Send,
) -> Result<Option<Stored>, StoreError> {
    let mut attempt = 1;
    loop {
        let Some(stored) = store.get(key)? else { return Ok(None) };
        if stored.object["metadata"]["uid"].as_str() != Some(uid) {
            return Ok(None);
        }
        let mut object = Value::clone(&stored.object);
        change(&mut object);
        match store.update(key, Some(stored.revision), object).await {
            Ok(updated) => return Ok(Some(updated.into_stored())),
            Err(StoreError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
            Err(StoreError::NotFound { .. } | StoreError::UidMismatch { .. }) => return Ok(None),
            Err(error) => return Err(error),
        }
    }
}

/// Decoded stacks by revision: a thousand stacks are not decoded again in every pass.
#[derive(Debug, Default)]
pub(crate) struct StackCache {
    decoded: Mutex<BTreeMap<Key, Arc<Stack>>>,
}

impl StackCache {
    pub(crate) fn decode(&self, stored: &Stored, install: &str) -> Arc<Stack> {
        let mut decoded = self.decoded.lock().unwrap_or_else(PoisonError::into_inner);
        match decoded.get(&stored.key) {
            Some(stack) if stack.identity.revision == stored.revision => Arc::clone(stack),
            _ => {
                let stack = Arc::new(Stack::decode(stored, install));
                decoded.insert(stored.key.clone(), Arc::clone(&stack));
                stack
            }
        }
    }

    pub(crate) fn forget(&self, key: &Key) {
        self.decoded.lock().unwrap_or_else(PoisonError::into_inner).remove(key);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn holds_are_read_from_annotations() {
        let annotations = json!({
            "lamplighter.dev/hold": "audit", "lamplighter.dev/hold.web": "forensics", "lamplighter.dev/holder": "x"
        });
        let holds = holds(&json!({"annotations": annotations}));
        assert_eq!(holds.stack.as_deref(), Some("audit"));
        assert_eq!(holds.tiers, [("web".to_owned(), "forensics".to_owned())].into());
        assert_eq!(super::holds(&json!({})), Holds::default());
    }
}
