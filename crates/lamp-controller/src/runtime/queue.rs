//! A queue of keys that are due at a time. Pure: time is an argument.
//!
//! A key is in it once, and the earliest time wins. A key that is running is held, and queued again when it has ended.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;

/// Keys, when each is due, and how often each failed in a row.
#[derive(Debug)]
pub(crate) struct Queue<K> {
    due: BTreeMap<K, Timestamp>,
    order: BTreeSet<(Timestamp, K)>,
    running: BTreeSet<K>,
    held: BTreeMap<K, Timestamp>,
    failures: BTreeMap<K, u32>,
}

impl<K> Default for Queue<K> {
    fn default() -> Self {
        Self {
            due: BTreeMap::new(),
            order: BTreeSet::new(),
            running: BTreeSet::new(),
            held: BTreeMap::new(),
            failures: BTreeMap::new(),
        }
    }
}

impl<K: Ord + Clone> Queue<K> {
    /// Asks for `key` to run at `at`, or earlier if that was asked before.
    pub(crate) fn add(&mut self, key: K, at: Timestamp) {
        if self.running.contains(&key) {
            let held = self.held.entry(key).or_insert(at);
            *held = at.min(*held);
            return;
        }
        match self.due.get(&key) {
            Some(earlier) if *earlier <= at => {}
            earlier => {
                if let Some(later) = earlier.copied() {
                    self.order.remove(&(later, key.clone()));
                }
                self.due.insert(key.clone(), at);
                self.order.insert((at, key));
            }
        }
    }

    /// Takes the key that is due longest; it runs until [`Queue::finish`].
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<K> {
        let (at, _) = self.order.first().filter(|(at, _)| *at <= now)?;
        let at = *at;
        let (_, key) = self.order.pop_first()?;
        debug_assert_eq!(self.due.get(&key), Some(&at));
        self.due.remove(&key);
        self.running.insert(key.clone());
        Some(key)
    }

    /// A run has ended: if the key was asked for meanwhile, it is queued again.
    pub(crate) fn finish(&mut self, key: &K) {
        self.running.remove(key);
        if let Some(at) = self.held.remove(key) {
            self.add(key.clone(), at);
        }
    }

    /// Counts a failure of the key, and says how many there were in a row.
    pub(crate) fn fail(&mut self, key: &K) -> u32 {
        let failures = self.failures.entry(key.clone()).or_default();
        *failures = failures.saturating_add(1);
        *failures
    }

    /// Forgets failures of the key.
    pub(crate) fn succeed(&mut self, key: &K) {
        self.failures.remove(key);
    }

    /// Whether the last run of the key failed.
    pub(crate) fn is_failing(&self, key: &K) -> bool {
        self.failures.contains_key(key)
    }

    /// When the next key is due.
    pub(crate) fn next_due(&self) -> Option<Timestamp> {
        self.order.first().map(|(at, _)| *at)
    }

    /// How many keys wait.
    pub(crate) fn len(&self) -> usize {
        self.due.len() + self.held.len()
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(seconds: u64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn queue_earliest_deadline_wins() {
        let mut queue = Queue::default();
        queue.add("a", at(30));
        queue.add("a", at(10));
        queue.add("a", at(20));
        assert_eq!((queue.len(), queue.next_due()), (1, Some(at(10))));
        assert_eq!(queue.take(at(9)), None);
        assert_eq!(queue.take(at(10)), Some("a"));
        assert_eq!((queue.len(), queue.take(at(100))), (0, None));
    }

    #[test]
    fn queue_order_is_by_deadline_and_then_by_key() {
        let mut queue = Queue::default();
        for (key, seconds) in [("c", 1), ("b", 2), ("a", 2)] {
            queue.add(key, at(seconds));
        }
        let taken: Vec<_> = std::iter::from_fn(|| queue.take(at(5))).collect();
        assert_eq!(taken, ["c", "a", "b"]);
    }

    #[test]
    fn key_never_runs_twice_at_once() {
        let mut queue = Queue::default();
        queue.add("a", at(0));
        assert_eq!(queue.take(at(0)), Some("a"));
        queue.add("a", at(0));
        assert_eq!(queue.take(at(9)), None, "it is held while it runs");
        queue.finish(&"a");
        assert_eq!(queue.take(at(9)), Some("a"));
        queue.finish(&"a");
        assert_eq!(queue.take(at(9)), None, "it ran once for both");
    }

    #[test]
    fn held_key_keeps_its_earliest_deadline() {
        let mut queue = Queue::default();
        queue.add("a", at(0));
        queue.take(at(0));
        queue.add("a", at(50));
        queue.add("a", at(20));
        queue.finish(&"a");
        assert_eq!(queue.next_due(), Some(at(20)));
    }

    #[test]
    fn failures_are_counted_until_success() {
        let mut queue = Queue::default();
        assert_eq!((queue.fail(&"a"), queue.fail(&"a"), queue.fail(&"b")), (1, 2, 1));
        queue.succeed(&"a");
        assert!(!queue.is_failing(&"a") && queue.is_failing(&"b"));
        assert_eq!(queue.fail(&"a"), 1);
    }
}
