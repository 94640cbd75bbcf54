//! All that is readable, in memory, and how it is rebuilt from rows.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;

use crate::backend::Row;
use crate::error::StoreError;
use crate::history::{ChangeKind, Compaction, Entry, History, WatchEvent};
use crate::key::{Key, Revision, Stored};
use crate::layout::{self, Change, FORMAT, OLDEST_FORMAT, Root, RowKey};

/// The durable state, and nothing that is not durable yet.
#[derive(Debug, Default)]
pub(crate) struct Index {
    pub(crate) root: Root,
    pub(crate) objects: BTreeMap<Key, Stored>,
    pub(crate) history: History,
    /// Owner, part, entry.
    pub(crate) ledger: BTreeMap<String, BTreeMap<String, Arc<Value>>>,
    pub(crate) records: BTreeMap<String, String>,
}

/// What a committed group changes in the index.
#[derive(Debug, Default)]
pub(crate) struct Delta {
    pub(crate) root: Root,
    pub(crate) objects: BTreeMap<Key, Option<Stored>>,
    pub(crate) changes: Vec<Entry>,
    pub(crate) compactions: Vec<Compaction>,
    pub(crate) ledger: BTreeMap<(String, String), Option<Arc<Value>>>,
    pub(crate) records: BTreeMap<String, String>,
}

impl Index {
    pub(crate) fn apply(&mut self, delta: Delta) {
        self.root = delta.root;
        for (key, stored) in delta.objects {
            match stored {
                Some(stored) => self.objects.insert(key, stored),
                None => self.objects.remove(&key),
            };
        }
        for compaction in &delta.compactions {
            self.history.forget(compaction);
        }
        for entry in delta.changes {
            self.history.push(entry);
        }
        for ((owner, part), value) in delta.ledger {
            self.apply_ledger(owner, part, value);
        }
        self.records.extend(delta.records);
    }

    fn apply_ledger(&mut self, owner: String, part: String, value: Option<Arc<Value>>) {
        match value {
            Some(value) => {
                self.ledger.entry(owner).or_default().insert(part, value);
            }
            None => {
                let Some(parts) = self.ledger.get_mut(&owner) else { return };
                parts.remove(&part);
                if parts.is_empty() {
                    self.ledger.remove(&owner);
                }
            }
        }
    }
}

/// Rebuilds the index. `None` if there are no rows: the store is new. `place` names it in errors.
pub(crate) fn load(rows: Vec<Row>, place: &str) -> Result<Option<Index>, StoreError> {
    if rows.is_empty() {
        return Ok(None);
    }
    let corrupt = |reason: String| StoreError::Corrupt { place: place.to_owned(), reason };
    require_format(&rows)?;
    let mut index = Index::default();
    let mut root = None;
    let mut changes = BTreeMap::new();
    for (row, value) in rows {
        let key =
            layout::parse(&row).ok_or_else(|| corrupt(format!("unknown row {}", row.escape_ascii())))?;
        let placed = place_row(&mut index, &mut root, &mut changes, key, &value);
        placed.map_err(|reason| corrupt(format!("row {}: {reason}", row.escape_ascii())))?;
    }
    let root = root.ok_or_else(|| corrupt("the root row is missing".to_owned()))?;
    let found = Root {
        head: root.head,
        commits: root.commits,
        objects: index.objects.len(),
        changes: changes.len(),
        ledger: index.ledger.values().map(BTreeMap::len).sum(),
    };
    if found != root {
        return Err(corrupt(format!("rows are missing: {root:?} was written, {found:?} is there")));
    }
    index.root = root;
    restore_history(&mut index, changes).map_err(corrupt)?;
    Ok(Some(index))
}

/// Refuses a layout that this program does not know, before it looks at anything else.
fn require_format(rows: &[Row]) -> Result<(), StoreError> {
    let known = FORMAT.to_string();
    let row = rows.iter().find(|(key, _)| key == layout::FORMAT_ROW);
    let found = match row {
        None => "none".to_owned(),
        Some((_, value)) => match layout::decode::<u64>(value) {
            Ok(OLDEST_FORMAT..=FORMAT) => return Ok(()),
            Ok(other) => other.to_string(),
            Err(reason) => reason,
        },
    };
    Err(StoreError::UnknownVersion { found, known })
}

fn place_row(
    index: &mut Index,
    root: &mut Option<Root>,
    changes: &mut BTreeMap<Revision, (Change, usize)>,
    key: RowKey,
    value: &[u8],
) -> Result<(), String> {
    match key {
        RowKey::Format => {}
        RowKey::Root => *root = Some(layout::decode(value)?),
        RowKey::Object(key) => {
            let object: Value = layout::decode(value)?;
            let revision = revision_of(&object).ok_or("it has no metadata.resourceVersion")?;
            index.objects.insert(key.clone(), Stored { key, revision, object: Arc::new(object) });
        }
        RowKey::Change(revision) => drop(changes.insert(revision, (layout::decode(value)?, value.len()))),
        RowKey::Compacted(plural) => index.history.set_compacted(&plural, layout::decode(value)?),
        RowKey::Ledger { owner, part } => {
            index.ledger.entry(owner).or_default().insert(part, Arc::new(layout::decode(value)?));
        }
        RowKey::Record(name) => drop(index.records.insert(name, layout::decode(value)?)),
    }
    Ok(())
}

fn revision_of(object: &Value) -> Option<Revision> {
    object["metadata"]["resourceVersion"].as_str()?.parse().ok()
}

/// Gives each change its object: walking back in time, an object is what the next change of it found before it.
fn restore_history(index: &mut Index, changes: BTreeMap<Revision, (Change, usize)>) -> Result<(), String> {
    let now = index.objects.iter().map(|(key, stored)| (key.clone(), Arc::clone(&stored.object)));
    let mut images: BTreeMap<Key, Arc<Value>> = now.collect();
    let mut entries = Vec::with_capacity(changes.len());
    for (revision, (change, bytes)) in changes.into_iter().rev() {
        let key = Key::new(change.plural, change.namespace, change.name);
        let after = images.remove(&key);
        let object = match (change.kind, change.last) {
            (ChangeKind::Deleted, Some(last)) => Arc::new(last),
            _ => after.ok_or_else(|| format!("{key} as of revision {revision} is lost"))?,
        };
        if revision_of(&object) != Some(revision) {
            return Err(format!("{key} has another revision than its change {revision}"));
        }
        let previous = change.previous.map(Arc::new);
        if let Some(previous) = &previous {
            images.insert(key.clone(), Arc::clone(previous));
        }
        entries
            .push(Entry { event: WatchEvent { revision, kind: change.kind, key, object, previous }, bytes });
    }
    entries.into_iter().rev().for_each(|entry| index.history.push(entry));
    Ok(())
}
