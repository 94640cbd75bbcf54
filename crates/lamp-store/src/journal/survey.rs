//! What the journal's folder holds, sound or not. Reads everything and changes nothing.

use std::collections::BTreeMap;
use std::path::PathBuf;

use super::directory::{self, Directory};
use super::frame::{self, Start};
use super::scan::{Spot, scan};
use super::{Checkpoint, Link, Rows, payload};
use crate::backend::Write;
use crate::error::StoreError;

/// A frame that is whole.
#[derive(Clone, Debug)]
pub(crate) struct Place {
    /// Number of its segment in [`Survey::segments`].
    segment: usize,
    pub(crate) spot: Spot,
}

/// A file that is damaged, and how, for a person.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Found {
    pub(crate) path: PathBuf,
    pub(crate) what: String,
}

/// A checkpoint that was proven.
#[derive(Clone, Debug)]
pub(crate) struct Sound {
    pub(crate) sequence: u64,
    pub(crate) link: Link,
    path: PathBuf,
}

impl Sound {
    /// Its rows, read again: most openings need none of them.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Corrupt`] if it is no longer as it was.
    pub(crate) fn rows(&self) -> Result<Rows, StoreError> {
        let again = Checkpoint::read(&self.path)?;
        again.map(|checkpoint| checkpoint.rows).map_err(|what| StoreError::corrupt(&self.path, what))
    }
}

/// How far an unbroken row of frames leads.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Reach {
    pub(crate) sequence: u64,
    pub(crate) link: Link,
}

/// The newest segment, if it can be written on.
#[derive(Clone, Debug)]
pub(crate) struct Tail {
    pub(crate) path: PathBuf,
    /// The end of its last frame. What follows was not written to its end.
    pub(crate) end: u64,
    pub(crate) is_torn: bool,
}

/// All that the folder holds.
#[derive(Debug, Default)]
pub(crate) struct Survey {
    checkpoints: Vec<Sound>,
    segments: Vec<PathBuf>,
    frames: BTreeMap<u64, Place>,
    pub(crate) damaged_checkpoints: Vec<Found>,
    pub(crate) damaged_segments: Vec<Found>,
    pub(crate) tail: Option<Tail>,
    /// The highest sequence of which anything is left: so many batches were acknowledged at least.
    pub(crate) evidence: u64,
    /// There is nothing at all.
    pub(crate) is_empty: bool,
}

impl Survey {
    /// Reads everything.
    ///
    /// # Errors
    /// [`StoreError::Io`]. Damage is no error here.
    pub(crate) fn take(directory: &Directory) -> Result<Survey, StoreError> {
        let mut survey = Survey::default();
        for (sequence, path) in directory.checkpoints()? {
            survey.evidence = survey.evidence.max(sequence);
            match Checkpoint::read(&path)? {
                Ok(Checkpoint { sequence: named, link, .. }) if named == sequence => {
                    survey.checkpoints.push(Sound { sequence, link, path });
                }
                Ok(_) => survey.note_checkpoint(path, "it has the name of another one"),
                Err(what) => survey.note_checkpoint(path, what),
            }
        }
        let segments = directory.segments()?;
        let newest = segments.len();
        for (number, (first, path)) in segments.into_iter().enumerate() {
            survey.evidence = survey.evidence.max(first.saturating_sub(1));
            survey.take_segment(path, first, number + 1 == newest)?;
        }
        survey.is_empty =
            survey.checkpoints.is_empty() && survey.damaged_checkpoints.is_empty() && newest == 0;
        Ok(survey)
    }

    fn note_checkpoint(&mut self, path: PathBuf, what: &str) {
        self.damaged_checkpoints.push(Found { path, what: what.to_owned() });
    }

    fn take_segment(&mut self, path: PathBuf, first: u64, is_newest: bool) -> Result<(), StoreError> {
        let bytes = directory::read(&path)?;
        let scan = scan(&bytes);
        let last = scan.frames.last().map_or(first.saturating_sub(1), |spot| spot.sequence);
        // Damage behind the last frame was a frame as well, and was acknowledged for all that we know.
        self.evidence = self.evidence.max(last + u64::from(scan.ends_damaged));
        let segment = self.segments.len();
        self.frames.extend(scan.frames.iter().map(|spot| (spot.sequence, Place { segment, spot: *spot })));
        let is_unfinished = scan.is_stub || scan.torn.is_some();
        for offset in &scan.damaged {
            let what = format!("byte {offset} on is no frame that was written so");
            self.damaged_segments.push(Found { path: path.clone(), what });
        }
        if is_unfinished && !is_newest {
            let what = "it ends within a frame, and others follow it".to_owned();
            self.damaged_segments.push(Found { path: path.clone(), what });
        }
        if is_newest && !scan.is_stub {
            let end = scan.torn.unwrap_or(bytes.len()) as u64;
            self.tail = Some(Tail { path: path.clone(), end, is_torn: scan.torn.is_some() });
        }
        self.segments.push(path);
        Ok(())
    }

