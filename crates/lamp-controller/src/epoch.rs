//! Is the store as new as what AWS carries? After the restore of a backup it is not, and what it says is not what the sites
//! have come to since: specs that were changed, sites that were deleted or made. Nothing is changed then until a person
//! says that the store is to stand.
//!
//! An epoch is a number that only rises: the second of its beginning. A process begins one before its first change, and
//! another one each hour; it is written down first, and everything that is made carries it in the tag `lamplighter:epoch`.
//! What carries an epoch that is neither older than the store nor of this process was made by a later life of it.

use std::collections::BTreeSet;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::tag;
use lamp_store::{Store, StoreError};

use crate::observer::Observed;
use crate::stack::PLURAL;
use crate::time::since;

/// The record of the newest epoch.
const EPOCH: &str = "epoch";
/// The record of the newest epoch that AWS carries and the store does not know; empty once a person confirmed.
const UNKNOWN: &str = "epoch-unknown";
/// How long an epoch lasts. What was made within one of its beginning is not told from what was in a backup of it.
const LENGTH: Duration = Duration::from_secs(3600);

/// The epochs of one process.
#[derive(Debug)]
pub(crate) struct Epochs {
    state: Mutex<State>,
}

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct State {
    /// The newest of the store when this process began.
    found: u64,
    /// Those that this process began.
    own: BTreeSet<u64>,
    began_at: Option<Timestamp>,
    /// The newest one that is neither.
    unknown: Option<u64>,
}

impl State {
    /// The newest epoch among those that AWS carries which a later life of the store must have begun.
    fn unknown_of(&self, seen: &BTreeSet<u64>) -> Option<u64> {
        seen.iter().rev().copied().find(|epoch| *epoch > self.found && !self.own.contains(epoch))
    }

    fn is_over(&self, now: Timestamp) -> bool {
        self.began_at.is_none_or(|began| since(began, now) >= LENGTH)
    }

    fn next(&self, seen: &BTreeSet<u64>, now: Timestamp) -> u64 {
        // An empty store was found with no epoch at all: see `found`.
        let found = if self.found == u64::MAX { 0 } else { self.found };
        let newest = seen.last().copied().into_iter().chain(self.own.last().copied()).chain([found]).max();
        u64::try_from(now.as_second()).unwrap_or_default().max(newest.unwrap_or_default() + 1)
    }
}

impl Epochs {
    pub(crate) fn of(store: &Store) -> Self {
        let unknown = number(store, UNKNOWN);
        Self { state: Mutex::new(State { found: found(store), unknown, ..State::default() }) }
    }

    /// The epoch in which something may be made.
    pub(crate) fn current(&self) -> Option<u64> {
        self.lock().own.last().copied()
    }

    /// Why nothing may be changed, for a person.
    pub(crate) fn hold(&self) -> Option<String> {
        let state = self.lock();
        let (unknown, found) = (time(state.unknown?), state.found);
        let known = if found == 0 { "never".to_owned() } else { time(found) };
        Some(format!(
            "AWS carries resources that this installation made in the hour after {unknown}, and the data directory was \
             last written before ({known}): it is older than AWS, as a restored backup is, and nothing is changed. Put the \
             newer data directory back; or, if this one is to stand, stop the daemon, run `lamplighter store confirm`, \
             and start it"
        ))
    }

    /// Compares the store with what was observed, and begins another epoch if the last one is over.
    pub(crate) async fn mind(
        &self,
        store: &Store,
        observed: &Observed,
        now: Timestamp,
    ) -> Result<(), StoreError> {
        let seen = seen(observed);
        let newest = self.note_unknown(&seen);
        if let Some(newest) = newest {
            let is_written = number(store, UNKNOWN) == Some(newest);
            return if is_written { Ok(()) } else { store.put_meta(UNKNOWN, &newest.to_string()).await };
        }
        let next = {
            let state = self.lock();
            state.is_over(now).then(|| state.next(&seen, now))
        };
        let Some(next) = next else { return Ok(()) };
        // Of several regions each begins its own: the store keeps the newest.
        let newest = number(store, EPOCH).unwrap_or_default().max(next);
        store.put_meta(EPOCH, &newest.to_string()).await?;
        let mut state = self.lock();
        state.own.insert(next);
        state.began_at = Some(now);
        Ok(())
    }

