//! Rows in sled, used only in the ways that were found to be safe.
//!
//! * One tree, so that `apply_batch` alone is the atomic write.
//! * `flush` hands the log to the kernel; the fsync of the file is ours.
//! * After any error the handle is dropped: sled answers every later call with its first error, and opening it
//!   again recovers all that was acknowledged.
//! * A segment of 2 MiB, so that ordinary leaves stay in the log. Larger ones go to `blobs/`, which sled never
//!   syncs, so we do.
//! * sled panics, or spins, on some damage; it is opened and called where neither takes the daemon along.

use std::collections::BTreeSet;
use std::fs::File;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use super::directory::{self, DirectoryLock};
use super::{Backend, Batch, Row, Write};
use crate::error::StoreError;

const SEGMENT_BYTES: usize = 2 << 20;
const CACHE_BYTES: u64 = 32 << 20;
/// Recovery that takes longer has met damage on which sled spins.
const OPEN_DEADLINE: Duration = Duration::from_secs(30);
/// sled's own lock can outlive the handle that held it.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(20);

/// Rows in a directory of this process alone.
#[derive(Debug)]
pub struct SledBackend {
    dir: PathBuf,
    handle: Mutex<Option<Handle>>,
    // Declared last, so dropped last: no other process may come in while sled still writes.
    _lock: DirectoryLock,
}

#[derive(Debug)]
struct Handle {
    db: sled::Db,
    log: File,
    synced_blobs: BTreeSet<PathBuf>,
}

impl SledBackend {
    /// Takes the directory for this process and prepares it. [`Backend::load`] opens the engine.
    ///
    /// # Errors
    /// [`StoreError::Locked`] at once if another live process holds the directory, [`StoreError::Io`].
    pub fn new(data_dir: &Path) -> Result<SledBackend, StoreError> {
        directory::create(data_dir)?;
        let lock = DirectoryLock::acquire(data_dir)?;
        let dir = data_dir.join("objects.sled");
        directory::create(&dir)?;
        Ok(SledBackend { dir, handle: Mutex::new(None), _lock: lock })
    }

    fn open(&self) -> Result<Handle, StoreError> {
        directory::remove_unfinished_snapshots(&self.dir)?;
        let db = open_engine(&self.dir)?;
        directory::restrict(&self.dir)?;
        let path = self.dir.join("db");
        let log = File::open(&path).map_err(|error| StoreError::io("open", &path, error))?;
        // What recovery read must be durable before anybody is told of it.
        log.sync_all().map_err(|error| StoreError::io("fsync", &path, error))?;
        directory::sync(&self.dir)?;
        Ok(Handle { db, log, synced_blobs: BTreeSet::new() })
    }

    /// A panic inside sled counts as an error of this call.
    fn guarded<T>(&self, call: impl FnOnce() -> Result<T, StoreError>) -> Result<T, StoreError> {
        catch_unwind(AssertUnwindSafe(call))
            .unwrap_or_else(|_| Err(self.corrupt("the storage engine panicked")))
    }

    fn corrupt(&self, reason: &str) -> StoreError {
        corrupt(&self.dir, reason)
    }

    fn failed(&self, error: sled::Error) -> StoreError {
        match error {
            sled::Error::Corruption { .. } => self.corrupt("a checksum does not match"),
            sled::Error::Io(source) => StoreError::io("write", &self.dir, source),
            other => StoreError::unavailable(other),
        }
    }

    fn write(&self, handle: &mut Handle, batch: &Batch) -> Result<(), StoreError> {
        handle.db.apply_batch(encode(batch)).map_err(|error| self.failed(error))?;
        handle.db.flush().map_err(|error| self.failed(error))?;
        handle.log.sync_all().map_err(|error| StoreError::io("fsync", &self.dir.join("db"), error))?;
        self.sync_blobs(handle)
    }

    fn sync_blobs(&self, handle: &mut Handle) -> Result<(), StoreError> {
        let blobs = self.dir.join("blobs");
        let present: BTreeSet<PathBuf> = directory::files(&blobs)?.into_iter().collect();
        let mut fresh = false;
        for path in present.difference(&handle.synced_blobs) {
            fresh = true;
            directory::sync(path)?;
        }
        handle.synced_blobs = present;
        if fresh { directory::sync(&blobs) } else { Ok(()) }
    }
}

impl Backend for SledBackend {
    fn load(&self) -> Result<Vec<Row>, StoreError> {
        let mut slot = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        // A handle that has failed keeps failing, and one that has not is cheap to open again.
        drop(slot.take());
        let handle = self.open()?;
        let rows = self.guarded(|| {
            let row = |(key, value): (sled::IVec, sled::IVec)| (key.to_vec(), value.to_vec());
            handle.db.iter().map(|item| item.map(row).map_err(|error| self.failed(error))).collect()
        })?;
        *slot = Some(handle);
        Ok(rows)
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut slot = self.handle.lock().unwrap_or_else(PoisonError::into_inner);
        let mut handle =
            slot.take().ok_or_else(|| StoreError::unavailable("the storage engine is closed"))?;
        self.guarded(|| self.write(&mut handle, batch))?;
        *slot = Some(handle);
        Ok(())
    }
}

fn encode(batch: &Batch) -> sled::Batch {
    let mut encoded = sled::Batch::default();
    for write in &batch.writes {
        match write {
            Write::Put(key, value) => encoded.insert(key.as_slice(), value.as_slice()),
            Write::Remove(key) => encoded.remove(key.as_slice()),
        }
    }
    encoded
}

/// Opens sled on a thread of its own, so that a panic or an endless loop in its recovery becomes an error.
fn open_engine(dir: &Path) -> Result<sled::Db, StoreError> {
    let (sender, receiver) = mpsc::channel();
    let path = dir.to_owned();
    std::thread::Builder::new()
        .name("store-open".to_owned())
        .spawn(move || sender.send(open_when_unlocked(&path)))
        .map_err(|error| StoreError::io("start a thread to open", dir, error))?;
    match receiver.recv_timeout(OPEN_DEADLINE) {
        Ok(result) => result,
        Err(mpsc::RecvTimeoutError::Timeout) => Err(corrupt(dir, "recovery did not end within 30 seconds")),
        Err(mpsc::RecvTimeoutError::Disconnected) => Err(corrupt(dir, "recovery panicked")),
    }
}

fn open_when_unlocked(dir: &Path) -> Result<sled::Db, StoreError> {
    let deadline = Instant::now() + LOCK_PATIENCE;
    let config = sled::Config::new().path(dir).segment_size(SEGMENT_BYTES).cache_capacity(CACHE_BYTES);
    loop {
        match config.open() {
            Ok(db) => return Ok(db),
            Err(error) if is_lock(&error) && Instant::now() < deadline => std::thread::sleep(LOCK_PAUSE),
            Err(error) if is_lock(&error) => {
                return Err(StoreError::Locked { dir: dir.to_owned(), holder: None });
            }
            Err(sled::Error::Io(source)) => return Err(StoreError::io("open", dir, source)),
            Err(error) => return Err(corrupt(dir, &error.to_string())),
        }
    }
}

/// sled reports its lock as an error of kind `Other`; only the text tells.
fn is_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(source) if source.to_string().contains("could not acquire lock"))
}

fn corrupt(dir: &Path, reason: &str) -> StoreError {
    StoreError::Corrupt { place: dir.display().to_string(), reason: reason.to_owned() }
}
