//! Who asked what of the API, and what was changed on AWS and why: lines of JSON in the data directory, each of which holds
//! a digest of all before it, so that a line that was changed, taken out or put in shows.
//!
//! A line is written when this returns, and reaches the disk with the next second: a crash of the host can lose that much,
//! a crash of the daemon nothing.

mod chain;
mod folder;

use std::fs::File;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use serde_json::{Map, Value};

use self::chain::Link;
use crate::error::StoreError;

pub(crate) use folder::FOLDER;

/// A file is closed at this size, and the next one begun.
const FILE_BYTES: u64 = 32 << 20;
/// Files that are kept: a quarter of the gigabyte that a data directory is meant to need.
const FILES: usize = 8;
/// How long a line may wait for the disk.
const SYNC_EVERY: Duration = Duration::from_secs(1);
/// Every so many lines the end of the chain goes into the log as well, which an intruder does not reach.
const ANCHOR_EVERY: u64 = 1000;

/// The audit log of a data directory; that of a store in memory keeps nothing. Cheap to clone.
#[derive(Clone, Debug, Default)]
pub struct AuditLog {
    shared: Option<Arc<Shared>>,
}

#[derive(Debug)]
struct Shared {
    folder: PathBuf,
    /// `None` until the first line, and after a failure: a full disk must not keep the daemon from starting.
    open: Mutex<Option<Open>>,
}

#[derive(Debug)]
struct Open {
    folder: PathBuf,
    path: PathBuf,
    file: File,
    bytes: u64,
    end: Link,
    synced: Instant,
}

/// What a look at an audit log found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AuditVerified {
    pub entries: u64,
    /// Where the chain breaks first, and how, if it does.
    pub broken: Option<String>,
}

impl AuditLog {
    /// The log of a data directory. It goes on where it ended; a line that a crash cut off is taken away.
    pub(crate) fn of(dir: &Path) -> AuditLog {
        let shared = Shared { folder: dir.join(FOLDER), open: Mutex::default() };
        AuditLog { shared: Some(Arc::new(shared)) }
    }

    /// Writes a line. It gets a number and the chain.
    ///
    /// # Errors
    /// [`StoreError::Io`]: it is not written.
    pub fn record(&self, entry: Map<String, Value>) -> Result<(), StoreError> {
        let Some(shared) = &self.shared else { return Ok(()) };
        let mut place = shared.open.lock().unwrap_or_else(PoisonError::into_inner);
        let mut open = match place.take() {
            Some(open) => open,
            None => Open::begin(&shared.folder)?,
        };
        open.record(entry)?;
        *place = Some(open);
        Ok(())
    }

    /// Reads the whole log of a data directory.
    ///
    /// # Errors
    /// [`StoreError::Io`].
    pub fn verify(dir: &Path) -> Result<AuditVerified, StoreError> {
        folder::verify(&dir.join(FOLDER))
    }
}

impl Open {
    fn begin(folder: &Path) -> Result<Open, StoreError> {
        let (path, file, bytes, end) = folder::open(folder)?;
        Ok(Open { folder: folder.to_owned(), path, file, bytes, end, synced: Instant::now() })
    }

    fn record(&mut self, entry: Map<String, Value>) -> Result<(), StoreError> {
        let (line, end) = chain::line(&self.end, entry);
        let failed = |path: &Path, error| StoreError::io("write", path, error);
        // Half a line is taken away when the file is opened for the next one.
        self.file.write_all(line.as_bytes()).map_err(|error| failed(&self.path, error))?;
        self.bytes += line.len() as u64;
        self.end = end;
        if self.end.sequence.is_multiple_of(ANCHOR_EVERY) {
            tracing::info!(sequence = self.end.sequence, chain = %self.end.hash.to_hex(), "the audit log has grown");
        }
        if self.synced.elapsed() >= SYNC_EVERY {
            self.file.sync_data().map_err(|error| failed(&self.path, error))?;
            self.synced = Instant::now();
        }
        if self.bytes >= FILE_BYTES { self.turn() } else { Ok(()) }
    }

    /// Begins the next file, and gives up the oldest.
    fn turn(&mut self) -> Result<(), StoreError> {
        self.file.sync_data().map_err(|error| StoreError::io("write", &self.path, error))?;
        (self.path, self.file) = folder::begin(&self.folder, &self.end)?;
        self.bytes = 0;
        folder::keep(&self.folder, FILES)
    }
}

#[cfg(test)]
mod tests;
