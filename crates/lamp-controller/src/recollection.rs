//! What one process remembers of its stacks between runs. Losing it makes decisions wait, and nothing else.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use lamp_cloud::{CloudError, Kind, Part, ResourceId};
use lamp_plan::{Ask, Memory};
use lamp_store::Revision;

/// What is remembered of one stack.
#[derive(Clone, Debug, Default)]
pub(crate) struct Recollection {
    /// What the last plan left for the next.
    pub(crate) memory: Memory,
    /// The first pass that shows everything that was done to this stack.
    pub(crate) needs_pass: u64,
    /// The newest request for an immediate reconcile that was noticed.
    pub(crate) requested: Option<String>,
    /// What the last plan asked.
    pub(crate) asks: BTreeSet<Ask>,
    /// What was taken over, or is to be, and is called by a name that is not of our making.
    pub(crate) adopted: BTreeSet<(Kind, ResourceId)>,
    /// Errors of actions whose part is not well since.
    pub(crate) failures: BTreeMap<Part, CloudError>,
    /// The state of everything in which nothing was left to do.
    pub(crate) settled: Option<Settled>,
    /// The generation of the spec with which nothing was left to do the last time.
    pub(crate) kept_generation: Option<i64>,
}

/// A plan with nothing to do, what it was made from, and until when it holds.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Settled {
    pub(crate) basis: Basis,
    pub(crate) next_look: Timestamp,
}

/// What a plan is made from, as numbers that change with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Basis {
    pub(crate) object: Revision,
    /// Since which passes the slice, and what all stacks share, say the same.
    pub(crate) observed: (u64, u64),
    /// Newest datapoint of each metric.
    pub(crate) signals: Vec<Option<Timestamp>>,
}

impl Settled {
    /// Whether planning again would find the same.
    pub(crate) fn holds(&self, basis: &Basis, now: Timestamp) -> bool {
        self.basis == *basis && now < self.next_look
    }
}

/// Recollections by uid.
#[derive(Debug, Default)]
pub(crate) struct Recollections {
    by_uid: Mutex<BTreeMap<String, Recollection>>,
}

impl Recollections {
    pub(crate) fn get(&self, uid: &str) -> Recollection {
        self.lock().get(uid).cloned().unwrap_or_default()
    }

    pub(crate) fn change(&self, uid: &str, change: impl FnOnce(&mut Recollection)) {
        change(self.lock().entry(uid.to_owned()).or_default());
    }

    /// What the plans of all stacks asked, by uid.
    pub(crate) fn asks(&self) -> BTreeMap<String, BTreeSet<Ask>> {
        let asking = |(uid, known): (&String, &Recollection)| {
            (!known.asks.is_empty()).then(|| (uid.clone(), known.asks.clone()))
        };
        self.lock().iter().filter_map(asking).collect()
    }

    /// What all stacks took over, or are to, under names that are not of our making.
    pub(crate) fn adopted(&self) -> BTreeSet<(Kind, ResourceId)> {
        self.lock().values().flat_map(|known| known.adopted.iter().cloned()).collect()
    }

    /// Forgets all other stacks.
    pub(crate) fn retain(&self, uids: &BTreeSet<String>) {
        self.lock().retain(|uid, _| uids.contains(uid));
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<String, Recollection>> {
        self.by_uid.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
