//! A data directory from an export.

use std::path::Path;

use super::lines;
use crate::backend::INDEX;
use crate::backend::directory::{self, DirectoryLock};
use crate::error::StoreError;
use crate::index;
use crate::journal::{Checkpoint, Directory, FOLDER};

/// Makes a store of what [`super::export`] wrote, in a directory that holds none, and returns how many rows there are.
///
/// # Errors
/// [`StoreError::Invalid`] if the directory holds a store, or the file is no whole export; [`StoreError::Locked`],
/// [`StoreError::Corrupt`] if the rows do not fit together, [`StoreError::Io`].
pub fn import(file: &Path, dir: &Path) -> Result<usize, StoreError> {
    let text = std::fs::read_to_string(file).map_err(|error| StoreError::io("read", file, error))?;
    let rows = lines::read(&text).map_err(|why| StoreError::invalid(file.display(), why))?;
    directory::create(dir)?;
    let _lock = DirectoryLock::acquire(dir)?;
    if let Some(held) = [INDEX, FOLDER].into_iter().find(|name| dir.join(name).exists()) {
        let why = format!("{} holds a store already ({held}): name an empty directory", dir.display());
        return Err(StoreError::invalid(file.display(), why));
    }
    index::load(rows.clone().into_iter().collect(), &file.display().to_string())?;
    let journal = Directory::of(dir);
    directory::create(journal.path())?;
    let count = rows.len();
    // As the store was when its journal began: the daemon makes the index of it.
    Checkpoint { rows, ..Checkpoint::empty() }.write(&journal)?;
    directory::sync(dir)?;
    Ok(count)
}
