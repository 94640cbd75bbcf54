//! A group of writes evaluated together, each seeing those before it. Pure: the caller commits the result.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::Timestamp;
use serde_json::Value;

use crate::backend::{Batch, Write};
use crate::error::StoreError;
use crate::history::{ChangeKind, Entry, WatchEvent};
use crate::identity;
use crate::index::{Delta, Index};
use crate::key::{Key, Revision, Stored};
use crate::layout::{self, ChangeRef};
use crate::rules::{self, Preconditions, Updated};

/// The record that names the store itself; uids derive from it.
pub(crate) const INSTANCE: &str = "instance";
/// The largest object, ledger entry or record, in bytes of JSON: what etcd allows a request to be.
const MAX_VALUE_BYTES: usize = 3 << 19;

/// One request to the writer.
#[derive(Clone, Debug)]
pub(crate) enum Change {
    Create { key: Key, object: Value },
    Update { key: Key, expected: Option<Revision>, object: Value },
    Delete { key: Key, preconditions: Preconditions },
    Ledger { owner: String, entries: Vec<(String, Option<Value>)> },
    Record { name: String, value: String },
}

/// What the writer answers.
#[derive(Clone, Debug)]
pub(crate) enum Outcome {
    Object(Updated),
    Done,
}

#[derive(Debug)]
pub(crate) struct Transaction<'a> {
    index: &'a Index,
    now: Timestamp,
    delta: Delta,
    /// Rows of the ledger and records; those of objects follow from the delta.
    writes: BTreeMap<Vec<u8>, Option<Vec<u8>>>,
}

