//! Space that is kept for the day on which the disk is full: letting it go leaves room to write down the outcomes of calls
//! that are under way, and for a person to see what is the matter.

use std::fs::File;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use rustix::fs::{FallocateFlags, fallocate, statvfs};

use crate::error::StoreError;

const LARGEST: u64 = 64 << 20;
/// Of a small file system, no more than this share is kept.
const SHARE: u64 = 20;

/// The file in a data directory.
#[derive(Debug)]
pub(super) struct Ballast {
    path: PathBuf,
    was_released: AtomicBool,
}

impl Ballast {
    pub(super) fn of(data_dir: &Path) -> Ballast {
        Ballast { path: data_dir.join("ballast"), was_released: AtomicBool::new(false) }
    }

    /// Lets go of the space if there is little left besides it, so that the store can be opened.
    pub(super) fn make_room(&self) -> Result<(), StoreError> {
        match self.free()? {
            (free, wanted) if free < wanted / 4 => self.release(),
            _ => Ok(()),
        }
    }

    /// Lets go of the space.
    pub(super) fn release(&self) -> Result<(), StoreError> {
        self.was_released.store(true, Ordering::Relaxed);
        if self.is_kept() {
            tracing::warn!(file = %self.path.display(), "the disk is full: the space kept for this is let go");
            std::fs::remove_file(&self.path).map_err(|error| StoreError::io("remove", &self.path, error))?;
        }
        Ok(())
    }

    /// Takes the space, if it is not taken and the disk has room for it and as much again.
    pub(super) fn restore(&self) -> Result<(), StoreError> {
        if self.is_kept() {
            return Ok(());
        }
        let (free, wanted) = self.free()?;
        if free < 2 * wanted {
            return Ok(());
        }
        if let Err(error) = self.allocate(wanted) {
            // Not every file system can do so, and none must.
            tracing::info!(file = %self.path.display(), %error, "no space is kept for a full disk");
            return if self.is_kept() { self.release() } else { Ok(()) };
        }
        Ok(())
    }

    /// Whether the space was let go, and is not taken again yet.
    pub(super) fn is_wanting(&self) -> bool {
        self.was_released.load(Ordering::Relaxed) && !self.is_kept()
    }

    fn is_kept(&self) -> bool {
        self.path.exists()
    }

    fn allocate(&self, bytes: u64) -> std::io::Result<()> {
        use std::os::unix::fs::OpenOptionsExt;
        let file = File::options().create_new(true).write(true).mode(0o600).open(&self.path)?;
        Ok(fallocate(&file, FallocateFlags::empty(), 0, bytes)?)
    }

    /// Bytes that are free, and bytes to keep.
    fn free(&self) -> Result<(u64, u64), StoreError> {
        let folder = self.path.parent().unwrap_or(Path::new("."));
        let space =
            statvfs(folder).map_err(|error| StoreError::io("ask for the space of", folder, error.into()))?;
        let wanted = (space.f_blocks.saturating_mul(space.f_frsize) / SHARE).min(LARGEST);
        Ok((space.f_bavail.saturating_mul(space.f_frsize), wanted))
    }
}
