//! A bucket of which a share is ours: half of what AWS publishes, halved when AWS throttles, recovered slowly.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Bucket, Rate};
use lamp_plan::Priority;

/// However often AWS throttles, this share is left.
const LEAST_SHARE: f64 = 0.02;
/// What comes back in a minute without throttling.
const RECOVERY_PER_MINUTE: f64 = 0.05;
/// AWS asks for seconds; more than this is a mistake on the way.
const LONGEST_PAUSE: Duration = Duration::from_secs(300);

/// An answer of AWS's that we call too often.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Throttled {
    /// When the call was sent.
    pub(crate) sent_at: Timestamp,
    /// What it was for.
    pub(crate) priority: Priority,
    /// How long AWS asked to wait, if it did.
    pub(crate) retry_after: Option<Duration>,
}

/// What outlives the process of a bucket whose share is reduced.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Reduced {
    pub(super) share: f64,
    /// When the share was this.
    pub(super) as_of: Timestamp,
    pub(super) tokens: f64,
    /// When there were so many tokens; in the future where AWS asked to wait.
    pub(super) filled_at: Timestamp,
    /// What the call was for that AWS throttled last.
    pub(super) throttled: Priority,
}

#[derive(Debug)]
pub(super) struct Adaptive {
    published: Rate,
    /// The share that is taken while AWS does not throttle.
    full_share: f64,
    share: f64,
    adjusted_at: Timestamp,
    halved_at: Option<Timestamp>,
    throttled: Option<Priority>,
    bucket: Bucket,
}

impl Adaptive {
    pub(super) fn new(published: Rate, full_share: f64, now: Timestamp) -> Self {
        Self {
            published,
            full_share,
            share: full_share,
            adjusted_at: now,
            halved_at: None,
            throttled: None,
            bucket: Bucket::new(published.share(full_share), now),
        }
    }

    /// As an earlier process left it.
    pub(super) fn restore(published: Rate, full_share: f64, reduced: &Reduced, now: Timestamp) -> Self {
        let share = reduced.share.clamp(LEAST_SHARE.min(full_share), full_share);
        let mut bucket = Bucket::new(published.share(share), now);
        bucket.empty(reduced.filled_at.min(now + LONGEST_PAUSE));
        bucket.add(reduced.tokens);
        Self {
            share,
            adjusted_at: reduced.as_of.min(now),
            throttled: Some(reduced.throttled),
            bucket,
            ..Self::new(published, full_share, now)
        }
    }

    /// What to keep, if the share is reduced.
    pub(super) fn reduced(&self) -> Option<Reduced> {
        let throttled = self.throttled.filter(|_| self.share < self.full_share)?;
        let (tokens, filled_at) = self.bucket.level();
        Some(Reduced { share: self.share, as_of: self.adjusted_at, tokens, filled_at, throttled })
    }

    /// The share of the published rate that is in force.
    pub(super) fn share(&self) -> f64 {
        self.share
    }

    /// What the call was for that AWS throttled last.
    pub(super) fn throttled(&self) -> Option<Priority> {
        self.throttled
    }

    pub(super) fn burst(&self) -> f64 {
        self.bucket.rate().burst
    }

    pub(super) fn tokens(&mut self, now: Timestamp) -> f64 {
        self.bucket.tokens(now)
    }

    pub(super) fn full_at(&self, tokens: f64, now: Timestamp) -> Timestamp {
        self.bucket.full_at(tokens, now)
    }

    /// Uses a token that is there.
    pub(super) fn spend(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.bucket.take(now)
    }

    /// Takes back what time without throttling gives; whether all of it is back just now.
    pub(super) fn recover(&mut self, now: Timestamp) -> bool {
        let minutes = now.duration_since(self.adjusted_at).as_secs_f64().max(0.0) / 60.0;
        self.adjusted_at = self.adjusted_at.max(now);
        if self.share >= self.full_share {
            return false;
        }
        self.share = (self.share + minutes * RECOVERY_PER_MINUTE).min(self.full_share);
        self.bucket.set_rate(self.published.share(self.share), now);
        self.share >= self.full_share
    }

    /// Empties the bucket and halves the share. What was sent before that, and is throttled as well, tells nothing new of
    /// the rate.
    pub(super) fn throttle(&mut self, throttled: &Throttled, now: Timestamp) {
        self.recover(now);
        self.throttled = Some(throttled.priority);
        if self.halved_at.is_none_or(|at| at <= throttled.sent_at) {
            self.share = (self.share / 2.0).max(LEAST_SHARE.min(self.full_share));
            self.halved_at = Some(now);
            self.bucket.set_rate(self.published.share(self.share), now);
        }
        let pause = throttled.retry_after.unwrap_or_default().min(LONGEST_PAUSE);
        self.bucket.empty(now + pause);
    }
}
