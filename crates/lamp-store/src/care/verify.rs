//! Is everything there, and as it was written?

use std::collections::BTreeMap;
use std::path::Path;

use super::take;
use crate::audit::{AuditLog, AuditVerified};
use crate::backend::examine;
use crate::damage::Damage;
use crate::error::StoreError;
use crate::index;

/// What a data directory was found to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verified {
    /// What is not as it was written. If nothing else is wrong, the next start of the daemon makes it good.
    pub damage: Vec<Damage>,
    /// Why something that was acknowledged cannot be read any more, if so.
    pub lost: Option<String>,
    /// What the journal holds, for a person.
    pub journal: String,
    /// What the audit log was found to be.
    pub audit: AuditVerified,
    /// How many objects there are, by plural; records of what was made are `ledger`.
    pub counts: BTreeMap<String, usize>,
}

impl Verified {
    /// Whether everything is as it was written.
    pub fn is_sound(&self) -> bool {
        self.damage.is_empty() && self.lost.is_none() && self.audit.broken.is_none()
    }
}

/// Reads everything in a data directory, and changes nothing.
///
/// # Errors
/// [`StoreError::Locked`] if a daemon has it, [`StoreError::Io`]. Damage is no error.
pub fn verify(dir: &Path) -> Result<Verified, StoreError> {
    let _lock = take(dir)?;
    let examined = examine(dir)?;
    let loaded = examined.rows.and_then(|rows| {
        index::load(rows.into_iter().collect(), &dir.display().to_string()).map_err(|error| error.to_string())
    });
    let (lost, counts) = match loaded {
        Ok(index) => (None, count(&index.unwrap_or_default())),
        Err(why) => (Some(why), BTreeMap::new()),
    };
    Ok(Verified {
        damage: examined.damage,
        lost,
        journal: examined.summary,
        audit: AuditLog::verify(dir)?,
        counts,
    })
}

fn count(index: &index::Index) -> BTreeMap<String, usize> {
    let mut counts = BTreeMap::new();
    for key in index.objects.keys() {
        *counts.entry(key.plural.clone()).or_default() += 1;
    }
    counts.insert("ledger".to_owned(), index.ledger.values().map(BTreeMap::len).sum());
    counts
}
