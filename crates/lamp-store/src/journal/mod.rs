//! The journal: every batch, in order, on disk before anybody is told of it. It is the truth; whatever else lies in the
//! data directory can be made again from it.
//!
//! | file | is |
//! |---|---|
//! | `NNN.log` | a segment: the batches from the one with the sequence NNN on |
//! | `NNN.checkpoint` | every row as it was after the batch NNN |
//!
//! A segment that is full is followed by another one, and a checkpoint of all that is in it and before is made beside.
//! Two checkpoints are kept, and the segments since the older one: each row of a sound journal is there twice.

pub(crate) mod checkpoint;
mod directory;
mod frame;
mod payload;
mod scan;
mod segment;
mod survey;
mod writer;

#[cfg(test)]
mod tests;

pub(crate) use checkpoint::Checkpoint;
pub(crate) use directory::{Directory, FOLDER};
pub(crate) use survey::{Found, Reach, Sound, Survey};
pub(crate) use writer::Journal;

/// What ties a frame to the one before it: the first bytes of that one's hash.
pub(crate) type Link = [u8; 16];

/// The link of what comes first.
pub(crate) const ORIGIN: Link = [0; 16];

/// Rows by key, while they are put together.
pub(crate) type Rows = std::collections::BTreeMap<Vec<u8>, Vec<u8>>;

/// Writes a batch into rows.
pub(crate) fn apply(rows: &mut Rows, writes: Vec<crate::backend::Write>) {
    for write in writes {
        match write {
            crate::backend::Write::Put(key, value) => drop(rows.insert(key, value)),
            crate::backend::Write::Remove(key) => drop(rows.remove(&key)),
        }
    }
}
