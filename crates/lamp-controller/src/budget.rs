//! How often AWS is called: one budget for the account in a region, shared by everything that calls.
//!
//! Each of AWS's buckets is taken at half of what is published ([`lamp_cloud::Limit`]), less where AWS throttles. What is
//! short goes by priority, and within a priority in turns between stacks. All of it is pure, with the time as an argument:
//! equal demands at equal times get equal answers.
//!
//! | file | is |
//! |---|---|
//! | `line` | fairness: the stacks of one priority that wait, in turns |
//! | `lines` | priority: reserves for what is above, a floor for what is below |
//! | `adaptive` | the share that is ours, halved by throttling |
//! | `allowance` | one bucket with all who wait for it |
//! | `purpose` | what readings are for |
//! | `record` | what the next process must know |

mod adaptive;
mod allowance;
mod line;
mod lines;
mod purpose;
mod record;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Limit, Service};
use lamp_plan::Priority;

pub(crate) use adaptive::Throttled;
use allowance::Allowance;
pub(crate) use line::Asker;
pub(crate) use lines::Demand;
pub(crate) use purpose::{most_urgent_first, of_reading};

/// How full a bucket is.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Level {
    pub(crate) limit: Limit,
    /// Calls that are allowed at once.
    pub(crate) tokens: f64,
    /// The share of the published rate that is in force.
    pub(crate) share: f64,
    /// What the call was for that AWS throttled last.
    pub(crate) throttled: Option<Priority>,
}

/// The budget of the account in one region.
#[derive(Debug)]
pub(crate) struct Budget {
    region: String,
    /// The share of the published rates that is taken while AWS does not throttle.
    share: f64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// The buckets that were used.
    allowances: BTreeMap<(Service, &'static str), (Limit, Allowance)>,
    /// Whether the record in the store is out of date.
    changed: bool,
}

impl Budget {
    pub(crate) fn new(region: &str, share: f64) -> Self {
        Self { region: region.to_owned(), share, state: Mutex::default() }
    }

    /// Name of its record in the store.
    pub(crate) fn record_name(&self) -> String {
        format!("budget/{}", self.region)
    }

    /// Goes on as an earlier process left it, and tells of which buckets the share is reduced.
    ///
    /// # Errors
    /// The record cannot be read.
    pub(crate) fn restore(&self, record: &str, now: Timestamp) -> Result<Vec<Level>, serde_json::Error> {
        let rows = record::decode(record)?;
        let mut state = self.lock();
        for (limit, reduced) in &rows {
            let allowance = Allowance::restore(limit.rate, self.share, reduced, now);
            state.allowances.insert((limit.service, limit.name), (*limit, allowance));
        }
        drop(state);
        Ok(self.levels(now))
    }

    /// Takes a token for one call, and says how long the call waited for it; otherwise when to ask again.
    pub(crate) fn take(&self, limit: &Limit, demand: &Demand, now: Timestamp) -> Result<Duration, Timestamp> {
        let mut state = self.lock();
        let State { allowances, changed } = &mut *state;
        let (_, allowance) = allowances
            .entry((limit.service, limit.name))
            .or_insert_with(|| (*limit, Allowance::new(limit.rate, self.share, now)));
        *changed |= allowance.recover(now);
        allowance.take(demand, now)
    }

    /// A call that waited is not made any more.
    pub(crate) fn withdraw(&self, limit: &Limit, demand: &Demand) {
        if let Some((_, allowance)) = self.lock().allowances.get_mut(&(limit.service, limit.name)) {
            allowance.withdraw(demand);
        }
    }

    /// A run of a stack is over: it has asked for all that it needs.
    pub(crate) fn finish(&self, asker: Asker, run: u64) {
        for (_, allowance) in self.lock().allowances.values_mut() {
            allowance.finish(asker, run);
        }
    }

    /// AWS said that we call too often.
    pub(crate) fn throttled(&self, limit: &Limit, throttled: &Throttled, now: Timestamp) {
        let mut state = self.lock();
        if let Some((_, allowance)) = state.allowances.get_mut(&(limit.service, limit.name)) {
            allowance.throttle(throttled, now);
            state.changed = true;
        }
    }

    /// How full each bucket is that was used.
    pub(crate) fn levels(&self, now: Timestamp) -> Vec<Level> {
        let mut state = self.lock();
        let State { allowances, changed } = &mut *state;
        let level = |(limit, allowance): &mut (Limit, Allowance)| {
            *changed |= allowance.recover(now);
            allowance.level(limit, now)
        };
        allowances.values_mut().map(level).collect()
    }

    /// How many calls wait, by priority.
    pub(crate) fn waiting(&self) -> BTreeMap<Priority, u32> {
        let state = self.lock();
        let mut waiting: BTreeMap<_, _> = Priority::ALL.map(|priority| (priority, 0)).into();
        for (priority, calls) in state.allowances.values().flat_map(|(_, allowance)| allowance.waiting()) {
            *waiting.entry(priority).or_default() += calls;
        }
        waiting
    }

    /// The record to write, if the one that was written is out of date.
    ///
    /// # Errors
    /// It cannot be encoded.
    pub(crate) fn changed_record(&self) -> Result<Option<String>, serde_json::Error> {
        let mut state = self.lock();
        if !std::mem::take(&mut state.changed) {
            return Ok(None);
        }
        let reduced = |(limit, allowance): &'_ (Limit, Allowance)| Some((*limit, allowance.reduced()?));
        let rows: Vec<_> = state.allowances.values().filter_map(reduced).collect();
        record::encode(rows.iter().map(|(limit, reduced)| (limit, *reduced))).map(Some)
    }

    /// The record could not be written: it is still out of date.
    pub(crate) fn not_written(&self) {
        self.lock().changed = true;
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
