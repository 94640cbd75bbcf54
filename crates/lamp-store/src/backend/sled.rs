//! The index: rows in sled, used only in the ways that were found to be safe. It is no more than a copy of what the journal
//! says, so it is neither flushed nor synced with each batch, and one that is damaged is made again.
//!
//! * One tree, so that `apply_batch` alone is the atomic write.
//! * With each batch goes a seal: the batch's number, and a digest of all rows. Rows without a seal that fits are refused.
//! * sled panics, or spins, on some damage; it is opened and read on a thread of its own, with a deadline.
//! * After any error the handle is dropped: sled answers every later call with its first error.
//! * A segment of 2 MiB, so that ordinary leaves stay in the log.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::mpsc;
use std::time::{Duration, Instant};

use super::digest::Digest;
use super::seal::{SEAL_ROW, Seal};
use super::{Write, directory};
use crate::error::StoreError;
use crate::journal::{Link, Rows};

const SEGMENT_BYTES: usize = 2 << 20;
const CACHE_BYTES: u64 = 4 << 20;
/// Recovery that takes longer has met damage on which sled spins: so long for any index, and so long for its size.
const OPEN_DEADLINE: Duration = Duration::from_secs(10);
const BYTES_A_SECOND: u64 = 4 << 20;
/// With everything else, an opening takes less than half a minute.
const LONGEST_DEADLINE: Duration = Duration::from_secs(20);
/// sled's own lock can outlive the handle that held it.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
const LOCK_PAUSE: Duration = Duration::from_millis(20);
/// Rows that are written at once when an index is made again.
const CHUNK: usize = 1_000;

/// The index, open.
#[derive(Debug)]
pub(super) struct Index {
    db: sled::Db,
    digest: Digest,
}

/// What the index is found to be.
#[derive(Debug)]
pub(super) enum Opened {
    /// It has no rows.
    Empty(Index),
    /// It has rows and no seal: an older version wrote it, or its making was interrupted.
    Unsealed(Rows),
    /// It is what its seal says.
    Sealed { index: Index, seal: Seal, rows: Rows },
    /// It is damaged, and how.
    Broken(String),
    /// The disk did not let itself be read or written.
    Unreachable(StoreError),
}

impl Index {
    /// Opens the index in `dir` and proves it.
    pub(super) fn open(dir: &Path) -> Opened {
        let prepared = directory::create(dir).and_then(|()| directory::remove_unfinished_snapshots(dir));
        if let Err(error) = prepared {
            return Opened::Unreachable(error);
        }
        let opened = on_a_thread(dir);
        match directory::restrict(dir) {
            Ok(()) => opened,
            Err(error) => Opened::Unreachable(error),
        }
    }

    /// Writes a batch, after which it holds the rows of the batch that `sequence` numbers. It is durable some time later.
    ///
    /// # Errors
    /// Why the index cannot be used any more.
    pub(super) fn apply(&mut self, writes: &[Write], sequence: u64, link: Link) -> Result<(), String> {
        self.digest.apply(writes);
        let seal = Seal { sequence, link, rows: self.digest.rows(), digest: self.digest.sum() };
        self.write(writes, Some(&seal))
    }

    /// Fills an empty index.
    pub(super) fn fill(&mut self, rows: &Rows, sequence: u64, link: Link) -> Result<(), String> {
        let writes: Vec<Write> =
            rows.iter().map(|(key, value)| Write::Put(key.clone(), value.clone())).collect();
        for chunk in writes.chunks(CHUNK) {
            self.digest.apply(chunk);
            self.write(chunk, None)?;
        }
        self.apply(&[], sequence, link)?;
        self.flush()
    }

    /// Hands what it has to the disk, so that the next opening has nothing to add.
    pub(super) fn flush(&self) -> Result<(), String> {
        guarded(|| self.db.flush().map(drop).map_err(|error| error.to_string()))
    }

    fn write(&self, writes: &[Write], seal: Option<&Seal>) -> Result<(), String> {
        let mut batch = sled::Batch::default();
        for write in writes {
            match write {
                Write::Put(key, value) => batch.insert(key.as_slice(), value.as_slice()),
                Write::Remove(key) => batch.remove(key.as_slice()),
            }
        }
        if let Some(seal) = seal {
            batch.insert(SEAL_ROW, seal.encode());
        }
        guarded(|| self.db.apply_batch(batch).map_err(|error| error.to_string()))
    }
}

