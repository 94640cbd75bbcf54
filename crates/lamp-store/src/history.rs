//! Past changes, for watches that start or resume at an older revision.
//!
//! Kept per kind, so that a kind that changes all the time (events) does not push out the history of one that
//! rarely does. Bounded: what falls out is compacted, and a watch that would need it is told to list again.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde_json::Value;

use crate::key::{Key, Revision};

/// The most changes that are kept of one kind.
pub(crate) const MAX_ENTRIES: usize = 5_000;
/// Beyond this many bytes of JSON, fewer changes are kept, but never fewer than [`MIN_ENTRIES`]. In memory an object takes
/// about five times the bytes of its JSON.
pub(crate) const MAX_BYTES: usize = 2 << 20;
/// As many as the watch cache of a Kubernetes API server keeps of a kind at least (its `defaultLowerBoundCapacity`).
pub(crate) const MIN_ENTRIES: usize = 100;

/// What happened to an object.
#[derive(Clone, Copy, Debug, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum ChangeKind {
    Added,
    Modified,
    Deleted,
}

/// One change of one object.
#[derive(Clone, Debug, PartialEq)]
pub struct WatchEvent {
    pub revision: Revision,
    pub kind: ChangeKind,
    pub key: Key,
    /// The object after the change; of a deletion its last state, at the revision of the deletion.
    pub object: Arc<Value>,
    /// The object before the change, `None` if it was added. A watch with a selector tells by it whether the
    /// object entered or left the selection.
    pub previous: Option<Arc<Value>>,
}

/// An event and the size of its row, which stands for its size in memory.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) event: WatchEvent,
    pub(crate) bytes: usize,
}

/// The changes of one kind, oldest first.
#[derive(Debug, Default)]
struct Ring {
    entries: VecDeque<Entry>,
    bytes: usize,
    compacted: Revision,
}

/// The oldest changes of one kind, about to be forgotten.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Compaction {
    pub(crate) plural: String,
    /// The revisions that are dropped, ascending, never empty.
    pub(crate) revisions: Vec<Revision>,
}

impl Compaction {
    /// A watch can start here or later.
    pub(crate) fn upto(&self) -> Revision {
        self.revisions.last().copied().unwrap_or_default()
    }
}

/// The changes of every kind.
#[derive(Debug, Default)]
pub(crate) struct History {
    rings: BTreeMap<String, Ring>,
}

impl History {
    /// The newest revision of this kind that has been forgotten: a watch may start here, not before.
    pub(crate) fn compacted(&self, plural: &str) -> Revision {
        self.rings.get(plural).map_or(0, |ring| ring.compacted)
    }

    pub(crate) fn set_compacted(&mut self, plural: &str, revision: Revision) {
        self.rings.entry(plural.to_owned()).or_default().compacted = revision;
    }

    /// The newest `revision` of any change of this kind, 0 if there is none in memory.
    pub(crate) fn newest(&self, plural: &str) -> Revision {
        self.rings.get(plural).and_then(|ring| ring.entries.back()).map_or(0, |entry| entry.event.revision)
    }

    /// The changes of this kind after `from`, oldest first.
    pub(crate) fn after(&self, plural: &str, from: Revision) -> impl Iterator<Item = &WatchEvent> {
        self.rings.get(plural).into_iter().flat_map(move |ring| {
            let start = ring.entries.partition_point(|entry| entry.event.revision <= from);
            ring.entries.range(start..).map(|entry| &entry.event)
        })
    }

    pub(crate) fn push(&mut self, entry: Entry) {
        if !self.rings.contains_key(&entry.event.key.plural) {
            self.rings.insert(entry.event.key.plural.clone(), Ring::default());
        }
        if let Some(ring) = self.rings.get_mut(&entry.event.key.plural) {
            ring.bytes += entry.bytes;
            ring.entries.push_back(entry);
        }
    }

    /// What must be forgotten for every kind to be within its bounds.
    pub(crate) fn excess(&self) -> Vec<Compaction> {
        let compactions = self.rings.iter().map(|(plural, ring)| Compaction {
            plural: plural.clone(),
            revisions: ring.excess().map(|entry| entry.event.revision).collect(),
        });
        compactions.filter(|compaction| !compaction.revisions.is_empty()).collect()
    }

    pub(crate) fn forget(&mut self, compaction: &Compaction) {
        let Some(ring) = self.rings.get_mut(&compaction.plural) else { return };
        for _ in &compaction.revisions {
            if let Some(entry) = ring.entries.pop_front() {
                ring.bytes -= entry.bytes;
                ring.compacted = entry.event.revision;
            }
        }
    }
}

impl Ring {
    /// The oldest entries, as many as are beyond the bounds.
    fn excess(&self) -> impl Iterator<Item = &Entry> {
        let (mut count, mut bytes) = (self.entries.len(), self.bytes);
        self.entries.iter().take_while(move |entry| {
            let beyond = count > MAX_ENTRIES || (bytes > MAX_BYTES && count > MIN_ENTRIES);
            count -= 1;
            bytes -= entry.bytes;
            beyond
        })
    }
}
