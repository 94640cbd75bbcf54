//! Looks at a data directory and changes nothing in it.

use std::fs;
use std::path::Path;

use super::decision::{Consent, decide};
use super::opening::{INDEX, base_rows, damage, judge, plan_for};
use super::sled::{Index, Opened};
use crate::damage::{Damage, DamagedPart};
use crate::error::StoreError;
use crate::journal::{self, Directory, Rows, Survey};

/// What a data directory holds.
#[derive(Debug)]
pub(crate) struct Examination {
    /// What is not as it was written.
    pub(crate) damage: Vec<Damage>,
    /// Everything that was acknowledged, or why it cannot be read any more.
    pub(crate) rows: Result<Rows, String>,
    /// What there is, for a person.
    pub(crate) summary: String,
}

/// Reads everything. Nobody may write there meanwhile: the caller holds the lock.
///
/// # Errors
/// [`StoreError::Io`]. Damage is no error here.
pub(crate) fn examine(dir: &Path) -> Result<Examination, StoreError> {
    let survey = Survey::take(&Directory::of(dir))?;
    let summary = if survey.is_empty { "no journal".to_owned() } else { survey.summary() };
    // sled changes what it opens.
    let copy = tempfile::tempdir().map_err(|error| StoreError::io("make", &std::env::temp_dir(), error))?;
    let found = match dir.join(INDEX) {
        index if index.is_dir() => {
            copy_folder(&index, copy.path())?;
            Index::open(copy.path())
        }
        _ => Index::open(copy.path()),
    };
    if survey.is_empty { without_journal(found, summary) } else { with_journal(&survey, found, summary) }
}

fn without_journal(found: Opened, summary: String) -> Result<Examination, StoreError> {
    let (damage, rows) = match found {
        Opened::Empty(_) => (Vec::new(), Ok(Rows::new())),
        Opened::Unsealed(rows) => (Vec::new(), Ok(rows)),
        Opened::Sealed { rows, .. } => (vec![Damage::new(DamagedPart::Journal, "it is missing")], Ok(rows)),
        Opened::Broken(why) => (vec![Damage::new(DamagedPart::Index, why.as_str())], Err(why)),
        Opened::Unreachable(error) => return Err(error),
    };
    Ok(Examination { damage, rows, summary })
}

fn with_journal(survey: &Survey, found: Opened, summary: String) -> Result<Examination, StoreError> {
    let (plan, sealed) = judge(survey, found);
    let reach = sealed.as_ref().map(|(reach, _)| *reach);
    let best = decide(survey, reach, Consent::Loss);
    let plan = match &best {
        Ok(decision) => plan_for(plan, decision),
        Err(_) => plan,
    };
    let damage = best.map(|decision| damage(survey, &plan, &decision)).unwrap_or_default();
    let rows = match decide(survey, reach, Consent::NoLoss) {
        Err(why) => Err(why),
        Ok(decision) => {
            let mut rows = base_rows(survey, sealed.map(|(_, rows)| rows), decision.base)?;
            let (from, upto) = (decision.from.sequence, decision.upto.sequence);
            survey.replay(from, upto, |writes| journal::apply(&mut rows, writes))?;
            Ok(rows)
        }
    };
    Ok(Examination { damage, rows, summary })
}

fn copy_folder(from: &Path, to: &Path) -> Result<(), StoreError> {
    let failed = |error| StoreError::io("copy", from, error);
    for entry in fs::read_dir(from).map_err(failed)? {
        let entry = entry.map_err(failed)?;
        let target = to.join(entry.file_name());
        if entry.file_type().map_err(failed)?.is_dir() {
            fs::create_dir_all(&target).map_err(failed)?;
            copy_folder(&entry.path(), &target)?;
        } else {
            fs::copy(entry.path(), &target).map_err(failed)?;
        }
    }
    Ok(())
}
