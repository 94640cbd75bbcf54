//! Puts a data directory in order after its rows are known: the journal goes on where it can, or is begun again after
//! them; the index becomes what they are. What was damaged is moved aside, not removed.

use std::path::{Path, PathBuf};

use super::Write;
use super::directory;
use super::opening::{INDEX, Plan};
use super::sled::{Index, Opened};
use crate::error::StoreError;
use crate::journal::{Checkpoint, Directory, Journal, Reach, Rows, Survey};

/// What the store is, and where.
pub(super) struct Mending<'a> {
    pub(super) dir: &'a Path,
    pub(super) rows: &'a Rows,
    /// The last batch.
    pub(super) last: Reach,
}

impl Mending<'_> {
    /// The journal, open behind the last batch.
    pub(super) fn journal(&self, directory: &Directory, survey: &Survey) -> Result<Journal, StoreError> {
        let is_sound = survey.damaged_checkpoints.is_empty() && survey.damaged_segments.is_empty();
        match &survey.tail {
            Some(tail) if is_sound && survey.ends_with(self.last.sequence) => {
                if tail.is_torn {
                    tracing::info!(file = %tail.path.display(), "a write that was cut off, and that nobody was told of, is removed");
                }
                Journal::resume(directory.clone(), tail, self.last)
            }
            _ if is_sound && survey.may_begin_after(self.last.sequence) => {
                Journal::begin(directory.clone(), self.last)
            }
            _ => self.begin_again(directory),
        }
    }

    /// A checkpoint of what is sound, and a segment after it; then the old files go.
    fn begin_again(&self, directory: &Directory) -> Result<Journal, StoreError> {
        let (sequence, link) = (self.last.sequence, self.last.link);
        let segment = directory.segment(sequence + 1);
        if segment.exists() {
            // Nothing in it could be read, and another one of this name begins.
            directory::quarantine(self.dir, std::slice::from_ref(&segment))?;
        }
        let files = directory.segments()?.into_iter().chain(directory.checkpoints()?);
        let old: Vec<PathBuf> = files.map(|(_, path)| path).collect();
        Checkpoint { sequence, link, rows: self.rows.clone() }.write(directory)?;
        let journal = Journal::begin(directory.clone(), self.last)?;
        let checkpoint = directory.checkpoint(sequence);
        let needless: Vec<PathBuf> = old.into_iter().filter(|path| *path != checkpoint).collect();
        directory::quarantine(self.dir, &needless)?;
        directory.sync()?;
        Ok(journal)
    }

    /// The index with these rows, `tail` of which are not in it yet. `None`: there is none for now.
    pub(super) fn index(&self, plan: Plan, tail: &[Write]) -> Option<Index> {
        let Reach { sequence, link } = self.last;
        let made = match plan {
            Plan::Keep(index) if tail.is_empty() => Ok(index),
            Plan::Keep(mut index) => index.apply(tail, sequence, link).map(|()| index),
            Plan::Fill(mut index) => index.fill(self.rows, sequence, link).map(|()| index),
            Plan::Anew(_) => self.make_anew(),
            Plan::Without => return None,
        };
        match made {
            Ok(index) => Some(index),
            Err(why) => {
                tracing::warn!(why, "the index cannot be kept; the journal serves without it");
                None
            }
        }
    }

    fn make_anew(&self) -> Result<Index, String> {
        let path = self.dir.join(INDEX);
        directory::quarantine(self.dir, std::slice::from_ref(&path)).map_err(|error| error.to_string())?;
        match Index::open(&path) {
            Opened::Empty(mut index) => {
                index.fill(self.rows, self.last.sequence, self.last.link)?;
                Ok(index)
            }
            Opened::Unreachable(error) => Err(error.to_string()),
            Opened::Broken(why) => Err(why),
            Opened::Unsealed(_) | Opened::Sealed { .. } => Err("a new directory is not empty".to_owned()),
        }
    }
}
