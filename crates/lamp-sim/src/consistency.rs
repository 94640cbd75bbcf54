//! What a reading may see: the past, by a lag that is drawn anew for each call and each row that changed lately.

use std::collections::VecDeque;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;

use crate::Fault;
use crate::config::Lag;
use crate::dice::Dice;

/// How long old versions are kept: the largest lag.
pub(crate) const WINDOW: Duration = Duration::from_secs(300);

/// A thing with its recent past; `None` is its absence.
#[derive(Clone, Debug)]
pub(crate) struct History<T> {
    versions: VecDeque<(Timestamp, Option<Arc<T>>)>,
}

impl<T> History<T> {
    pub(crate) fn new(at: Timestamp, value: T) -> Self {
        Self { versions: VecDeque::from([(at, Some(Arc::new(value)))]) }
    }

    /// The truth.
    pub(crate) fn current(&self) -> Option<&Arc<T>> {
        self.versions.back().and_then(|(_, value)| value.as_ref())
    }

    pub(crate) fn set(&mut self, at: Timestamp, value: T) {
        self.push(at, Some(Arc::new(value)));
    }

    /// It exists no more.
    pub(crate) fn end(&mut self, at: Timestamp) {
        self.push(at, None);
    }

    /// What was true at `at`.
    pub(crate) fn as_of(&self, at: Timestamp) -> Option<&Arc<T>> {
        self.versions.iter().rev().find(|(since, _)| *since <= at).and_then(|(_, value)| value.as_ref())
    }

    /// Every version that a reading may still see, the oldest first.
    pub(crate) fn versions(&self) -> impl Iterator<Item = &Arc<T>> {
        self.versions.iter().filter_map(|(_, value)| value.as_ref())
    }

    /// When it last changed.
    pub(crate) fn changed_at(&self) -> Option<Timestamp> {
        self.versions.back().map(|(at, _)| *at)
    }

    fn push(&mut self, at: Timestamp, value: Option<Arc<T>>) {
        if self.versions.back().is_some_and(|(last, _)| *last == at) {
            self.versions.pop_back();
        }
        self.versions.push_back((at, value));
        let horizon = at - WINDOW;
        while self.versions.get(1).is_some_and(|(since, _)| *since <= horizon) {
            self.versions.pop_front();
        }
    }
}

impl<T: Clone> History<T> {
    /// Changes what is there; nothing happens to what is gone, and no version is made where nothing changes.
    pub(crate) fn update(&mut self, at: Timestamp, change: impl FnOnce(&mut T))
    where
        T: PartialEq,
    {
        let Some(current) = self.current() else { return };
        let mut next = T::clone(current);
        change(&mut next);
        if next != **current {
            self.set(at, next);
        }
    }
}

/// The eyes of one reading call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct View {
    pub(crate) now: Timestamp,
    pub(crate) call: u64,
    pub(crate) lag: Lag,
    pub(crate) dice: Dice,
    /// The fault that strikes the call.
    pub(crate) fault: Option<Fault>,
}

impl View {
    /// The version of `history` that this call sees. Rows that did not change lately cost no draw.
    pub(crate) fn see<'a, T>(&self, id: &str, history: &'a History<T>) -> Option<&'a Arc<T>> {
        if self.lag.is_none() || history.changed_at().is_none_or(|at| at <= self.now - WINDOW) {
            return history.current();
        }
        history.as_of(self.now - self.lag_of(id))
    }

    /// Half of the rows are as old as the call's own replica, the others come from another one.
    fn lag_of(&self, id: &str) -> Duration {
        let own = self.dice.share(&["replica", id], self.call) < 0.5;
        let labels: &[&str] = if own { &["lag"] } else { &["lag", id] };
        lognormal(self.lag, self.dice.normal(labels, self.call))
    }
}

/// The lag at `deviation` standard deviations; 2.326 of them are the 99th percentile.
pub(crate) fn lognormal(lag: Lag, deviation: f64) -> Duration {
    let median = lag.median.as_secs_f64().max(0.001);
    let sigma = (lag.p99.as_secs_f64().max(median) / median).ln() / 2.326;
    let seconds = median * (sigma * deviation).exp();
    Duration::from_secs_f64(seconds.min(lag.max.as_secs_f64()))
}
