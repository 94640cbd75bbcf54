//! How often someone may ask, and how much at once. Who is in `system:masters` may as often as they like: who keeps the
//! daemon must get through when others flood it.

use std::collections::HashMap;
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError, Weak};

use governor::state::keyed::HashMapStateStore;
use governor::{Quota, RateLimiter, clock};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::attributes::Identity;
use crate::error::ApiError;
use crate::limits::Limits;

type Limiter<K> = RateLimiter<K, HashMapStateStore<K>, clock::DefaultClock>;

/// Keys that are remembered before those that asked for nothing lately are forgotten.
const REMEMBERED: usize = 10_000;

pub(crate) struct Rates {
    requests: Limiter<String>,
    failures: Limiter<IpAddr>,
    watches: Mutex<HashMap<String, Weak<Semaphore>>>,
    limits: Limits,
}

impl Rates {
    pub(super) fn new(limits: &Limits) -> Rates {
        let positive = |number: u32| NonZeroU32::new(number).unwrap_or(NonZeroU32::MIN);
        let requests =
            Quota::per_second(positive(limits.requests_each)).allow_burst(positive(limits.burst_each));
        Rates {
            requests: RateLimiter::hashmap(requests),
            failures: RateLimiter::hashmap(Quota::per_minute(positive(limits.failures_each))),
            watches: Mutex::default(),
            limits: *limits,
        }
    }

    /// Counts a request.
    ///
    /// # Errors
    /// There were too many.
    pub(super) fn request(&self, identity: &Identity) -> Result<(), ApiError> {
        if identity.is_master() {
            return Ok(());
        }
        forget(&self.requests);
        self.requests.check_key(&identity.name).map_err(|_| {
            let text = format!(
                "user {:?} asks too often: {} requests a second are allowed, and {} at once",
                identity.name, self.limits.requests_each, self.limits.burst_each
            );
            ApiError::TooManyRequests(text)
        })
    }

    /// Counts credentials that were wrong: guessing gets slow. What is right always passes, so that nobody locks others out.
    pub(super) fn failure(&self, address: IpAddr, refusal: ApiError) -> ApiError {
        forget(&self.failures);
        match self.failures.check_key(&address) {
            Ok(()) => refusal,
            Err(_) => {
                ApiError::TooManyRequests(format!("too many wrong credentials from {address}: wait a minute"))
            }
        }
    }

    /// Counts a watch until the permit is dropped.
    ///
    /// # Errors
    /// There are too many.
    pub(crate) fn watch(&self, identity: &Identity) -> Result<Option<OwnedSemaphorePermit>, ApiError> {
        if identity.is_master() {
            return Ok(None);
        }
        let permits = self.permits(&identity.name);
        permits.try_acquire_owned().map(Some).map_err(|_| {
            let (user, limit) = (&identity.name, self.limits.watches_each);
            ApiError::TooManyRequests(format!("user {user:?} has {limit} watches open, which is the limit"))
        })
    }

    fn permits(&self, user: &str) -> Arc<Semaphore> {
        let mut watches = self.watches.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(permits) = watches.get(user).and_then(Weak::upgrade) {
            return permits;
        }
        watches.retain(|_, permits| permits.strong_count() > 0);
        let permits = Arc::new(Semaphore::new(self.limits.watches_each));
        watches.insert(user.to_owned(), Arc::downgrade(&permits));
        permits
    }
}

fn forget<K: std::hash::Hash + Eq + Clone>(limiter: &Limiter<K>) {
    if limiter.len() > REMEMBERED {
        limiter.retain_recent();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ann() -> Identity {
        Identity::authenticated("ann".to_owned(), Vec::new())
    }

    #[test]
    fn a_flood_is_stopped_for_its_sender_alone() {
        let rates = Rates::new(&Limits { requests_each: 1, burst_each: 3, ..Limits::default() });
        let passed = (0..10).filter(|_| rates.request(&ann()).is_ok()).count();
        assert_eq!(passed, 3);
        assert!(rates.request(&Identity::authenticated("bob".to_owned(), Vec::new())).is_ok());
        let master = Identity::authenticated("ann".to_owned(), vec![Identity::MASTERS.to_owned()]);
        assert!((0..10).all(|_| rates.request(&master).is_ok()));
    }

    #[test]
    fn guessing_gets_slow() {
        let rates = Rates::new(&Limits { failures_each: 2, ..Limits::default() });
        let refusal = || ApiError::Unauthorized("no".to_owned());
        let address = |last| IpAddr::from([192, 0, 2, last]);
        for expected in [401, 401, 429] {
            assert_eq!(rates.failure(address(1), refusal()).status()["code"], expected);
        }
        assert_eq!(rates.failure(address(2), refusal()).status()["code"], 401);
    }

    #[test]
    fn watches_are_counted_while_they_are_open() {
        let rates = Rates::new(&Limits { watches_each: 1, ..Limits::default() });
        let open = rates.watch(&ann()).unwrap();
        assert!(rates.watch(&ann()).is_err());
        drop(open);
        assert!(rates.watch(&ann()).is_ok());
    }
}
