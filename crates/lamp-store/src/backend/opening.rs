//! Opens a data directory: reads all that is in it, decides what the store is, and has made good what is damaged.

use std::path::Path;

use super::attempts::Attempts;
use super::decision::{Base, Consent, Decision, decide};
use super::directory;
use super::mending::Mending;
use super::sled::{Index, Opened};
use crate::damage::{Damage, DamagedPart};
use crate::error::StoreError;
use crate::journal::{self, Checkpoint, Directory, Journal, ORIGIN, Reach, Rows, Sound, Survey};

/// Name of sled's directory.
pub(crate) const INDEX: &str = "objects.sled";

/// Openings of sled in a row that may end with the process before sled is no longer asked.
const ATTEMPTS: u32 = 2;

/// An open data directory.
#[derive(Debug)]
pub(super) struct Opening {
    pub(super) journal: Journal,
    /// `None`: the disk does not let it be kept now. The journal says everything.
    pub(super) index: Option<Index>,
    pub(super) rows: Rows,
    pub(super) damage: Vec<Damage>,
    /// Batches that are given up, with consent.
    pub(super) lost: u64,
}

/// What is to become of the index.
pub(super) enum Plan {
    /// It is sound: what follows in the journal is added.
    Keep(Index),
    /// It is empty: everything is written into it.
    Fill(Index),
    /// It is damaged, and how: another one takes its place.
    Anew(String),
    /// The disk does not let it be read now: it is left as it is.
    Without,
}

/// Opens the data directory, of which nothing else may be open.
///
/// # Errors
/// [`StoreError::Corrupt`] if something that was acknowledged is neither in the journal nor in the index, and nobody
/// consented to its loss: nothing is changed then. [`StoreError::Io`], [`StoreError::Locked`].
pub(super) fn open(dir: &Path, consent: Consent) -> Result<Opening, StoreError> {
    let journal = Directory::of(dir);
    directory::create(journal.path())?;
    journal.remove_unfinished()?;
    let survey = Survey::take(&journal)?;
    match open_index(dir)? {
        Opened::Unreachable(error) if survey.is_empty || matches!(error, StoreError::Locked { .. }) => {
            Err(error)
        }
        Opened::Broken(reason) if survey.is_empty => Err(StoreError::corrupt(dir, reason)),
        Opened::Sealed { .. } if survey.is_empty && consent == Consent::NoLoss => {
            Err(StoreError::corrupt(dir, "its journal is missing"))
        }
        Opened::Empty(index) if survey.is_empty => begin(dir, &journal, Rows::new(), Plan::Fill(index)),
        Opened::Unsealed(rows) if survey.is_empty => take_over(dir, &journal, rows),
        found => restore(dir, &journal, &survey, found, consent),
    }
}

/// What sled holds. It is asked only where it did not end the process the last times.
fn open_index(dir: &Path) -> Result<Opened, StoreError> {
    let attempts = Attempts::of(dir);
    let opened = if attempts.begin() < ATTEMPTS {
        Index::open(&dir.join(INDEX))
    } else {
        Opened::Broken(format!("opening it ended the process {ATTEMPTS} times in a row"))
    };
    attempts.end()?;
    Ok(opened)
}

/// Begins the journal of a store that an older version wrote.
fn take_over(dir: &Path, journal: &Directory, rows: Rows) -> Result<Opening, StoreError> {
    // What was lost before must not be sealed as if it were whole.
    let copy = rows.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
    crate::index::load(copy, &dir.display().to_string())?;
    tracing::info!(rows = rows.len(), "a journal is begun for a store that had none");
    begin(dir, journal, rows, Plan::Anew("it was written by a version that had no journal".to_owned()))
}

/// Begins a journal. The checkpoint comes first: a journal without one would be that of an empty store.
fn begin(dir: &Path, journal: &Directory, rows: Rows, plan: Plan) -> Result<Opening, StoreError> {
    Checkpoint { rows: rows.clone(), ..Checkpoint::empty() }.write(journal)?;
    directory::sync(dir)?;
    let first = Reach { sequence: 0, link: ORIGIN };
    let opened = Journal::begin(journal.clone(), first)?;
    let index = Mending { dir, rows: &rows, last: first }.index(plan, &[]);
    Ok(Opening { journal: opened, index, rows, damage: Vec::new(), lost: 0 })
}

