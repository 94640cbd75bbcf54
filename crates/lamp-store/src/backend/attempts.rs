//! Openings of sled that did not come to an end.

use std::fs;
use std::path::{Path, PathBuf};

use crate::error::StoreError;

/// A count of openings that did not come to an end, in a file: whatever ends the process while sled opens its directory
/// would end the next one as well.
#[derive(Clone, Debug)]
pub(super) struct Attempts {
    path: PathBuf,
}

impl Attempts {
    pub(super) fn of(data_dir: &Path) -> Attempts {
        Attempts { path: data_dir.join("opening") }
    }

    /// How many there were before this one, which begins now.
    pub(super) fn begin(&self) -> u32 {
        let before = fs::read_to_string(&self.path).ok().and_then(|text| text.trim().parse().ok());
        let before = before.unwrap_or(0);
        // A count that cannot be written costs a guess on a disk that is full, and nothing else.
        if let Err(error) = fs::write(&self.path, format!("{}\n", before + 1)) {
            tracing::debug!(%error, "the opening was not counted");
        }
        before
    }

    pub(super) fn end(&self) -> Result<(), StoreError> {
        if !self.path.exists() {
            return Ok(());
        }
        fs::remove_file(&self.path).map_err(|error| StoreError::io("remove", &self.path, error))
    }
}
