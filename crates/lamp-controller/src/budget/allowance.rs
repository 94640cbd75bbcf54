//! One bucket with all who wait for it.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Limit, Rate};
use lamp_plan::Priority;

use super::Level;
use super::adaptive::{Adaptive, Reduced, Throttled};
use super::line::{Asker, LONGEST_WAIT};
use super::lines::{Demand, Lines};
use crate::time::since;

#[derive(Debug)]
pub(super) struct Allowance {
    adaptive: Adaptive,
    lines: Lines,
}

impl Allowance {
    pub(super) fn new(published: Rate, share: f64, now: Timestamp) -> Self {
        Self { adaptive: Adaptive::new(published, share, now), lines: Lines::new(now) }
    }

    pub(super) fn restore(published: Rate, share: f64, reduced: &Reduced, now: Timestamp) -> Self {
        let adaptive = Adaptive::restore(published, share, reduced, now);
        Self { adaptive, lines: Lines::new(now) }
    }

    /// Takes a token, and says how long the call waited for it; otherwise when to ask again.
    pub(super) fn take(&mut self, demand: &Demand, now: Timestamp) -> Result<Duration, Timestamp> {
        let (tokens, burst) = (self.adaptive.tokens(now), self.adaptive.burst());
        self.lines.distribute(tokens, burst, now);
        if let Some(waited_since) = self.lines.take(demand, tokens, burst, now) {
            self.adaptive.spend(now)?;
            return Ok(since(waited_since, now));
        }
        let needed = self.lines.wait(demand, tokens, burst, now);
        let due = self.adaptive.full_at(needed, now).min(now + LONGEST_WAIT);
        self.lines.tell(demand, due);
        Err(due)
    }

    /// Takes back what time gave; whether the whole share is back just now.
    pub(super) fn recover(&mut self, now: Timestamp) -> bool {
        self.adaptive.recover(now)
    }

    pub(super) fn throttle(&mut self, throttled: &Throttled, now: Timestamp) {
        self.adaptive.throttle(throttled, now);
        self.lines.revoke();
    }

    pub(super) fn finish(&mut self, asker: Asker, run: u64) {
        self.lines.finish(asker, run);
    }

    pub(super) fn withdraw(&mut self, demand: &Demand) {
        self.lines.withdraw(demand);
    }

    pub(super) fn reduced(&self) -> Option<Reduced> {
        self.adaptive.reduced()
    }

    pub(super) fn waiting(&self) -> impl Iterator<Item = (Priority, u32)> + '_ {
        self.lines.waiting()
    }

    /// How full it is.
    pub(super) fn level(&mut self, limit: &Limit, now: Timestamp) -> Level {
        let (tokens, share) = (self.adaptive.tokens(now), self.adaptive.share());
        Level { limit: *limit, tokens, share, throttled: self.adaptive.throttled() }
    }
}
