//! What befalls the data directory of a site.

use anyhow::Result;

use super::Site;
use crate::disk::Disk;

impl Site {
    /// The data directory is lost, and another one takes its place.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn lose_store(&mut self) -> Result<()> {
        self.disk = Disk::default();
        self.lost += 1;
        self.restart()?;
        self.make_namespace()
    }

    /// What a backup of the data directory would hold now.
    #[must_use]
    pub fn backup(&self) -> Disk {
        self.disk.copied()
    }

    /// The data directory is replaced by a backup, and the daemon started on it.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn restore(&mut self, backup: &Disk) -> Result<()> {
        self.disk = backup.copied();
        self.restart()
    }

    /// A person says that a store which was found to be older than AWS is to stand, and starts the daemon again.
    ///
    /// # Errors
    /// When the store cannot be written or opened.
    pub fn confirm_epoch(&mut self) -> Result<Option<String>> {
        let confirmed = self.finish(lamp_controller::confirm_epoch(&self.process.store))???;
        self.restart()?;
        Ok(confirmed)
    }
}
