//! A checkpoint: every row as it was after one batch, with a digest over all of it.
//!
//! | bytes | are |
//! |---|---|
//! | 8 | magic, whose last byte is the version of this form |
//! | 8 | sequence of the batch |
//! | 16 | link of the batch: what the next frame is tied to |
//! | | rows in the order of their keys: length and key, length and value |
//! | 8 | count of the rows |
//! | 32 | BLAKE3 of all this |

use std::fs::{self, File};
use std::io::{BufWriter, Write};
use std::path::Path;

use super::directory::{self, Directory};
use super::frame::number;
use super::payload;
use super::{Link, ORIGIN, Rows};
use crate::error::StoreError;

const MAGIC: [u8; 8] = *b"lampchk\x01";
const HEAD: usize = 32;
const TAIL: usize = 40;

/// Every row, as of one batch.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Checkpoint {
    pub(crate) sequence: u64,
    pub(crate) link: Link,
    pub(crate) rows: Rows,
}

impl Checkpoint {
    /// Before the first batch.
    pub(crate) fn empty() -> Checkpoint {
        Checkpoint { sequence: 0, link: ORIGIN, rows: Rows::new() }
    }

    /// Writes it beside the others, durably; it has its name once all of it is on disk.
    pub(crate) fn write(&self, directory: &Directory) -> Result<(), StoreError> {
        let path = directory.unfinished(self.sequence);
        let file = directory::create(&path)?;
        self.write_to(file).map_err(|error| StoreError::io("write", &path, error))?;
        let name = directory.checkpoint(self.sequence);
        fs::rename(&path, &name).map_err(|error| StoreError::io("rename", &path, error))?;
        directory.sync()
    }

    fn write_to(&self, file: File) -> std::io::Result<()> {
        let mut out = Hashing { out: BufWriter::with_capacity(1 << 18, file), hash: blake3::Hasher::new() };
        out.write_all(&MAGIC)?;
        out.write_all(&self.sequence.to_le_bytes())?;
        out.write_all(&self.link)?;
        let too_long = || std::io::Error::new(std::io::ErrorKind::InvalidInput, "a row is too long");
        let mut line = Vec::new();
        for (key, value) in &self.rows {
            line.clear();
            payload::push(&mut line, key)
                .and_then(|()| payload::push(&mut line, value))
                .ok_or_else(too_long)?;
            out.write_all(&line)?;
        }
        out.write_all(&(self.rows.len() as u64).to_le_bytes())?;
        let digest = out.hash.finalize();
        out.out.write_all(digest.as_bytes())?;
        let file = out.out.into_inner().map_err(std::io::IntoInnerError::into_error)?;
        file.sync_all()
    }

    /// Reads one and proves it.
    ///
    /// # Errors
    /// [`StoreError::Io`]. The inner error says, for a person, what is wrong with its bytes.
    pub(crate) fn read(path: &Path) -> Result<Result<Checkpoint, &'static str>, StoreError> {
        Ok(Checkpoint::decode(&directory::read(path)?))
    }

    fn decode(bytes: &[u8]) -> Result<Checkpoint, &'static str> {
        let end = bytes.len().checked_sub(TAIL).filter(|end| *end >= HEAD).ok_or("it is too short")?;
        let proven = bytes.get(..end + 8).ok_or("it is too short")?;
        let digest: [u8; 32] = number(bytes, end + 8).ok_or("it is too short")?;
        if blake3::hash(proven) != blake3::Hash::from_bytes(digest) {
            return Err("its digest does not match");
        }
        if !bytes.starts_with(&MAGIC) {
            return Err("it has a form that this version does not know");
        }
        let sequence = u64::from_le_bytes(number(bytes, 8).ok_or("it is too short")?);
        let link = number(bytes, 16).ok_or("it is too short")?;
        let count = u64::from_le_bytes(number(bytes, end).ok_or("it is too short")?);
        let rows = decode_rows(bytes.get(HEAD..end).unwrap_or_default()).ok_or("a row is not whole")?;
        if rows.len() as u64 != count {
            return Err("rows are missing");
        }
        Ok(Checkpoint { sequence, link, rows })
    }
}

fn decode_rows(mut bytes: &[u8]) -> Option<Rows> {
    let mut rows = Rows::new();
    while !bytes.is_empty() {
        let key = payload::take(&mut bytes)?.to_vec();
        rows.insert(key, payload::take(&mut bytes)?.to_vec());
    }
    Some(rows)
}

/// Hashes what it writes.
struct Hashing {
    out: BufWriter<File>,
    hash: blake3::Hasher,
}

impl Hashing {
    fn write_all(&mut self, bytes: &[u8]) -> std::io::Result<()> {
        self.hash.update(bytes);
        self.out.write_all(bytes)
    }
}

/// Makes the checkpoint after the frames before `first`, which begins the newest segment, and removes what it and the
/// checkpoint before it make needless. Reads files that nobody writes any more, so it runs beside the writer.
///
/// # Errors
/// [`StoreError::Io`]; [`StoreError::Corrupt`] if what it is made from is damaged: nothing is removed then.
pub(crate) fn advance(directory: &Directory, first: u64) -> Result<(), StoreError> {
    let survey = super::Survey::take(directory)?;
    let upto = first.saturating_sub(1);
    let mut newest_first = survey.whole_checkpoints().rev();
    let base = newest_first.find(|base| survey.reach(base.sequence, base.link).sequence >= upto);
    let corrupt = |reason: &str| StoreError::corrupt(directory.path(), reason);
    let base = base.ok_or_else(|| corrupt("no checkpoint can be made from it"))?;
    let mut rows = base.rows()?;
    let link = survey.replay(base.sequence, upto, |writes| super::apply(&mut rows, writes))?;
    Checkpoint { sequence: upto, link: link.unwrap_or(base.link), rows }.write(directory)?;
    for found in &survey.damaged_checkpoints {
        tracing::warn!(file = %found.path.display(), what = found.what, "removing a damaged checkpoint");
        directory::remove(&found.path)?;
    }
    prune(directory)
}

/// How many checkpoints are kept.
const KEPT: usize = 2;

/// Keeps the newest checkpoints, and the segments since the oldest of them.
fn prune(directory: &Directory) -> Result<(), StoreError> {
    let checkpoints = directory.checkpoints()?;
    let excess = checkpoints.len().saturating_sub(KEPT);
    let Some((oldest, _)) = checkpoints.get(excess) else { return Ok(()) };
    checkpoints.iter().take(excess).try_for_each(|(_, path)| directory::remove(path))?;
    let segments = directory.segments()?;
    // A segment ends where the next one begins.
    for pair in segments.windows(2) {
        let [(_, path), (next, _)] = pair else { continue };
        if *next <= oldest + 1 {
            directory::remove(path)?;
        }
    }
    directory.sync()
}
