//! Time for the daemon: the wall clock, or a simulated one that runs `speed` times as fast.

use std::future::Future;
use std::pin::Pin;
use std::time::{Duration, Instant};

use jiff::Timestamp;
use lamp_cloud::Clock;

/// A clock that started at `start` and runs `speed` times as fast as the machine's.
///
/// At speed 1 it follows the wall clock, so that it is right again after the wall clock was set.
#[derive(Debug)]
pub(crate) struct SpeedClock {
    speed: f64,
    start: Timestamp,
    started: Instant,
}

impl SpeedClock {
    pub(crate) fn new(speed: f64) -> Self {
        Self { speed, start: Timestamp::now(), started: Instant::now() }
    }

    fn time(&self) -> Timestamp {
        if (self.speed - 1.0).abs() < f64::EPSILON {
            return Timestamp::now();
        }
        self.start + self.started.elapsed().mul_f64(self.speed)
    }
}

impl Clock for SpeedClock {
    fn now(&self) -> Timestamp {
        self.time()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration.div_f64(self.speed)))
    }
}

impl lamp_sim::TimeSource for SpeedClock {
    fn now(&self) -> Timestamp {
        self.time()
    }
}
