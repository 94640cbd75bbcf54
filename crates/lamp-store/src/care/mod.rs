//! A data directory without a daemon: what `lamplighter store` does. Each takes the directory for itself.

mod export;
mod import;
mod lines;
mod rebuild;
mod verify;

use std::path::Path;

pub use export::export;
pub use import::import;
pub use rebuild::{Rebuilt, rebuild};
pub use verify::{Verified, verify};

use crate::backend::directory::DirectoryLock;
use crate::error::StoreError;

/// The lock of a data directory that is there.
fn take(dir: &Path) -> Result<DirectoryLock, StoreError> {
    if dir.is_dir() {
        return DirectoryLock::acquire(dir);
    }
    let missing = std::io::Error::new(std::io::ErrorKind::NotFound, "there is no such directory");
    Err(StoreError::io("open", dir, missing))
}
