//! Changes from a revision on. A watch reads the history at its own pace and is woken by nothing but a number, so
//! that a slow one costs writers nothing; one that is too slow is told to list again.

use std::sync::Arc;

use tokio::sync::watch;

use crate::error::StoreError;
use crate::history::WatchEvent;
use crate::index::Index;
use crate::key::{Key, Revision};
use crate::state::State;

/// The most changes that one call returns.
const BATCH: usize = 500;

/// The changes of one kind, in one namespace or in all.
#[derive(Debug)]
pub struct Watch {
    state: Arc<State>,
    plural: String,
    namespace: Option<String>,
    /// Every matching change up to here has been returned.
    position: Revision,
    signal: watch::Receiver<Revision>,
}

impl Watch {
    pub(crate) fn start(
        state: Arc<State>,
        plural: &str,
        namespace: Option<&str>,
        from: Revision,
    ) -> Result<Watch, StoreError> {
        let signal = state.subscribe(plural);
        let (plural, namespace) = (plural.to_owned(), namespace.map(str::to_owned));
        let watch = Watch { state, plural, namespace, position: from, signal };
        watch.require_reachable(&watch.state.read())?;
        Ok(watch)
    }

    /// The next matching changes, oldest first; waits until there are some. The batch is empty if only changes that
    /// do not match have happened: [`Watch::revision`] has moved, and a bookmark may be sent.
    ///
    /// Dropping the future before it is ready loses nothing.
    ///
    /// # Errors
    /// [`StoreError::Gone`] if the watch has fallen behind the history, [`StoreError::Unavailable`] if the store
    /// has been closed.
    pub async fn next(&mut self) -> Result<Vec<WatchEvent>, StoreError> {
        loop {
            // Marked as seen before reading, so that a change that comes in between wakes us again.
            let newest = *self.signal.borrow_and_update();
            let before = self.position;
            let batch = self.take_batch()?;
            if !batch.is_empty() || newest > before {
                return Ok(batch);
            }
            let closed = |_| StoreError::unavailable("the store has been closed");
            self.signal.changed().await.map_err(closed)?;
        }
    }

    /// Every matching change up to this revision has been returned by [`Watch::next`].
    pub fn revision(&self) -> Revision {
        let index = self.state.read();
        let pending = self.pending(&index).next().is_some() || self.require_reachable(&index).is_err();
        if pending { self.position } else { self.position.max(index.root.head) }
    }

    fn take_batch(&mut self) -> Result<Vec<WatchEvent>, StoreError> {
        let state = Arc::clone(&self.state);
        let index = state.read();
        self.require_reachable(&index)?;
        let batch: Vec<WatchEvent> = self.pending(&index).take(BATCH).cloned().collect();
        self.position = match batch.last() {
            Some(last) if batch.len() == BATCH => last.revision,
            _ => index.root.head,
        };
        Ok(batch)
    }

    fn pending<'a>(&'a self, index: &'a Index) -> impl Iterator<Item = &'a WatchEvent> {
        let matches = |key: &Key| key.is_in(&self.plural, self.namespace.as_deref());
        index.history.after(&self.plural, self.position).filter(move |event| matches(&event.key))
    }

    fn require_reachable(&self, index: &Index) -> Result<(), StoreError> {
        let (requested, head) = (self.position, index.root.head);
        let oldest = index.history.compacted(&self.plural);
        if requested > head {
            return Err(StoreError::FutureRevision { requested, head });
        }
        if requested < oldest { Err(StoreError::Gone { requested, oldest }) } else { Ok(()) }
    }
}
