//! Where rows are durable. A backend knows bytes, not objects.

mod attempts;
mod ballast;
mod decision;
mod digest;
pub(crate) mod directory;
mod disk;
mod examination;
mod memory;
mod mending;
mod opening;
mod seal;
mod sled;

use std::fmt::Debug;

pub(crate) use self::decision::{Consent, decide};
pub use self::disk::DiskBackend;
pub(crate) use self::examination::examine;
pub use self::memory::MemoryBackend;
pub(crate) use self::opening::INDEX;
use crate::damage::Health;
use crate::error::StoreError;

/// A row as bytes: key, value.
pub type Row = (Vec<u8>, Vec<u8>);

/// One write to one row.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Write {
    Put(Vec<u8>, Vec<u8>),
    Remove(Vec<u8>),
}

/// Writes that become durable together or not at all. Each row is written at most once.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Batch {
    pub writes: Vec<Write>,
}

/// An ordered set of rows with one atomic, durable write. Only the store's writer calls it, one call at a time.
pub trait Backend: Debug + Send + Sync {
    /// Every row, in any order. Called once at the start, and after each failed commit before the next one,
    /// so that the store learns whether the failed commit reached the disk after all.
    ///
    /// # Errors
    /// [`StoreError::Locked`], [`StoreError::Corrupt`], [`StoreError::Io`].
    fn load(&self) -> Result<Vec<Row>, StoreError>;

    /// Makes the batch durable: when this returns `Ok`, the batch survives the loss of power.
    ///
    /// # Errors
    /// Any error means "perhaps": the batch is on disk whole or not at all.
    fn commit(&self, batch: &Batch) -> Result<(), StoreError>;

    /// How the disk is.
    fn health(&self) -> Health {
        Health::default()
    }

    /// Whether `commit` blocks its thread. If so the store gives it a thread of its own.
    fn commits_block(&self) -> bool {
        true
    }

    /// Whether it is asked less and less often while it fails, in the time of this machine.
    fn is_spared(&self) -> bool {
        true
    }
}