/// Opens the journal, and brings the index to where it ends.
fn restore(
    dir: &Path,
    journal: &Directory,
    survey: &Survey,
    found: Opened,
    consent: Consent,
) -> Result<Opening, StoreError> {
    let (plan, sealed) = judge(survey, found);
    let reach = sealed.as_ref().map(|(reach, _)| *reach);
    let decision = decide(survey, reach, consent).map_err(|reason| StoreError::corrupt(dir, reason))?;
    let plan = plan_for(plan, &decision);
    let mut rows = base_rows(survey, sealed.map(|(_, rows)| rows), decision.base)?;
    let mut tail = Vec::new();
    survey.replay(decision.from.sequence, decision.upto.sequence, |writes| {
        tail.extend(writes.iter().cloned());
        journal::apply(&mut rows, writes);
    })?;
    let damage = damage(survey, &plan, &decision);
    let mending = Mending { dir, rows: &rows, last: decision.upto };
    let opened = mending.journal(journal, survey)?;
    let index = mending.index(plan, &tail);
    for one in &damage {
        tracing::error!(part = one.part.name(), what = one.what, "the store was damaged, and is made good");
    }
    Ok(Opening { journal: opened, index, rows, damage, lost: decision.lost() })
}

/// Whether the index is sound, and if so, its rows and their batch.
pub(super) fn judge(survey: &Survey, found: Opened) -> (Plan, Option<(Reach, Rows)>) {
    match found {
        Opened::Empty(index) => (Plan::Fill(index), None),
        Opened::Unsealed(_) => (Plan::Anew("it has no seal: its making was interrupted".to_owned()), None),
        Opened::Broken(what) => (Plan::Anew(what), None),
        Opened::Unreachable(error) => {
            tracing::warn!(%error, "the index cannot be opened; the journal serves without it");
            (Plan::Without, None)
        }
        Opened::Sealed { index, seal, rows } => {
            let known = survey.link_of(seal.sequence);
            if known.is_some_and(|link| link != seal.link) {
                return (Plan::Anew("it belongs to another journal".to_owned()), None);
            }
            (Plan::Keep(index), Some((Reach { sequence: seal.sequence, link: seal.link }, rows)))
        }
    }
}

/// An index that the rows are not taken from is not on their way.
pub(super) fn plan_for(plan: Plan, decision: &Decision) -> Plan {
    match plan {
        Plan::Keep(index) if decision.base != Base::Index => {
            drop(index);
            Plan::Anew("it is older than what follows on it in the journal".to_owned())
        }
        plan => plan,
    }
}

pub(super) fn base_rows(survey: &Survey, sealed: Option<Rows>, base: Base) -> Result<Rows, StoreError> {
    match base {
        Base::Index => Ok(sealed.unwrap_or_default()),
        Base::Origin => Ok(Rows::new()),
        Base::Checkpoint(sequence) => {
            let mut checkpoints = survey.whole_checkpoints();
            let found = checkpoints.find(|checkpoint| checkpoint.sequence == sequence);
            found.map_or_else(|| Ok(Rows::new()), Sound::rows)
        }
    }
}

/// Everything that is not as it was written.
pub(super) fn damage(survey: &Survey, plan: &Plan, decision: &Decision) -> Vec<Damage> {
    let name = |path: &Path| path.file_name().unwrap_or_default().to_string_lossy().into_owned();
    let of = |part: DamagedPart| {
        move |found: &journal::Found| Damage::new(part, format!("{}: {}", name(&found.path), found.what))
    };
    let mut damage: Vec<Damage> =
        survey.damaged_checkpoints.iter().map(of(DamagedPart::Checkpoint)).collect();
    damage.extend(survey.damaged_segments.iter().map(of(DamagedPart::Journal)));
    if decision.base == Base::Index && decision.from.sequence > survey.evidence {
        let what = format!("it ends with batch {}, and the index has more", survey.evidence);
        damage.push(Damage::new(DamagedPart::Journal, what));
    }
    match plan {
        Plan::Anew(what) => damage.push(Damage::new(DamagedPart::Index, what.as_str())),
        Plan::Fill(_) if decision.upto.sequence > 0 => {
            damage.push(Damage::new(DamagedPart::Index, "it is empty"));
        }
        Plan::Fill(_) | Plan::Keep(_) | Plan::Without => {}
    }
    damage
}
