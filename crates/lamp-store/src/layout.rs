//! The only place that lays out bytes.
//!
//! | row | key | value |
//! |---|---|---|
//! | format | `format` | the version of this layout |
//! | root | `root` | [`Root`]: the head revision, and counts of commits and rows |
//! | object | `object` NUL plural NUL namespace NUL name | the object |
//! | change | `change` NUL revision (8 bytes, big endian) | [`Change`] |
//! | compacted | `compacted` NUL plural | the newest revision forgotten of that kind |
//! | ledger | `ledger` NUL owner NUL part | the entry |
//! | record | `record` NUL name | a text |
//!
//! Every value is one byte, the version of its encoding, and then JSON: it survives a change of schema, and a
//! person can read it.

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::error::StoreError;
use crate::history::ChangeKind;
use crate::key::{Key, Revision};

/// The layout that this program writes. Since 2 the truth is the journal, of which programs that know 1 know nothing.
pub(crate) const FORMAT: u64 = 2;
/// The oldest layout that it reads; the first commit makes it [`FORMAT`].
pub(crate) const OLDEST_FORMAT: u64 = 1;
/// The encoding of a value: JSON.
const JSON: u8 = 1;

pub(crate) const FORMAT_ROW: &[u8] = b"format";
pub(crate) const ROOT_ROW: &[u8] = b"root";

/// Written with every commit. A row that the disk has lost makes the counts differ, a commit that it has lost makes
/// `commits` smaller than what was acknowledged, and the loss is noticed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Root {
    pub(crate) head: Revision,
    pub(crate) commits: u64,
    pub(crate) objects: usize,
    pub(crate) changes: usize,
    pub(crate) ledger: usize,
}

/// A change as stored. The object after it is not here: it is the object now, or what the next change of the same
/// object found before it. So a change costs one image, not two.
#[derive(Debug, Deserialize)]
pub(crate) struct Change {
    pub(crate) kind: ChangeKind,
    pub(crate) plural: String,
    pub(crate) namespace: String,
    pub(crate) name: String,
    pub(crate) previous: Option<Value>,
    /// The last state of a deleted object; no later change tells it.
    pub(crate) last: Option<Value>,
}

/// [`Change`], borrowed, to be written.
#[derive(Debug, Serialize)]
pub(crate) struct ChangeRef<'a> {
    pub(crate) kind: ChangeKind,
    pub(crate) plural: &'a str,
    pub(crate) namespace: &'a str,
    pub(crate) name: &'a str,
    pub(crate) previous: Option<&'a Value>,
    pub(crate) last: Option<&'a Value>,
}

/// A row's key, taken apart.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum RowKey {
    Format,
    Root,
    Object(Key),
    Change(Revision),
    Compacted(String),
    Ledger { owner: String, part: String },
    Record(String),
}

pub(crate) fn object_row(key: &Key) -> Vec<u8> {
    join(&["object", &key.plural, &key.namespace, &key.name])
}

pub(crate) fn change_row(revision: Revision) -> Vec<u8> {
    let mut row = b"change\0".to_vec();
    row.extend(revision.to_be_bytes());
    row
}

pub(crate) fn compacted_row(plural: &str) -> Vec<u8> {
    join(&["compacted", plural])
}

pub(crate) fn ledger_row(owner: &str, part: &str) -> Vec<u8> {
    join(&["ledger", owner, part])
}

pub(crate) fn record_row(name: &str) -> Vec<u8> {
    join(&["record", name])
}

fn join(parts: &[&str]) -> Vec<u8> {
    parts.join("\0").into_bytes()
}

/// Whether `part` can stand in a row's key.
pub(crate) fn require_key_part(what: &str, part: &str) -> Result<(), StoreError> {
    if part.contains('\0') { Err(StoreError::invalid(what, "it contains a NUL character")) } else { Ok(()) }
}

/// Takes a row's key apart; `None` if this layout has no such row.
pub(crate) fn parse(row: &[u8]) -> Option<RowKey> {
    if let Some(revision) = row.strip_prefix(b"change\0") {
        return Some(RowKey::Change(Revision::from_be_bytes(revision.try_into().ok()?)));
    }
    let parts: Vec<&str> = std::str::from_utf8(row).ok()?.split('\0').collect();
    match parts.as_slice() {
        ["format"] => Some(RowKey::Format),
        ["root"] => Some(RowKey::Root),
        ["object", plural, namespace, name] => Some(RowKey::Object(Key::new(*plural, *namespace, *name))),
        ["compacted", plural] => Some(RowKey::Compacted((*plural).to_owned())),
        ["ledger", owner, part] => {
            Some(RowKey::Ledger { owner: (*owner).to_owned(), part: (*part).to_owned() })
        }
        ["record", name] => Some(RowKey::Record((*name).to_owned())),
        _ => None,
    }
}

pub(crate) fn encode<T: Serialize>(what: &str, value: &T) -> Result<Vec<u8>, StoreError> {
    let mut bytes = vec![JSON];
    serde_json::to_writer(&mut bytes, value).map_err(|error| StoreError::invalid(what, error.to_string()))?;
    Ok(bytes)
}

/// The error is a reason, for a person.
pub(crate) fn decode<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, String> {
    match bytes.split_first() {
        Some((&JSON, json)) => serde_json::from_slice(json).map_err(|error| error.to_string()),
        Some((version, _)) => Err(format!("a value has the unknown encoding {version}")),
        None => Err("a value is empty".to_owned()),
    }
}
