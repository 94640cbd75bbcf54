//! Everything that a data directory holds, in one file that a person can read.

use std::fs::File;
use std::io::Write;
use std::path::Path;

use super::{lines, take};
use crate::backend::examine;
use crate::error::StoreError;

/// Writes everything into a new file, as lines of JSON, and returns how many rows there are. Nothing in the directory is
/// changed, and it may be damaged, as long as nothing of it is lost.
///
/// # Errors
/// [`StoreError::Locked`] if a daemon has the directory; [`StoreError::Corrupt`] if something that was acknowledged cannot
/// be read any more; [`StoreError::Io`], also if the file is there already.
pub fn export(dir: &Path, file: &Path) -> Result<usize, StoreError> {
    let _lock = take(dir)?;
    let rows = examine(dir)?.rows.map_err(|why| StoreError::corrupt(dir, why))?;
    let text = lines::write(&rows).map_err(|why| StoreError::corrupt(dir, why))?;
    write(file, &text).map_err(|error| StoreError::io("write", file, error))?;
    Ok(rows.len())
}

fn write(path: &Path, text: &str) -> std::io::Result<()> {
    use std::os::unix::fs::OpenOptionsExt;
    let mut file = File::options().create_new(true).write(true).mode(0o600).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}
