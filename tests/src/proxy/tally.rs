//! Counts of calls.

use std::collections::BTreeMap;
use std::fmt;
use std::time::Instant;

use super::Call;

/// Calls by service and action.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    counts: BTreeMap<(String, String), u64>,
    changes: u64,
    last_change: Option<Instant>,
}

impl Tally {
    pub(super) fn count(&mut self, call: &Call) {
        *self.counts.entry((call.service.clone(), call.action.clone())).or_default() += 1;
        if call.is_change() {
            self.changes += 1;
            self.last_change = Some(Instant::now());
        }
    }

    /// All calls.
    pub fn total(&self) -> u64 {
        self.counts.values().sum()
    }

    /// Calls that change something.
    pub fn changes(&self) -> u64 {
        self.changes
    }

    /// When the last of those arrived.
    pub fn last_change(&self) -> Option<Instant> {
        self.last_change
    }

    /// Each service, as its signature names it, with an action that was called.
    pub fn actions(&self) -> impl Iterator<Item = (&str, &str)> {
        self.counts.keys().map(|(service, action)| (service.as_str(), action.as_str()))
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        for ((service, action), count) in &self.counts {
            writeln!(formatter, "{count:>6} {service} {action}")?;
        }
        Ok(())
    }
}
