//! The readable state, shared, and the signals that something new can be read.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError, RwLock, RwLockReadGuard};

use tokio::sync::watch;

use crate::error::StoreError;
use crate::index::Index;
use crate::key::Revision;

/// What handles, watches and the writer share.
#[derive(Debug)]
pub(crate) struct State {
    index: RwLock<Index>,
    /// Per kind, the revision of its newest change. Its watches sleep on it.
    signals: Mutex<BTreeMap<String, watch::Sender<Revision>>>,
    fault: Mutex<Option<String>>,
}

impl State {
    pub(crate) fn new(index: Index) -> State {
        State { index: RwLock::new(index), signals: Mutex::default(), fault: Mutex::default() }
    }

    pub(crate) fn read(&self) -> RwLockReadGuard<'_, Index> {
        self.index.read().unwrap_or_else(PoisonError::into_inner)
    }

    /// Changes the index, then wakes the watches of the kinds that have something new.
    pub(crate) fn update(&self, change: impl FnOnce(&mut Index)) {
        change(&mut self.index.write().unwrap_or_else(PoisonError::into_inner));
        let index = self.read();
        for (plural, signal) in self.signals().iter() {
            let newest = index.history.newest(plural);
            signal.send_if_modified(|seen| std::mem::replace(seen, newest) != newest);
        }
    }

    /// Takes what the disk has after a failed write, unless it has lost what was acknowledged.
    pub(crate) fn replace(&self, recovered: Index, place: &str) -> Result<(), StoreError> {
        let commits = self.read().root.commits;
        if recovered.root.commits < commits {
            let reason = format!("{commits} commits were acknowledged, {} are there", recovered.root.commits);
            return Err(StoreError::Corrupt { place: place.to_owned(), reason });
        }
        self.update(|index| *index = recovered);
        Ok(())
    }

    pub(crate) fn subscribe(&self, plural: &str) -> watch::Receiver<Revision> {
        let newest = self.read().history.newest(plural);
        let mut signals = self.signals();
        let signal = signals.entry(plural.to_owned()).or_insert_with(|| watch::Sender::new(newest));
        signal.subscribe()
    }

    /// Ends every watch.
    pub(crate) fn close(&self) {
        self.signals().clear();
    }

    pub(crate) fn fault(&self) -> Option<String> {
        self.fault.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    pub(crate) fn set_fault(&self, fault: Option<String>) {
        *self.fault.lock().unwrap_or_else(PoisonError::into_inner) = fault;
    }

    fn signals(&self) -> MutexGuard<'_, BTreeMap<String, watch::Sender<Revision>>> {
        self.signals.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
