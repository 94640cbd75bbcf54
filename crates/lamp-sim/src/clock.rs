//! Where the region takes its time from; it never reads a clock of the machine.

use std::collections::BTreeMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use jiff::Timestamp;

/// A source of time.
pub trait TimeSource: Send + Sync {
    fn now(&self) -> Timestamp;
}

/// Time that stands still until a driver moves it. Clones share it.
#[derive(Clone)]
pub struct VirtualClock {
    shared: Arc<Mutex<Shared>>,
}

struct Shared {
    now: Timestamp,
    next_sleeper: u64,
    sleepers: BTreeMap<(Timestamp, u64), Option<Waker>>,
}

impl VirtualClock {
    pub fn new(now: Timestamp) -> Self {
        Self { shared: Arc::new(Mutex::new(Shared { now, next_sleeper: 0, sleepers: BTreeMap::new() })) }
    }

    /// Moves time forward, and wakes whoever slept until then.
    pub fn advance(&self, duration: Duration) {
        let target = self.lock().now + duration;
        self.set(target);
    }

    /// Moves time to `now`; time never goes back.
    pub fn set(&self, now: Timestamp) {
        let wakers: Vec<Waker> = {
            let mut shared = self.lock();
            shared.now = shared.now.max(now);
            let due = shared.now;
            shared.sleepers.range_mut(..=(due, u64::MAX)).filter_map(|(_, waker)| waker.take()).collect()
        };
        wakers.into_iter().for_each(Waker::wake);
    }

    /// When the earliest sleeper wants to wake, so that a driver can skip idle time.
    pub fn next_wake(&self) -> Option<Timestamp> {
        self.lock().sleepers.keys().next().map(|(at, _)| *at)
    }

    fn lock(&self) -> MutexGuard<'_, Shared> {
        self.shared.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for VirtualClock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("VirtualClock").field("now", &self.lock().now).finish_non_exhaustive()
    }
}

impl TimeSource for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }
}

impl lamp_cloud::Clock for VirtualClock {
    fn now(&self) -> Timestamp {
        self.lock().now
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        let mut shared = self.lock();
        let key = (shared.now + duration, shared.next_sleeper);
        shared.next_sleeper += 1;
        shared.sleepers.insert(key, None);
        Box::pin(Sleep { clock: self.clone(), key })
    }
}

struct Sleep {
    clock: VirtualClock,
    key: (Timestamp, u64),
}

impl Future for Sleep {
    type Output = ();

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<()> {
        let mut shared = self.clock.lock();
        if shared.now >= self.key.0 {
            return Poll::Ready(());
        }
        shared.sleepers.insert(self.key, Some(context.waker().clone()));
        Poll::Pending
    }
}

impl Drop for Sleep {
    fn drop(&mut self) {
        self.clock.lock().sleepers.remove(&self.key);
    }
}