impl<'a> Transaction<'a> {
    pub(crate) fn new(index: &'a Index, now: Timestamp) -> Transaction<'a> {
        let delta = Delta { root: index.root, ..Delta::default() };
        Transaction { index, now, delta, writes: BTreeMap::new() }
    }

    /// Evaluates one request. One that is refused leaves nothing behind.
    pub(crate) fn execute(&mut self, change: Change) -> Result<Outcome, StoreError> {
        match change {
            Change::Create { key, object } => self.create(key, object).map(Outcome::Object),
            Change::Update { key, expected, object } => {
                let current = self.current(&key)?;
                let updated = rules::update(current, expected, object, self.next_revision())?;
                self.stage_update(updated).map(Outcome::Object)
            }
            Change::Delete { key, preconditions } => {
                let current = self.current(&key)?;
                let updated = rules::delete(current, &preconditions, self.next_revision(), self.now)?;
                self.stage_update(updated).map(Outcome::Object)
            }
            Change::Ledger { owner, entries } => self.write_ledger(&owner, entries).map(|()| Outcome::Done),
            Change::Record { name, value } => self.write_record(name, value).map(|()| Outcome::Done),
        }
    }

    /// The commit that makes the group durable, and what to show afterwards; `None` if nothing changes.
    pub(crate) fn finish(mut self) -> Result<Option<(Batch, Delta)>, StoreError> {
        if self.writes.is_empty() {
            return Ok(None);
        }
        self.delta.root.commits += 1;
        self.delta.compactions = self.index.history.excess();
        for compaction in &self.delta.compactions {
            let upto = layout::encode("compaction", &compaction.upto())?;
            self.writes.insert(layout::compacted_row(&compaction.plural), Some(upto));
            for revision in &compaction.revisions {
                self.writes.insert(layout::change_row(*revision), None);
                self.delta.root.changes -= 1;
            }
        }
        self.writes.insert(layout::ROOT_ROW.to_vec(), Some(layout::encode("root", &self.delta.root)?));
        self.writes.insert(layout::FORMAT_ROW.to_vec(), Some(layout::encode("format", &layout::FORMAT)?));
        let writes = self.writes.into_iter().map(|(row, value)| match value {
            Some(value) => Write::Put(row, value),
            None => Write::Remove(row),
        });
        Ok(Some((Batch { writes: writes.collect() }, self.delta)))
    }

    fn next_revision(&self) -> Revision {
        self.delta.root.head + 1
    }

    fn find(&self, key: &Key) -> Option<&Stored> {
        match self.delta.objects.get(key) {
            Some(staged) => staged.as_ref(),
            None => self.index.objects.get(key),
        }
    }

    fn current(&self, key: &Key) -> Result<&Stored, StoreError> {
        self.find(key).ok_or_else(|| StoreError::NotFound { key: key.clone() })
    }

    fn create(&mut self, key: Key, object: Value) -> Result<Updated, StoreError> {
        for part in [&key.plural, &key.namespace, &key.name] {
            layout::require_key_part(&key.to_string(), part)?;
        }
        if self.find(&key).is_some() {
            return Err(StoreError::AlreadyExists { key });
        }
        let revision = self.next_revision();
        let instance = self.index.records.get(INSTANCE).map_or("", String::as_str);
        let uid = identity::uid(instance, revision);
        let stored = rules::create(&key, object, uid, revision, self.now)?;
        self.stage(ChangeKind::Added, stored.clone())?;
        Ok(Updated::Written(stored))
    }

    fn stage_update(&mut self, updated: Updated) -> Result<Updated, StoreError> {
        match &updated {
            Updated::Unchanged(_) => {}
            Updated::Written(stored) => self.stage(ChangeKind::Modified, stored.clone())?,
            Updated::Removed(stored) => self.stage(ChangeKind::Deleted, stored.clone())?,
        }
        Ok(updated)
    }

    /// Stages the object's row, its change and the new head. Everything that can be refused is refused first.
    fn stage(&mut self, kind: ChangeKind, stored: Stored) -> Result<(), StoreError> {
        let what = stored.key.to_string();
        let row = encode_bounded(&what, &*stored.object)?;
        let is_deleted = kind == ChangeKind::Deleted;
        let previous = self.find(&stored.key).map(|before| Arc::clone(&before.object));
        let change = layout::encode(
            &what,
            &ChangeRef {
                kind,
                plural: &stored.key.plural,
                namespace: &stored.key.namespace,
                name: &stored.key.name,
                previous: previous.as_deref(),
                last: is_deleted.then_some(&*stored.object),
            },
        )?;
        self.count(kind, stored.revision);
        let (revision, key, object) = (stored.revision, stored.key.clone(), Arc::clone(&stored.object));
        let event = WatchEvent { revision, kind, key, object, previous };
        self.delta.changes.push(Entry { event, bytes: change.len() });
        self.writes.insert(layout::change_row(revision), Some(change));
        self.writes.insert(layout::object_row(&stored.key), (!is_deleted).then_some(row));
        self.delta.objects.insert(stored.key.clone(), (!is_deleted).then_some(stored));
        Ok(())
    }

    fn count(&mut self, kind: ChangeKind, revision: Revision) {
        let root = &mut self.delta.root;
        root.head = revision;
        root.changes += 1;
        match kind {
            ChangeKind::Added => root.objects += 1,
            ChangeKind::Modified => {}
            ChangeKind::Deleted => root.objects -= 1,
        }
    }

    fn write_ledger(&mut self, owner: &str, entries: Vec<(String, Option<Value>)>) -> Result<(), StoreError> {
        layout::require_key_part("ledger owner", owner)?;
        let mut encoded = Vec::with_capacity(entries.len());
        for (part, value) in entries {
            layout::require_key_part("ledger part", &part)?;
            let row = value.as_ref().map(|value| encode_bounded(&part, value)).transpose()?;
            encoded.push((part, value, row));
        }
        for (part, value, row) in encoded {
            self.stage_ledger(owner, part, value.map(Arc::new), row);
        }
        Ok(())
    }

    fn stage_ledger(&mut self, owner: &str, part: String, value: Option<Arc<Value>>, row: Option<Vec<u8>>) {
        let name = (owner.to_owned(), part);
        let current = match self.delta.ledger.get(&name) {
            Some(staged) => staged.as_ref(),
            None => self.index.ledger.get(owner).and_then(|parts| parts.get(&name.1)),
        };
        if current == value.as_ref() {
            return;
        }
        match (current.is_some(), value.is_some()) {
            (false, true) => self.delta.root.ledger += 1,
            (true, false) => self.delta.root.ledger -= 1,
            _ => {}
        }
        self.writes.insert(layout::ledger_row(owner, &name.1), row);
        self.delta.ledger.insert(name, value);
    }

    fn write_record(&mut self, name: String, value: String) -> Result<(), StoreError> {
        layout::require_key_part("record name", &name)?;
        if name == INSTANCE && self.index.records.contains_key(INSTANCE) {
            return Err(StoreError::invalid(name, "the store's own name never changes"));
        }
        let row = encode_bounded(&name, &value)?;
        self.writes.insert(layout::record_row(&name), Some(row));
        self.delta.records.insert(name, value);
        Ok(())
    }
}

fn encode_bounded<T: serde::Serialize>(what: &str, value: &T) -> Result<Vec<u8>, StoreError> {
    let row = layout::encode(what, value)?;
    if row.len() > MAX_VALUE_BYTES {
        let reason = format!("it has {} bytes and {MAX_VALUE_BYTES} are allowed", row.len());
        return Err(StoreError::invalid(what, reason));
    }
    Ok(row)
}