/// A panic inside sled counts as an error of this call.
fn guarded<T>(call: impl FnOnce() -> Result<T, String>) -> Result<T, String> {
    catch_unwind(AssertUnwindSafe(call)).unwrap_or_else(|_| Err("the storage engine panicked".to_owned()))
}

/// A panic or an endless loop in sled's recovery becomes a finding.
fn on_a_thread(dir: &Path) -> Opened {
    let (sender, receiver) = mpsc::channel();
    let path = dir.to_owned();
    let spawned = std::thread::Builder::new()
        .name("store-open".to_owned())
        .spawn(move || drop(sender.send(read_when_unlocked(&path))));
    if let Err(error) = spawned {
        return Opened::Unreachable(StoreError::io("start a thread to open", dir, error));
    }
    let deadline = deadline(dir);
    match receiver.recv_timeout(deadline) {
        Ok(opened) => opened,
        Err(mpsc::RecvTimeoutError::Timeout) => {
            Opened::Broken(format!("its recovery did not end within {} seconds", deadline.as_secs()))
        }
        Err(mpsc::RecvTimeoutError::Disconnected) => Opened::Broken("its recovery panicked".to_owned()),
    }
}

fn deadline(dir: &Path) -> Duration {
    let length = std::fs::metadata(dir.join("db")).map_or(0, |db| db.len());
    (OPEN_DEADLINE + Duration::from_secs(length / BYTES_A_SECOND)).min(LONGEST_DEADLINE)
}

fn read_when_unlocked(dir: &Path) -> Opened {
    let deadline = Instant::now() + LOCK_PATIENCE;
    let config = sled::Config::new().path(dir).segment_size(SEGMENT_BYTES).cache_capacity(CACHE_BYTES);
    loop {
        match config.open() {
            Ok(db) => return prove(dir, db),
            Err(error) if is_lock(&error) && Instant::now() < deadline => std::thread::sleep(LOCK_PAUSE),
            Err(error) if is_lock(&error) => {
                return Opened::Unreachable(StoreError::Locked { dir: dir.to_owned(), holder: None });
            }
            Err(sled::Error::Io(source)) => return unreadable(dir, source),
            Err(error) => return Opened::Broken(error.to_string()),
        }
    }
}

/// Reads every row, and compares them with the seal.
fn prove(dir: &Path, db: sled::Db) -> Opened {
    let mut rows = Rows::new();
    for item in db.iter() {
        match item {
            Ok((key, value)) => drop(rows.insert(key.to_vec(), value.to_vec())),
            Err(sled::Error::Io(source)) => return unreadable(dir, source),
            Err(error) => return Opened::Broken(error.to_string()),
        }
    }
    let seal = rows.remove(SEAL_ROW);
    let digest = Digest::of(&rows);
    match seal.map(|bytes| Seal::decode(&bytes)) {
        None if rows.is_empty() => Opened::Empty(Index { db, digest }),
        None => Opened::Unsealed(rows),
        Some(None) => Opened::Broken("its seal cannot be read".to_owned()),
        Some(Some(seal)) if (seal.rows, seal.digest) != (digest.rows(), digest.sum()) => Opened::Broken(
            format!("it holds {} rows that are not the {} that were written", digest.rows(), seal.rows),
        ),
        Some(Some(seal)) => Opened::Sealed { index: Index { db, digest }, seal, rows },
    }
}

/// A file that ends too early is damage; anything else is the disk's word.
fn unreadable(dir: &Path, source: std::io::Error) -> Opened {
    match source.kind() {
        std::io::ErrorKind::UnexpectedEof
        | std::io::ErrorKind::InvalidData
        | std::io::ErrorKind::InvalidInput
        | std::io::ErrorKind::NotFound
        | std::io::ErrorKind::Other => Opened::Broken(source.to_string()),
        _ => Opened::Unreachable(StoreError::io("open", dir, source)),
    }
}

/// sled reports its lock as an error of kind `Other`; only the text tells.
fn is_lock(error: &sled::Error) -> bool {
    matches!(error, sled::Error::Io(source) if source.to_string().contains("could not acquire lock"))
}