    /// The newest epoch that AWS carries and the store does not know. From then on nothing is changed.
    fn note_unknown(&self, seen: &BTreeSet<u64>) -> Option<u64> {
        let (before, newest) = {
            let mut state = self.lock();
            let before = state.unknown;
            state.unknown = before.max(state.unknown_of(seen));
            (before, state.unknown)
        };
        if newest != before {
            tracing::error!(why = self.hold(), "nothing is changed on AWS until a person confirms the store");
        }
        newest
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Lets a store stand that was found to be older than AWS. The epoch that it did not know, as a time; `None` if it was not
/// found to be older.
///
/// # Errors
/// What the store says.
pub async fn confirm_epoch(store: &Store) -> Result<Option<String>, StoreError> {
    let Some(unknown) = number(store, UNKNOWN) else { return Ok(None) };
    let newest = number(store, EPOCH).unwrap_or_default().max(unknown);
    store.put_meta(EPOCH, &newest.to_string()).await?;
    store.put_meta(UNKNOWN, "").await?;
    Ok(Some(time(unknown)))
}

/// A store in which nothing is yet cannot be older than anything. One of a version that knew no epochs has none.
fn found(store: &Store) -> u64 {
    let is_empty = || {
        let stacks = store.list(PLURAL, None).map(|(stacks, _)| stacks.len());
        let owners = store.ledger_owners().map(|owners| owners.len());
        matches!((stacks, owners), (Ok(0), Ok(0)))
    };
    match number(store, EPOCH) {
        Some(epoch) => epoch,
        None if is_empty() => u64::MAX,
        None => 0,
    }
}

fn number(store: &Store, name: &str) -> Option<u64> {
    store.meta(name)?.parse().ok()
}

/// The epochs that AWS carries.
fn seen(observed: &Observed) -> BTreeSet<u64> {
    let rows = observed.slices.values().flat_map(|slice| slice.resources());
    rows.filter_map(|row| row.tags.get(tag::EPOCH)?.parse().ok()).collect()
}

fn time(epoch: u64) -> String {
    let seconds = i64::try_from(epoch).unwrap_or(i64::MAX);
    Timestamp::from_second(seconds).map_or_else(|_| epoch.to_string(), |time| time.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[test]
    fn an_epoch_is_known_if_the_store_had_it_or_this_process_began_it() {
        let state = State { found: 100, own: [200, 300].into(), ..State::default() };
        assert_eq!(state.unknown_of(&[50, 100, 200, 300].into()), None);
        assert_eq!(
            state.unknown_of(&[50, 150].into()),
            Some(150),
            "made after the backup, before this process"
        );
        assert_eq!(state.unknown_of(&[400].into()), Some(400), "made by another daemon");
    }

    #[test]
    fn an_epoch_only_rises_whatever_the_clock_does() {
        let state = State { found: 100, ..State::default() };
        assert_eq!(state.next(&[].into(), at(500)), 500);
        assert_eq!(state.next(&[].into(), at(50)), 101);
        assert_eq!(state.next(&[700].into(), at(500)), 701);
        assert_eq!(State { own: [900].into(), ..state }.next(&[].into(), at(500)), 901);
    }

    #[tokio::test]
    async fn a_store_that_is_older_holds_over_a_restart_until_it_is_confirmed() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        store.put_meta(EPOCH, "100").await.unwrap();
        let epochs = Epochs::of(&store);
        assert_eq!((epochs.note_unknown(&[90, 100].into()), epochs.hold()), (None, None));
        assert_eq!(epochs.note_unknown(&[90, 150].into()), Some(150));
        epochs.mind(&store, &Observed::default(), at(200)).await.unwrap();
        assert_eq!(epochs.current(), None, "no epoch is begun");
        assert!(epochs.hold().unwrap().contains("1970-01-01T00:02:30Z"), "{:?}", epochs.hold());
        assert!(Epochs::of(&store).hold().is_some());
        assert_eq!(confirm_epoch(&store).await.unwrap().as_deref(), Some("1970-01-01T00:02:30Z"));
        let confirmed = Epochs::of(&store);
        assert_eq!(confirmed.hold(), None);
        assert_eq!(confirmed.lock().unknown_of(&[150].into()), None);
        assert_eq!(confirm_epoch(&store).await.unwrap(), None);
    }

    #[tokio::test]
    async fn an_empty_store_is_older_than_nothing_and_one_without_epochs_than_everything() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let epochs = Epochs::of(&store);
        epochs.mind(&store, &Observed::default(), at(1_000)).await.unwrap();
        assert_eq!((epochs.current(), epochs.hold()), (Some(1_000), None));
        assert_eq!(store.meta(EPOCH).as_deref(), Some("1000"));
        let older = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        older.put_ledger("uid", "vpc", Some(serde_json::json!({}))).await.unwrap();
        assert_eq!(found(&older), 0);
    }

    #[tokio::test]
    async fn an_epoch_lasts_an_hour() {
        let store = Store::in_memory(|| Timestamp::UNIX_EPOCH);
        let epochs = Epochs::of(&store);
        for (second, current) in [(10, 10), (3_609, 10), (3_610, 3_610)] {
            epochs.mind(&store, &Observed::default(), at(second)).await.unwrap();
            assert_eq!(epochs.current(), Some(current), "{second}");
        }
    }
}
