//! The end of the journal, where it is written.

use std::fs::File;
use std::io::{Seek, SeekFrom, Write};
use std::path::PathBuf;

use super::directory::{self, Directory};
use super::segment::SegmentHead;
use super::survey::{Reach, Tail};
use super::{Link, frame, payload};
use crate::backend::Batch;
use crate::error::StoreError;

/// A segment that has grown to this is followed by another one.
const FULL: u64 = 4 << 20;
/// After a rotation that failed, for lack of space for example, it is tried again when so much more was written.
const PATIENCE: u64 = 1 << 20;

/// The newest segment, open for writing. After an error it must not be used any more: what the disk has is not known.
#[derive(Debug)]
pub(crate) struct Journal {
    directory: Directory,
    path: PathBuf,
    file: File,
    length: u64,
    rotates_at: u64,
    sequence: u64,
    link: Link,
}

impl Journal {
    /// Begins a segment after the batch that `last` names.
    pub(crate) fn begin(directory: Directory, last: Reach) -> Result<Journal, StoreError> {
        let path = directory.segment(last.sequence + 1);
        let mut file = directory::create(&path)?;
        let head = SegmentHead { first: last.sequence + 1, previous: last.link }.encode();
        let written = file.write_all(&head).and_then(|()| file.sync_all());
        written.map_err(|error| StoreError::io("write", &path, error))?;
        directory.sync()?;
        let length = head.len() as u64;
        Ok(Journal {
            directory,
            path,
            file,
            length,
            rotates_at: FULL,
            sequence: last.sequence,
            link: last.link,
        })
    }

    /// Goes on with a segment whose last frame is the batch that `last` names. What was not written to its end goes.
    pub(crate) fn resume(directory: Directory, tail: &Tail, last: Reach) -> Result<Journal, StoreError> {
        let failed = |error| StoreError::io("open", &tail.path, error);
        let mut file = File::options().read(true).write(true).open(&tail.path).map_err(failed)?;
        file.set_len(tail.end).map_err(failed)?;
        file.seek(SeekFrom::End(0)).map_err(failed)?;
        // What was read must be durable before anybody is told of it.
        file.sync_all().map_err(failed)?;
        directory.sync()?;
        let (path, length) = (tail.path.clone(), tail.end);
        let rotates_at = FULL.max(length);
        Ok(Journal { directory, path, file, length, rotates_at, sequence: last.sequence, link: last.link })
    }

    /// Writes a batch; it is durable when this returns its sequence.
    pub(crate) fn append(&mut self, batch: &Batch) -> Result<u64, StoreError> {
        let too_large = || StoreError::invalid("a batch", "it is larger than the journal can hold");
        let payload = payload::encode(batch).ok_or_else(too_large)?;
        let sequence = self.sequence + 1;
        let (bytes, link) = frame::encode(sequence, &self.link, &payload).ok_or_else(too_large)?;
        let written = self.file.write_all(&bytes).and_then(|()| self.file.sync_data());
        written.map_err(|error| StoreError::io("write", &self.path, error))?;
        self.length += bytes.len() as u64;
        (self.sequence, self.link) = (sequence, link);
        Ok(sequence)
    }

    /// The last batch.
    pub(crate) fn last(&self) -> Reach {
        Reach { sequence: self.sequence, link: self.link }
    }

    /// Where the last batch ends: what lies behind it in this file was never acknowledged.
    pub(crate) fn end(&self) -> (PathBuf, u64) {
        (self.path.clone(), self.length)
    }

    pub(crate) fn is_full(&self) -> bool {
        self.length >= self.rotates_at
    }

    /// Goes on in a new segment; the sequence of its first frame. If that fails, this one is written on.
    pub(crate) fn rotate(&mut self) -> Result<u64, StoreError> {
        match Journal::begin(self.directory.clone(), self.last()) {
            Ok(next) => {
                *self = next;
                Ok(self.sequence + 1)
            }
            Err(error) => {
                self.rotates_at = self.length + PATIENCE;
                // A stub of it would be taken for the newest segment.
                let stub = self.directory.segment(self.sequence + 1);
                if stub.exists() { directory::remove(&stub).and(Err(error)) } else { Err(error) }
            }
        }
    }
}
