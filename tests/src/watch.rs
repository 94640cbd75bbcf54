//! The clock of a daemon under test, which may be wrong, and the pace of its calls, which may be slow.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use lamp_cloud::Clock;
use lamp_sim::VirtualClock;

/// What a daemon takes for the time: that of the region, and an error. Clones share it.
#[derive(Clone, Debug)]
pub struct Watch {
    region: VirtualClock,
    /// Seconds that it is ahead.
    ahead: Arc<AtomicI64>,
}

impl Watch {
    pub fn new(region: VirtualClock) -> Self {
        Self { region, ahead: Arc::default() }
    }

    /// From now on it is ahead by so many seconds; behind, if they are negative.
    pub fn set_ahead(&self, seconds: i64) {
        self.ahead.store(seconds, Ordering::SeqCst);
    }

    /// It jumps by so many seconds.
    pub fn jump(&self, seconds: i64) {
        self.ahead.fetch_add(seconds, Ordering::SeqCst);
    }

    pub fn ahead(&self) -> i64 {
        self.ahead.load(Ordering::SeqCst)
    }
}

impl Clock for Watch {
    fn now(&self) -> Timestamp {
        let now = Clock::now(&self.region);
        now.checked_add(SignedDuration::from_secs(self.ahead())).unwrap_or(now)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        self.region.sleep(duration)
    }
}

/// How long calls take. Clones share it.
#[derive(Clone, Debug, Default)]
pub struct Pace {
    /// The longest, in seconds; 0 is no time at all.
    longest: Arc<AtomicU64>,
    calls: Arc<AtomicU64>,
}

/// The daemon gives a call up after this time, and does not know what came of it.
pub const DEADLINE: Duration = Duration::from_secs(15);

impl Pace {
    /// From now on calls take up to so many seconds. One in twenty of slow calls is never answered.
    pub fn set_longest(&self, seconds: u64) {
        self.longest.store(seconds, Ordering::SeqCst);
    }

    /// How long the next call takes; `None` if it is never answered. A function of how many calls there were.
    pub fn draw(&self) -> Option<Duration> {
        let longest = self.longest.load(Ordering::SeqCst);
        if longest == 0 {
            return Some(Duration::ZERO);
        }
        let number = self.calls.fetch_add(1, Ordering::SeqCst).wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 33;
        (number % 20 != 7).then(|| Duration::from_millis(number % (longest * 1000)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_watch_is_wrong_by_what_it_was_set_to_and_jumps_add_up() {
        let region = VirtualClock::new(Timestamp::from_second(1000).unwrap());
        let watch = Watch::new(region.clone());
        watch.set_ahead(-30);
        watch.jump(90);
        assert_eq!(watch.now(), Timestamp::from_second(1060).unwrap());
        region.advance(Duration::from_secs(5));
        assert_eq!(watch.now(), Timestamp::from_second(1065).unwrap());
    }

    #[test]
    fn calls_take_no_time_unless_they_are_slow_and_some_hang() {
        let pace = Pace::default();
        assert_eq!(pace.draw(), Some(Duration::ZERO));
        pace.set_longest(10);
        let drawn: Vec<_> = (0..200).map(|_| pace.draw()).collect();
        assert!(drawn.iter().any(Option::is_none));
        assert!(drawn.iter().flatten().all(|one| *one < Duration::from_secs(10)));
    }
}