    /// The checkpoints that are sound, oldest first.
    pub(crate) fn whole_checkpoints(&self) -> impl DoubleEndedIterator<Item = &Sound> {
        self.checkpoints.iter()
    }

    /// Whether a segment can follow on a batch: nothing was written after the first checkpoint, or the newest segment, which
    /// begins there, was not even written to the end of its head.
    pub(crate) fn may_begin_after(&self, sequence: u64) -> bool {
        let last = self.frames.last_key_value().map_or(0, |(last, _)| *last);
        let stub = self.tail.is_none().then(|| self.segments.last()).flatten();
        let begins = stub.map_or(Some(1), |path| path.file_stem()?.to_str()?.parse::<u64>().ok());
        self.tail.is_none() && last <= sequence && begins == Some(sequence + 1)
    }

    /// The newest segment is not there, although something was written after the first checkpoint.
    pub(crate) fn lacks_segment(&self) -> bool {
        let newest = self.checkpoints.last().map_or(0, |checkpoint| checkpoint.sequence);
        self.segments.is_empty() && (newest > 0 || !self.damaged_checkpoints.is_empty())
    }

    /// The link of a batch, where the journal still knows it.
    pub(crate) fn link_of(&self, sequence: u64) -> Option<Link> {
        let frame = self.frames.get(&sequence).map(|place| place.spot.link);
        let mut checkpoints = self.checkpoints.iter().filter(|checkpoint| checkpoint.sequence == sequence);
        frame.or_else(|| checkpoints.next().map(|checkpoint| checkpoint.link))
    }

    /// How many files and frames there are, for a person.
    pub(crate) fn summary(&self) -> String {
        format!(
            "{} checkpoints, {} segments with {} batches, the newest with the number {}",
            self.checkpoints.len(),
            self.segments.len(),
            self.frames.len(),
            self.evidence
        )
    }

    /// How far frames lead from a batch on, each tied to the one before it.
    pub(crate) fn reach(&self, sequence: u64, link: Link) -> Reach {
        let mut reach = Reach { sequence, link };
        for (next, place) in self.frames.range(sequence + 1..) {
            if *next != reach.sequence + 1 || place.spot.previous != reach.link {
                break;
            }
            reach = Reach { sequence: *next, link: place.spot.link };
        }
        reach
    }

    /// Whether the last frame of the newest segment is the batch `sequence`, or that one is to be its first: then the
    /// segment can be written on.
    pub(crate) fn ends_with(&self, sequence: u64) -> bool {
        let newest = self.segments.len().checked_sub(1);
        let last = self.frames.last_key_value().map_or(0, |(last, _)| *last);
        let first = self.tail.as_ref().and_then(|tail| tail.path.file_stem()?.to_str()?.parse::<u64>().ok());
        let in_newest = self.frames.get(&sequence).is_some_and(|place| Some(place.segment) == newest);
        last <= sequence && (in_newest || first == Some(sequence + 1))
    }

    /// Hands on the writes of the frames after `after` up to `upto`, in order; the link of the last one.
    ///
    /// # Errors
    /// [`StoreError::Io`]; [`StoreError::Corrupt`] if a frame is not there, or no longer as it was.
    pub(crate) fn replay(
        &self,
        after: u64,
        upto: u64,
        mut each: impl FnMut(Vec<Write>),
    ) -> Result<Option<Link>, StoreError> {
        let mut open: Option<(usize, Vec<u8>)> = None;
        let mut last = None;
        for (_, place) in self.frames.range(after + 1..).take_while(|(sequence, _)| **sequence <= upto) {
            let path =
                self.segments.get(place.segment).ok_or_else(|| StoreError::unavailable("no segment"))?;
            if open.as_ref().is_none_or(|(segment, _)| *segment != place.segment) {
                open = Some((place.segment, directory::read(path)?));
            }
            let bytes = open.as_ref().map(|(_, bytes)| bytes.as_slice()).unwrap_or_default();
            let frame = bytes.get(place.spot.offset..).unwrap_or_default();
            let Start::Whole(frame) = frame::read(frame) else {
                return Err(StoreError::corrupt(path, "a frame changed while it was read"));
            };
            let writes = payload::decode(frame.payload);
            each(writes.ok_or_else(|| StoreError::corrupt(path, "a frame holds no batch"))?);
            last = Some(place.spot.link);
        }
        Ok(last)
    }
}
