//! Runs keys at once, up to a limit. A run that panics is a failed run, and no other run notices.

use std::collections::BTreeMap;
use std::future::Future;

use tokio::task::{Id, JoinSet};

/// Runs under way.
#[derive(Debug)]
pub(crate) struct Runner<K, T> {
    limit: usize,
    runs: JoinSet<T>,
    keys: BTreeMap<Id, K>,
}

/// A run that has ended; without an outcome if it panicked.
#[derive(Debug)]
pub(crate) struct Ended<K, T> {
    pub(crate) key: K,
    pub(crate) outcome: Result<T, String>,
}

impl<K, T: Send + 'static> Runner<K, T> {
    pub(crate) fn new(limit: usize) -> Self {
        Self { limit: limit.max(1), runs: JoinSet::new(), keys: BTreeMap::new() }
    }

    /// Whether another run may start.
    pub(crate) fn has_room(&self) -> bool {
        self.runs.len() < self.limit
    }

    pub(crate) fn start(&mut self, key: K, run: impl Future<Output = T> + Send + 'static) {
        let id = self.runs.spawn(run).id();
        self.keys.insert(id, key);
    }

    /// The next run that ends; `None` if none is under way. Dropping the future loses nothing.
    pub(crate) async fn next(&mut self) -> Option<Ended<K, T>> {
        let (id, outcome) = match self.runs.join_next_with_id().await? {
            Ok((id, outcome)) => (id, Ok(outcome)),
            Err(error) => (error.id(), Err(error.to_string())),
        };
        self.keys.remove(&id).map(|key| Ended { key, outcome })
    }

    /// Ends every run where it is.
    pub(crate) async fn abort(&mut self) {
        self.runs.shutdown().await;
        self.keys.clear();
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn runs_end_in_their_own_order_within_the_limit() {
        let mut runner = Runner::new(2);
        for (key, seconds) in [("slow", 60), ("quick", 1)] {
            runner.start(key, tokio::time::sleep(Duration::from_secs(seconds)));
        }
        assert!(!runner.has_room());
        assert_eq!(runner.next().await.unwrap().key, "quick");
        assert!(runner.has_room());
        assert_eq!(runner.next().await.unwrap().key, "slow");
        assert!(runner.next().await.is_none());
    }

    #[tokio::test]
    async fn a_panic_is_a_failed_run_of_its_key() {
        let mut runner: Runner<&str, ()> = Runner::new(1);
        runner.start("bad", async { panic!("broken") });
        let ended = runner.next().await.unwrap();
        assert_eq!(ended.key, "bad");
        assert!(ended.outcome.unwrap_err().contains("panicked"));
    }
}
