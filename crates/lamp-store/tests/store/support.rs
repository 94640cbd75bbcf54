//! Short spellings for the tests.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use lamp_store::{ChangeKind, Key, Preconditions, Store, Updated, Watch, WatchEvent};
use serde_json::{Value, json};

/// A clock that stands still, with a fraction that the API must not show.
pub(crate) fn clock() -> Timestamp {
    "2026-11-20T09:30:00.75Z".parse().unwrap()
}

pub(crate) fn memory() -> Store {
    Store::in_memory(clock)
}

pub(crate) fn open(dir: &Path) -> Store {
    Store::open(dir, clock).unwrap()
}

pub(crate) fn stack(name: &str) -> Key {
    Key::new("lampstacks", "default", name)
}

pub(crate) fn object(size: i64) -> Value {
    json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack", "spec": {"size": size}})
}

pub(crate) fn with_finalizer(size: i64) -> Value {
    let mut object = object(size);
    object["metadata"] = json!({"finalizers": ["lamplighter.dev/teardown"]});
    object
}

pub(crate) fn anyhow() -> Preconditions {
    Preconditions::default()
}

pub(crate) fn removed(updated: &Updated) -> bool {
    matches!(updated, Updated::Removed(_))
}

/// The next changes; fails rather than hangs.
pub(crate) async fn next(watch: &mut Watch) -> Vec<WatchEvent> {
    loop {
        let batch = tokio::time::timeout(Duration::from_secs(5), watch.next()).await;
        let batch = batch.expect("a change within five seconds").unwrap();
        if !batch.is_empty() {
            return batch;
        }
    }
}

/// Kind, name and revision of each change: what most tests are about.
pub(crate) fn brief(events: &[WatchEvent]) -> Vec<(ChangeKind, &str, u64)> {
    events.iter().map(|event| (event.kind, event.key.name.as_str(), event.revision)).collect()
}
