//! What can go wrong, to what, and what to do next.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::key::{Key, Revision};

/// Cloneable, because writes that were committed together fail together.
#[derive(Clone, Debug, thiserror::Error)]
pub enum StoreError {
    #[error("{key} not found")]
    NotFound { key: Key },

    #[error("{key} already exists")]
    AlreadyExists { key: Key },

    #[error(
        "{key} has changed: expected revision {expected}, found {actual}; read it again and repeat the change"
    )]
    Conflict { key: Key, expected: Revision, actual: Revision },

    #[error("{key} is another object now: expected uid {expected}, found {actual}")]
    UidMismatch { key: Key, expected: String, actual: String },

    /// The caller gave something that no object, ledger part or record can be.
    #[error("{what} cannot be stored: {reason}")]
    Invalid { what: String, reason: String },

    /// `oldest` is the oldest revision from which a watch can start.
    #[error(
        "too old resource version: {requested} ({oldest}); list again and watch from the list's revision"
    )]
    Gone { requested: Revision, oldest: Revision },

    #[error("too large resource version: {requested}, current: {head}")]
    FutureRevision { requested: Revision, head: Revision },

    #[error(
        "the data directory {} is in use by another daemon{}; stop that one, or give this one its own --data-dir",
        dir.display(),
        holder.as_ref().map(|pid| format!(" (process {pid})")).unwrap_or_default()
    )]
    Locked { dir: PathBuf, holder: Option<String> },

    #[error(
        "the store in {place} is damaged: {reason}; `lamplighter store verify` says what is left of it. Restore a backup, \
         or go on with what is left by `lamplighter store rebuild`; resources in AWS are not touched by a lost store"
    )]
    Corrupt { place: String, reason: String },

    #[error(
        "the store has format version {found} and this program knows {known}; \
         run the version of the program that wrote it, or a newer one"
    )]
    UnknownVersion { found: String, known: String },

    #[error("{action} {}: {source}", path.display())]
    Io { action: &'static str, path: PathBuf, source: Arc<std::io::Error> },

    /// As [`StoreError::Unavailable`], because the disk has no room.
    #[error(
        "the disk is full: nothing can be written until there is room, and reads go on: {reason}; free some space on \
         the file system of the data directory"
    )]
    Full { reason: String },

    /// The write was not acknowledged. It may still appear, as after a lost connection; nobody has seen it yet.
    #[error("the store cannot write now, and goes on serving reads: {reason}")]
    Unavailable { reason: String },
}

impl StoreError {
    pub(crate) fn io(action: &'static str, path: &Path, source: std::io::Error) -> StoreError {
        StoreError::Io { action, path: path.to_owned(), source: Arc::new(source) }
    }

    pub(crate) fn invalid(what: impl ToString, reason: impl Into<String>) -> StoreError {
        StoreError::Invalid { what: what.to_string(), reason: reason.into() }
    }

    pub(crate) fn corrupt(place: &Path, reason: impl ToString) -> StoreError {
        StoreError::Corrupt { place: place.display().to_string(), reason: reason.to_string() }
    }

    pub(crate) fn unavailable(reason: impl ToString) -> StoreError {
        StoreError::Unavailable { reason: reason.to_string() }
    }

    /// Whether the disk had no room.
    pub fn is_full(&self) -> bool {
        use std::io::ErrorKind::{FileTooLarge, QuotaExceeded, StorageFull};
        match self {
            StoreError::Full { .. } => true,
            StoreError::Io { source, .. } => {
                matches!(source.kind(), StorageFull | QuotaExceeded | FileTooLarge)
            }
            _ => false,
        }
    }

    /// What a writer is told: the write did not happen, or perhaps it did, and it may be tried again.
    pub(crate) fn refused(&self) -> StoreError {
        let reason = self.to_string();
        if self.is_full() { StoreError::Full { reason } } else { StoreError::Unavailable { reason } }
    }
}
