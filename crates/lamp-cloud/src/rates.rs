//! Token buckets, and the rates that AWS publishes for an account and region.
//!
//! Sources: "Request throttling for the Amazon EC2 API" and "Throttling for the Elastic Load Balancing API" in the AWS
//! documentation. Services without a published table start at two calls a second.

use jiff::Timestamp;
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

    /// What AWS allows for mutations: (calls at once, calls a second).
    pub fn published_mutations(self) -> Rate {
        match self {
            Self::Ec2 => Rate { burst: 50.0, per_second: 5.0 },
            Self::LoadBalancing => Rate { burst: 20.0, per_second: 3.0 },
            Self::AutoScaling | Self::Rds | Self::CloudWatch | Self::SecretsManager => {
                Rate { burst: 10.0, per_second: 2.0 }
            }
        }
    }

    /// What AWS allows for filtered and paged reads.
    pub fn published_reads(self) -> Rate {
        match self {
            Self::Ec2 => Rate { burst: 100.0, per_second: 20.0 },
            Self::LoadBalancing => Rate { burst: 40.0, per_second: 10.0 },
            Self::CloudWatch => Rate { burst: 50.0, per_second: 50.0 },
            Self::AutoScaling | Self::Rds | Self::SecretsManager => Rate { burst: 20.0, per_second: 4.0 },
        }
    }
}

/// A rate of calls.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rate {
    pub burst: f64,
    pub per_second: f64,
}

impl Rate {
    /// A share of this rate, with room for at least one call at once.
    #[must_use]
    pub fn share(self, share: f64) -> Self {
        Self { burst: (self.burst * share).max(1.0), per_second: self.per_second * share }
    }
}

/// A token bucket. Time is an argument, so that it works in simulated time.
#[derive(Clone, Debug)]
pub struct Bucket {
    rate: Rate,
    tokens: f64,
    filled_at: Timestamp,
}

impl Bucket {
    /// A full bucket.
    pub fn new(rate: Rate, now: Timestamp) -> Self {
        Self { rate, tokens: rate.burst, filled_at: now }
    }

    /// Takes one token; otherwise says when there will be one.
    ///
    /// # Errors
    /// The time at which a token will be there.
    pub fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.fill(now);
        if self.tokens >= 1.0 {
            self.tokens -= 1.0;
            return Ok(());
        }
        let seconds = (1.0 - self.tokens) / self.rate.per_second;
        Err(now + std::time::Duration::from_secs_f64(seconds))
    }

    /// Empties the bucket: AWS said that it had none left.
    pub fn empty(&mut self, now: Timestamp) {
        self.tokens = 0.0;
        self.filled_at = now;
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
        let seconds = now.duration_since(self.filled_at).as_secs_f64().max(0.0);
        self.tokens = (self.tokens + seconds * self.rate.per_second).min(self.rate.burst);
        self.filled_at = self.filled_at.max(now);
    }
}
