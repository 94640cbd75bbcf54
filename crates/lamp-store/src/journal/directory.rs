//! The folder of the journal: which files are in it, and how they are named.

use std::fs::{self, File};
use std::path::{Path, PathBuf};

use crate::backend::directory as files;
use crate::error::StoreError;

/// Name of the folder in the data directory.
pub(crate) const FOLDER: &str = "journal";

const SEGMENT: &str = "log";
const CHECKPOINT: &str = "checkpoint";
/// What was not finished.
const UNFINISHED: &str = "unfinished";

/// The folder of the journal.
#[derive(Clone, Debug)]
pub(crate) struct Directory {
    path: PathBuf,
}

impl Directory {
    pub(crate) fn of(data_dir: &Path) -> Directory {
        Directory { path: data_dir.join(FOLDER) }
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    pub(crate) fn segment(&self, first: u64) -> PathBuf {
        self.path.join(format!("{first:020}.{SEGMENT}"))
    }

    pub(crate) fn checkpoint(&self, sequence: u64) -> PathBuf {
        self.path.join(format!("{sequence:020}.{CHECKPOINT}"))
    }

    pub(crate) fn unfinished(&self, sequence: u64) -> PathBuf {
        self.path.join(format!("{sequence:020}.{UNFINISHED}"))
    }

    /// Segments, by the sequence of their first frame.
    pub(crate) fn segments(&self) -> Result<Vec<(u64, PathBuf)>, StoreError> {
        self.named(SEGMENT)
    }

    /// Checkpoints, oldest first.
    pub(crate) fn checkpoints(&self) -> Result<Vec<(u64, PathBuf)>, StoreError> {
        self.named(CHECKPOINT)
    }

    /// Removes what a crash left half written.
    pub(crate) fn remove_unfinished(&self) -> Result<(), StoreError> {
        self.named(UNFINISHED)?.into_iter().try_for_each(|(_, path)| remove(&path))
    }

    /// Makes the names of its files durable.
    pub(crate) fn sync(&self) -> Result<(), StoreError> {
        files::sync(&self.path)
    }

    fn named(&self, extension: &str) -> Result<Vec<(u64, PathBuf)>, StoreError> {
        if !self.path.is_dir() {
            return Ok(Vec::new());
        }
        let number = |path: &Path| path.file_stem()?.to_str()?.parse::<u64>().ok();
        let mut found: Vec<_> = files::files(&self.path)?
            .into_iter()
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .filter_map(|path| Some((number(&path)?, path)))
            .collect();
        found.sort();
        Ok(found)
    }
}

pub(crate) fn read(path: &Path) -> Result<Vec<u8>, StoreError> {
    fs::read(path).map_err(|error| StoreError::io("read", path, error))
}

pub(crate) fn remove(path: &Path) -> Result<(), StoreError> {
    fs::remove_file(path).map_err(|error| StoreError::io("remove", path, error))
}

/// A new file that only its owner can read.
pub(crate) fn create(path: &Path) -> Result<File, StoreError> {
    use std::os::unix::fs::OpenOptionsExt;
    File::options()
        .create(true)
        .truncate(true)
        .read(true)
        .write(true)
        .mode(0o600)
        .open(path)
        .map_err(|error| StoreError::io("create", path, error))
}
