//! A store from whatever is left of it.

use std::path::Path;

use super::take;
use crate::backend::{Backend, Consent, DiskBackend, INDEX, decide, directory};
use crate::damage::Damage;
use crate::error::StoreError;
use crate::index;
use crate::journal::{Directory, Survey};

/// What became of a data directory.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rebuilt {
    pub rows: usize,
    /// What was damaged and is not any more.
    pub damage: Vec<Damage>,
    /// How many of the last batches could not be read any more, and are given up.
    pub lost: u64,
}

/// Makes the index anew from the journal. Where the journal is damaged, what can still be read is taken, and the rest is
/// given up: this is how a person consents to a loss. What was damaged is moved aside.
///
/// # Errors
/// [`StoreError::Locked`] if a daemon has the directory; [`StoreError::Corrupt`] if nothing can be made of it;
/// [`StoreError::Io`].
pub fn rebuild(dir: &Path) -> Result<Rebuilt, StoreError> {
    let lock = take(dir)?;
    let survey = Survey::take(&Directory::of(dir))?;
    let is_enough = !survey.is_empty && decide(&survey, None, Consent::NoLoss).is_ok();
    if is_enough && dir.join(INDEX).exists() {
        directory::quarantine(dir, &[dir.join(INDEX)])?;
    }
    drop((survey, lock));
    let backend = DiskBackend::with_consent(dir, Consent::Loss)?;
    let rows = backend.load()?;
    let count = rows.len();
    index::load(rows, &dir.display().to_string())?;
    Ok(Rebuilt { rows: count, damage: backend.health().repaired, lost: backend.lost() })
}
