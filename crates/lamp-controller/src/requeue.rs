//! When a key is looked at again: the only such policy. (When a failed call may be repeated is the planner's.)

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;
use lamp_store::Key;

use crate::time::until;

/// What a run asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Requeue {
    /// Look again after this time, of the cloud's clock. `None`: when the object or the region changes.
    pub after: Option<Duration>,
    /// Observe the region before, with a pass that begins from now on.
    pub observe_first: bool,
    /// What went wrong; repeated failures are spaced further and further.
    pub error: Option<String>,
}

/// How a run went.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// Nothing is left to do for this object.
    Idle,
    /// Something was written that this run did not see yet.
    Again,
    /// AWS was changed: what is next shows in a fresh observation.
    Progress,
    /// The latest observation is too old for this stack.
    Observe,
    /// Time must pass; `at` is when that alone changes the plan.
    Waiting { at: Option<Timestamp> },
    /// Everything is as the spec says, or a person must act. Each observation looks again.
    Settled { at: Option<Timestamp> },
    /// It could not be done.
    Failed(String),
}

/// When to look again.
pub(crate) fn requeue(next: Next, now: Timestamp, period: Duration) -> Requeue {
    match next {
        Next::Idle => Requeue::default(),
        Next::Again => Requeue { after: Some(Duration::ZERO), ..Requeue::default() },
        Next::Progress | Next::Observe => {
            Requeue { after: Some(Duration::ZERO), observe_first: true, error: None }
        }
        Next::Waiting { at } => {
            let wait = at.map_or(period, |at| until(at, now).min(period));
            Requeue { after: Some(wait), observe_first: wait < period, error: None }
        }
        Next::Settled { at } => {
            // A time that is past already says nothing that the next observation does not.
            let after = at.map(|at| until(at, now)).filter(|wait| !wait.is_zero());
            Requeue { after, ..Requeue::default() }
        }
        Next::Failed(error) => Requeue { error: Some(error), ..Requeue::default() },
    }
}

/// The first wait after a failure.
const BACKOFF_BASE: Duration = Duration::from_secs(1);
/// The longest wait between failures. They are the store's: once its disk is well, work goes on within a minute.
const BACKOFF_LIMIT: Duration = Duration::from_secs(30);

/// How long a key waits after its `failures`th failure in a row. The jitter of up to a fifth comes from the key, so
/// that keys which failed together do not come back together, and equal runs wait equally.
pub(crate) fn backoff(key: &Key, failures: u32) -> Duration {
    let doublings = failures.saturating_sub(1).min(16);
    let wait = BACKOFF_BASE.saturating_mul(1 << doublings).min(BACKOFF_LIMIT);
    let mut hasher = DefaultHasher::new();
    (key, failures).hash(&mut hasher);
    let permille = u32::try_from(hasher.finish() % 200).unwrap_or_default();
    wait + wait * permille / 1000
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn backoff_doubles_up_to_half_a_minute_and_differs_by_key() {
        let one = Key::new("lampstacks", "default", "one");
        let other = Key::new("lampstacks", "default", "other");
        assert!(backoff(&one, 2) > backoff(&one, 1));
        assert!(backoff(&one, 1000) >= BACKOFF_LIMIT && backoff(&one, 1000) <= BACKOFF_LIMIT * 6 / 5);
        assert_ne!(backoff(&one, 5), backoff(&other, 5));
        assert_eq!(backoff(&one, 5), backoff(&one, 5));
    }

    #[test]
    fn waiting_looks_again_in_time_but_at_least_once_a_period() {
        let now = Timestamp::UNIX_EPOCH;
        let period = Duration::from_secs(15);
        let at = |seconds| Some(now + Duration::from_secs(seconds));
        assert_eq!(requeue(Next::Waiting { at: at(5) }, now, period).after, Some(Duration::from_secs(5)));
        assert_eq!(requeue(Next::Waiting { at: at(500) }, now, period).after, Some(period));
        assert_eq!(requeue(Next::Settled { at: None }, now, period), Requeue::default());
        assert_eq!(requeue(Next::Settled { at: Some(now) }, now, period), Requeue::default(), "no hot loop");
    }
}
