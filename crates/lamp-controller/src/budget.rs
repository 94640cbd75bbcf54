//! Rates of calls: half of what AWS publishes, halved again when AWS throttles, recovered slowly. Shared by all stacks.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use jiff::Timestamp;
use lamp_cloud::{Bucket, Rate, Service};

/// Readings and mutations have buckets of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Direction {
    Read,
    Mutation,
}

impl Direction {
    pub(crate) const ALL: [Self; 2] = [Self::Read, Self::Mutation];

    /// The value of the metric's label.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Mutation => "mutation",
        }
    }

    fn published(self, service: Service) -> Rate {
        match self {
            Self::Read => service.published_reads(),
            Self::Mutation => service.published_mutations(),
        }
    }
}

/// However often AWS throttles, this share is left.
const LEAST_SHARE: f64 = 0.02;
/// What comes back in a minute without throttling.
const RECOVERY_PER_MINUTE: f64 = 0.05;

#[derive(Debug)]
struct Adaptive {
    published: Rate,
    /// The share that is taken while AWS does not throttle.
    full_share: f64,
    share: f64,
    adjusted_at: Timestamp,
    bucket: Bucket,
}

impl Adaptive {
    fn new(published: Rate, full_share: f64, now: Timestamp) -> Self {
        let bucket = Bucket::new(published.share(full_share), now);
        Self { published, full_share, share: full_share, adjusted_at: now, bucket }
    }

    fn take(&mut self, now: Timestamp) -> Result<(), Timestamp> {
        self.recover(now);
        self.bucket.take(now)
    }

    fn recover(&mut self, now: Timestamp) {
        let minutes = now.duration_since(self.adjusted_at).as_secs_f64().max(0.0) / 60.0;
        if self.share < self.full_share {
            self.share = (self.share + minutes * RECOVERY_PER_MINUTE).min(self.full_share);
            self.bucket.set_rate(self.published.share(self.share), now);
        }
        self.adjusted_at = self.adjusted_at.max(now);
    }

    fn throttled(&mut self, now: Timestamp) {
        self.recover(now);
        self.share = (self.share / 2.0).max(LEAST_SHARE);
        self.bucket.set_rate(self.published.share(self.share), now);
        self.bucket.empty(now);
    }
}

/// One bucket for each service and direction.
#[derive(Debug)]
pub(crate) struct Budgets {
    buckets: Mutex<BTreeMap<(Service, Direction), Adaptive>>,
}

impl Budgets {
    pub(crate) fn new(full_share: f64, now: Timestamp) -> Self {
        let pairs = Service::ALL.into_iter().flat_map(|s| Direction::ALL.map(|direction| (s, direction)));
        let bucket = |(service, direction): (Service, Direction)| {
            ((service, direction), Adaptive::new(direction.published(service), full_share, now))
        };
        Self { buckets: Mutex::new(pairs.map(bucket).collect()) }
    }

    /// Takes one token, or says when there will be one.
    pub(crate) fn take(
        &self,
        service: Service,
        direction: Direction,
        now: Timestamp,
    ) -> Result<(), Timestamp> {
        self.lock().get_mut(&(service, direction)).map_or(Ok(()), |bucket| bucket.take(now))
    }

    /// AWS said that we call too often.
    pub(crate) fn throttled(&self, service: Service, direction: Direction, now: Timestamp) {
        if let Some(bucket) = self.lock().get_mut(&(service, direction)) {
            bucket.throttled(now);
        }
    }

    /// How many calls each bucket allows at once now.
    pub(crate) fn tokens(&self, now: Timestamp) -> Vec<(Service, Direction, f64)> {
        let mut buckets = self.lock();
        buckets
            .iter_mut()
            .map(|((s, direction), bucket)| (*s, *direction, bucket.bucket.tokens(now)))
            .collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<(Service, Direction), Adaptive>> {
        self.buckets.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn drain(budgets: &Budgets, now: Timestamp) -> usize {
        std::iter::repeat_with(|| budgets.take(Service::Rds, Direction::Mutation, now))
            .take_while(Result::is_ok)
            .count()
    }

    #[test]
    fn half_of_the_published_burst_is_ours() {
        let budgets = Budgets::new(0.5, Timestamp::UNIX_EPOCH);
        assert_eq!(drain(&budgets, Timestamp::UNIX_EPOCH), 5);
    }

    #[test]
    fn throttling_empties_and_halves_and_recovers_slowly() {
        let start = Timestamp::UNIX_EPOCH;
        let budgets = Budgets::new(0.5, start);
        budgets.throttled(Service::Rds, Direction::Mutation, start);
        assert!(budgets.take(Service::Rds, Direction::Mutation, start).is_err());
        // A quarter of ten at once, after a long rest without recovery of the share in between.
        let soon = start + Duration::from_secs(30);
        assert_eq!(drain(&budgets, soon), 2);
        let later = start + Duration::from_secs(3600);
        assert_eq!(drain(&budgets, later), 1 + 1, "refilled at the old burst before the share grew");
        assert_eq!(drain(&budgets, later + Duration::from_secs(60)), 5);
    }

    #[test]
    fn throttling_one_service_leaves_the_others_alone() {
        let now = Timestamp::UNIX_EPOCH;
        let budgets = Budgets::new(0.5, now);
        budgets.throttled(Service::Rds, Direction::Mutation, now);
        assert!(budgets.take(Service::Ec2, Direction::Mutation, now).is_ok());
        assert!(budgets.take(Service::Rds, Direction::Read, now).is_ok());
    }
}
