//! Rows in a data directory: a journal that is the truth, and an index beside it.
//!
//! A batch is durable, and acknowledged, once the journal has it: one write and one `fdatasync`. The index follows in
//! memory, and reaches the disk in its own time; opening brings it to where the journal ends. An index that fails is
//! given up until the next opening: the journal serves without it.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

use super::ballast::Ballast;
use super::decision::Consent;
use super::directory::{self, DirectoryLock};
use super::opening::{self, Opening};
use super::sled::Index;
use super::{Backend, Batch, Row};
use crate::damage::{Damage, Health};
use crate::error::StoreError;
use crate::journal::{Directory, Journal, checkpoint};

/// Rows in a directory of this process alone.
#[derive(Debug)]
pub struct DiskBackend {
    dir: PathBuf,
    consent: Consent,
    ballast: Ballast,
    state: Mutex<State>,
    /// What was made good. Apart from the state, so that who asks does not wait for the disk.
    repaired: Mutex<Repaired>,
    // Declared last, so dropped last: no other process may come in while anything is still written.
    _lock: DirectoryLock,
}

#[derive(Debug, Default)]
struct State {
    open: Option<Open>,
    /// The segment that was written last, and where what was acknowledged ends in it.
    acknowledged: Option<(PathBuf, u64)>,
}

#[derive(Clone, Debug, Default)]
struct Repaired {
    damage: Vec<Damage>,
    lost: u64,
}

#[derive(Debug)]
struct Open {
    journal: Journal,
    index: Option<Index>,
    checkpoint: Option<JoinHandle<()>>,
}

impl DiskBackend {
    /// Takes the directory for this process. [`Backend::load`] opens what is in it.
    ///
    /// # Errors
    /// [`StoreError::Locked`] at once if another live process holds the directory, [`StoreError::Io`].
    pub fn new(data_dir: &Path) -> Result<DiskBackend, StoreError> {
        DiskBackend::with_consent(data_dir, Consent::NoLoss)
    }

    pub(crate) fn with_consent(data_dir: &Path, consent: Consent) -> Result<DiskBackend, StoreError> {
        directory::create(data_dir)?;
        let lock = DirectoryLock::acquire(data_dir)?;
        let (dir, ballast) = (data_dir.to_owned(), Ballast::of(data_dir));
        let (state, repaired) = (Mutex::default(), Mutex::default());
        Ok(DiskBackend { dir, consent, ballast, state, repaired, _lock: lock })
    }

    /// Batches that were given up, with consent, when it was opened.
    pub(crate) fn lost(&self) -> u64 {
        self.repaired().lost
    }

    fn repaired(&self) -> MutexGuard<'_, Repaired> {
        self.repaired.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// After a commit that failed, what it left is not known: it goes, as nobody was told of it.
    fn forget_unacknowledged(state: &State) -> Result<(), StoreError> {
        // A segment that is no longer there was begun again.
        let Some((path, end)) = state.acknowledged.as_ref().filter(|(path, _)| path.exists()) else {
            return Ok(());
        };
        let cut = |file: File| file.set_len(*end).and_then(|()| file.sync_all());
        let cut = File::options().write(true).open(path).and_then(cut);
        cut.map_err(|error| StoreError::io("cut", path, error))
    }

    /// Makes room where there is none, so that the next attempt has some.
    fn note(&self, error: StoreError) -> StoreError {
        if error.is_full()
            && let Err(error) = self.ballast.release()
        {
            tracing::warn!(%error, "the space kept for a full disk could not be let go");
        }
        error
    }
}

impl Backend for DiskBackend {
    fn load(&self) -> Result<Vec<Row>, StoreError> {
        let mut state = self.state();
        drop(state.open.take());
        DiskBackend::forget_unacknowledged(&state)?;
        self.ballast.make_room()?;
        let opened = opening::open(&self.dir, self.consent).map_err(|error| self.note(error))?;
        self.ballast.restore()?;
        let Opening { journal, index, rows, damage, lost } = opened;
        state.acknowledged = Some(journal.end());
        let mut repaired = self.repaired();
        repaired.damage.extend(damage);
        repaired.lost += lost;
        state.open = Some(Open { journal, index, checkpoint: None });
        Ok(rows.into_iter().collect())
    }

    fn commit(&self, batch: &Batch) -> Result<(), StoreError> {
        let mut state = self.state();
        let closed = || StoreError::unavailable("the store is closed");
        let mut open = state.open.take().ok_or_else(closed)?;
        // After an error the journal stays closed until it is read again.
        open.journal.append(batch).map_err(|error| self.note(error))?;
        open.index(batch);
        if open.rotate(&Directory::of(&self.dir))
            && let Err(error) = self.ballast.restore()
        {
            tracing::warn!(%error, "no space is kept for a full disk");
        }
        state.acknowledged = Some(open.journal.end());
        state.open = Some(open);
        Ok(())
    }

    fn health(&self) -> Health {
        let is_short_of_space = self.ballast.is_wanting();
        Health { repaired: self.repaired().damage.clone(), is_short_of_space }
    }
}

impl Open {
    /// Lets the index follow. What it cannot take costs the next opening some time.
    fn index(&mut self, batch: &Batch) {
        let Some(mut index) = self.index.take() else { return };
        let last = self.journal.last();
        match index.apply(&batch.writes, last.sequence, last.link) {
            Ok(()) => self.index = Some(index),
            Err(why) => tracing::warn!(why, "the index failed; the journal serves without it"),
        }
    }

    /// Begins another segment, if this one is full and no checkpoint is being made; one is made then.
    fn rotate(&mut self, directory: &Directory) -> bool {
        let is_busy = self.checkpoint.as_ref().is_some_and(|thread| !thread.is_finished());
        if !self.journal.is_full() || is_busy {
            return false;
        }
        match self.journal.rotate() {
            Ok(first) => self.checkpoint = make_checkpoint(directory.clone(), first),
            Err(error) => tracing::warn!(%error, "no segment could be begun; the old one is written on"),
        }
        true
    }
}

impl Drop for Open {
    fn drop(&mut self) {
        // Nobody may come in while files are still removed. A thread that panicked has said so.
        let _ = self.checkpoint.take().map(JoinHandle::join);
        if let Some(Err(why)) = self.index.as_ref().map(Index::flush) {
            tracing::debug!(why, "the index was not flushed; the next opening adds what it lacks");
        }
    }
}

/// On a thread of its own: writers do not wait for it.
fn make_checkpoint(directory: Directory, first: u64) -> Option<JoinHandle<()>> {
    let make = move || {
        if let Err(error) = checkpoint::advance(&directory, first) {
            tracing::warn!(%error, "no checkpoint could be made; the journal grows until one can");
        }
    };
    match std::thread::Builder::new().name("store-checkpoint".to_owned()).spawn(make) {
        Ok(thread) => Some(thread),
        Err(error) => {
            tracing::warn!(%error, "no thread for a checkpoint");
            None
        }
    }
}
