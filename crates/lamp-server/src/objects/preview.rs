//! What a write would answer, for `dryRun=All`: like the store's answer, with nothing stored.

use std::sync::Arc;

use jiff::Timestamp;
use lamp_store::Stored;
use serde_json::{Value, json};

/// System fields that an update cannot change.
const KEPT: [&str; 6] = [
    "uid",
    "creationTimestamp",
    "generation",
    "resourceVersion",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
];

/// The object as if it had been created.
pub(crate) fn created(mut object: Value, now: Timestamp) -> Arc<Value> {
    object["metadata"]["uid"] = json!("00000000-0000-0000-0000-000000000000");
    object["metadata"]["creationTimestamp"] = json!(now.strftime("%Y-%m-%dT%H:%M:%SZ").to_string());
    object["metadata"]["generation"] = json!(1);
    Arc::new(object)
}

/// The object as if it had replaced `current`.
pub(crate) fn updated(current: &Stored, mut object: Value) -> Arc<Value> {
    for field in KEPT {
        match current.object["metadata"].get(field) {
            Some(value) => object["metadata"][field] = value.clone(),
            None => drop(object["metadata"].as_object_mut().map(|metadata| metadata.remove(field))),
        }
    }
    if object["spec"] != current.object["spec"] {
        let generation = object["metadata"]["generation"].as_u64().unwrap_or_default();
        object["metadata"]["generation"] = json!(generation + 1);
    }
    Arc::new(object)
}
