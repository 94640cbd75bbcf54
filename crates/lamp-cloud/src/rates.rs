//! Rates of calls, and buckets of tokens that refill at a rate. The rates that AWS publishes are in `limits`.

use std::time::Duration;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

/// An AWS service, as far as rates and metrics tell services apart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Service {
    Ec2,
    AutoScaling,
    LoadBalancing,
    Rds,
    CloudWatch,
    SecretsManager,
}

impl Service {
    pub const ALL: [Self; 6] = [
        Self::Ec2,
        Self::AutoScaling,
        Self::LoadBalancing,
        Self::Rds,
        Self::CloudWatch,
        Self::SecretsManager,
    ];

    /// The name in metrics and IAM actions, for example `elasticloadbalancing`.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ec2 => "ec2",
            Self::AutoScaling => "autoscaling",
            Self::LoadBalancing => "elasticloadbalancing",
            Self::Rds => "rds",
            Self::CloudWatch => "cloudwatch",
            Self::SecretsManager => "secretsmanager",
        }
    }
}

/// A rate of calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    /// Calls at once.
    pub burst: f64,
    pub per_second: f64,
}

impl Rate {
    pub const fn new(burst: f64, per_second: f64) -> Self {
        Self { burst, per_second }
    }

    /// A share of this rate, with room for at least one call at once.
    #[must_use]
    pub fn share(self, share: f64) -> Self {
        Self { burst: (self.burst * share).max(1.0), per_second: self.per_second * share }
    }
}

/// No token is further away than this, as far as anybody is told: by then the rate may be another one.
const FARTHEST: Duration = Duration::from_secs(3600);

/// A token bucket. Time is an argument, so that it works in simulated time.
#[derive(Clone, Debug)]
pub struct Bucket {
    rate: Rate,
    tokens: f64,
    /// Until when tokens were counted; in the future while none come.
    filled_at: Timestamp,
    /// The newest time that it was told: one before that is of a clock that was set back.
    told_at: Timestamp,
}

/// Callers may overtake each other by so much, and no clock was set back.
const OVERTAKING: SignedDuration = SignedDuration::from_secs(1);

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Timestamp) -> Self {
        Self { rate, tokens: rate.burst, filled_at: now, told_at: now }
    }

    pub fn rate(&self) -> Rate {
        self.rate
    }

    /// Takes one token; otherwise says when there will be one.
    ///
    /// # Errors
    /// The time at which a token will be there.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        if self.tokens(now) >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        Err(self.full_at(1.0, now))
    }

    /// When there are so many tokens, if nobody takes any.
    pub fn full_at(&self, tokens: f64, now: Timestamp) -> Timestamp {
        let seconds = ((tokens - self.tokens) / self.rate.per_second).max(0.0);
        let wait = Duration::try_from_secs_f64(seconds).map_or(FARTHEST, |wait| wait.min(FARTHEST));
        // A moment more: rounding must not make somebody come just too early.
        now.max(self.filled_at) + wait + Duration::from_micros(1)
    }

    /// Empties the bucket, and begins to fill it at `from`: AWS said that it had none left.
    pub fn empty(&mut self, from: Timestamp) {
        self.tokens = 0.0;
        self.filled_at = from;
    }

    /// How many tokens there were, and when; in the future where none come before.
    pub fn level(&self) -> (f64, Timestamp) {
        (self.tokens, self.filled_at)
    }

    /// Puts tokens in, as far as there is room.
    pub fn add(&mut self, tokens: f64) {
        self.tokens = (self.tokens + tokens.max(0.0)).min(self.rate.burst);
    }

    /// Goes on at another rate with the tokens that there are.
    pub fn set_rate(&mut self, rate: Rate, now: Timestamp) {
        self.fill(now);
        self.rate = rate;
        self.tokens = self.tokens.min(rate.burst);
    }

    /// How many tokens there are.
    pub fn tokens(&mut self, now: Timestamp) -> f64 {
        self.fill(now);
        self.tokens
    }

    fn fill(&mut self, now: Timestamp) {
        let back = self.told_at.duration_since(now);
        if back > OVERTAKING {
            // Otherwise nothing would come until the clock is there again.
            self.filled_at = self.filled_at.checked_sub(back).unwrap_or(now);
            self.told_at = now;
        }
        self.told_at = self.told_at.max(now);
        let seconds = now.duration_since(self.filled_at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + seconds * self.rate.per_second).min(self.rate.burst);
        self.filled_at = self.filled_at.max(now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: f64) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs_f64(seconds)
    }

    #[test]
    fn whoever_comes_when_told_finds_a_token() {
        let mut bucket = Bucket::new(Rate::new(1.0, 0.3), at(0.0));
        assert_eq!(bucket.take(at(0.0)), Ok(()));
        for _ in 0..100 {
            let told = bucket.take(bucket.filled_at).unwrap_err();
            assert_eq!(bucket.take(told), Ok(()));
        }
    }

    #[test]
    fn a_clock_that_is_set_back_does_not_stop_the_tokens() {
        let mut bucket = Bucket::new(Rate::new(2.0, 1.0), at(0.0));
        (0..2).for_each(|_| bucket.take(at(1_000_000.0)).unwrap());
        assert!(bucket.take(at(100.0)).unwrap_err() <= at(102.0));
        assert_eq!(bucket.take(at(101.5)), Ok(()));
    }

    #[test]
    fn nothing_fills_a_bucket_before_aws_said_so() {
        let mut bucket = Bucket::new(Rate::new(10.0, 2.0), at(0.0));
        bucket.empty(at(30.0));
        assert!(bucket.tokens(at(29.0)) < 0.1);
        assert!(bucket.full_at(1.0, at(1.0)) >= at(30.5));
        assert!((bucket.tokens(at(31.0)) - 2.0).abs() < 0.1);
    }
}
