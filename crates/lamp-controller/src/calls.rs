//! The way to the cloud: every call is budgeted here, once.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Applied, Clock, Cloud, CloudError, ErrorClass, Limit, Read, Reading, Request, Service};
use lamp_plan::Priority;
use lamp_store::Store;

use crate::budget::{Asker, Budget, Demand, Throttled, of_reading};
use crate::engine::Deps;
use crate::metered::Metered;
use crate::meters::Meters;
use crate::time::{since, until};
use crate::trouble::Troubles;

/// The calls of one stack in one run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Turn {
    asker: Asker,
    run: u64,
}

/// The cloud, within its rate budget.
pub(crate) struct Calls<C> {
    cloud: Metered<C>,
    budget: Budget,
    meters: Meters,
    store: Store,
    /// Records are written one after the other, so that the newest is the last.
    keeping: tokio::sync::Mutex<()>,
    clock: Arc<dyn Clock>,
    /// Readings and runs so far: each has a number of its own.
    numbers: AtomicU64,
    /// Reading operations that were not allowed the last time, with AWS's first words.
    denied: Mutex<BTreeMap<&'static str, CloudError>>,
    troubles: Troubles,
}

impl<C: Cloud> Calls<C> {
    /// Goes on with the budget that an earlier process left in the store.
    pub(crate) fn new(deps: &Deps<C>) -> Self {
        let cloud = Metered::new(Arc::clone(&deps.cloud), deps.metrics.clone());
        let share = f64::from(deps.settings.rate_percent) / 100.0;
        let budget = Budget::new(cloud.region(), share);
        restore(&budget, &deps.store, deps.clock.now());
        Self {
            meters: Meters::new(cloud.region(), deps.metrics.clone()),
            cloud,
            budget,
            store: deps.store.clone(),
            keeping: tokio::sync::Mutex::default(),
            clock: Arc::clone(&deps.clock),
            numbers: AtomicU64::new(0),
            denied: Mutex::default(),
            troubles: Troubles::default(),
        }
    }

    pub(crate) fn region(&self) -> &str {
        self.cloud.region()
    }

    /// Makes one reading call, as soon as the budget allows.
    pub(crate) async fn read(&self, read: &Read) -> Result<Reading, CloudError> {
        self.read_as(read, of_reading(read)).await
    }

    /// Makes one reading call on which something of this priority waits.
    pub(crate) async fn read_as(&self, read: &Read, priority: Priority) -> Result<Reading, CloudError> {
        self.read_before(read, priority, Timestamp::MAX).await
    }

    /// Makes one reading call, or none if the budget does not allow it before `deadline`.
    pub(crate) async fn read_before(
        &self,
        read: &Read,
        priority: Priority,
        deadline: Timestamp,
    ) -> Result<Reading, CloudError> {
        let limit = read.limit();
        let mut demand = Demand { asker: Asker::reading(self.number()), run: 0, priority };
        let began_at = self.clock.now();
        while let Err(at) = self.budget.take(&limit, &demand, self.clock.now()) {
            if at > deadline {
                self.budget.withdraw(&limit, &demand);
                return Err(too_late(read));
            }
            demand.run += 1;
            // At least a moment: rounding must not make this loop spin on a clock that stands still.
            self.clock.sleep(until(at, self.clock.now()).max(Duration::from_millis(1))).await;
        }
        let sent_at = self.clock.now();
        self.meters.taken(limit.service, priority, since(began_at, sent_at));
        let result = self.cloud.read(read).await;
        self.adapt(&limit, priority, sent_at, &result).await;
        self.troubles.note(limit.service, &result);
        self.note_denial(read.operation(), &result);
        result
    }

    fn note_denial(&self, operation: &'static str, result: &Result<Reading, CloudError>) {
        let mut denied = self.denied.lock().unwrap_or_else(PoisonError::into_inner);
        match result {
            Ok(_) => drop(denied.remove(operation)),
            // The first words stay: AWS encodes and numbers each refusal anew, and none says more than another.
            Err(error) if error.class == ErrorClass::Denied => {
                denied.entry(operation).or_insert_with(|| CloudError { request_id: None, ..error.clone() });
            }
            Err(_) => {}
        }
    }

    /// Readings that are not allowed, in the order of their names.
    pub(crate) fn denied_readings(&self) -> Vec<CloudError> {
        self.denied.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect()
    }

    /// Services that fail more often than not, and how.
    pub(crate) fn troubled(&self) -> BTreeMap<Service, String> {
        self.troubles.now()
    }

    /// Begins a run of a stack. [`Calls::finish`] ends it.
    pub(crate) fn begin(&self, uid: &str) -> Turn {
        Turn { asker: Asker::stack(uid), run: self.number() }
    }

    /// Takes a token for one mutating call, or says when to ask for it again.
    pub(crate) fn reserve(&self, request: &Request, priority: Priority, turn: Turn) -> Result<(), Timestamp> {
        let limit = request.limit();
        let demand = Demand { asker: turn.asker, run: turn.run, priority };
        let waited = self.budget.take(&limit, &demand, self.clock.now())?;
        self.meters.taken(limit.service, priority, waited);
        Ok(())
    }

    /// The run has asked for everything that it needs: what is kept for the stack beyond that is for others.
    pub(crate) fn finish(&self, turn: Turn) {
        self.budget.finish(turn.asker, turn.run);
    }

    /// Makes one mutating call, for which a token was reserved.
    pub(crate) async fn apply(&self, request: &Request, priority: Priority) -> Result<Applied, CloudError> {
        let sent_at = self.clock.now();
        let result = self.cloud.apply(request).await;
        self.troubles.note(request.limit().service, &result);
        self.adapt(&request.limit(), priority, sent_at, &result).await;
        result
    }

    /// Publishes how full the budget is, and keeps it for the next process.
    pub(crate) async fn publish_budget(&self) {
        self.meters.publish(&self.budget, self.clock.now());
        self.keep_budget().await;
    }

    async fn adapt<T>(
        &self,
        limit: &Limit,
        priority: Priority,
        sent_at: Timestamp,
        result: &Result<T, CloudError>,
    ) {
        let Some(error) = result.as_ref().err().filter(|error| error.class == ErrorClass::Throttled) else {
            return;
        };
        self.meters.throttled(limit.service, priority);
        let throttled = Throttled { sent_at, priority, retry_after: error.retry_after };
        self.budget.throttled(limit, &throttled, self.clock.now());
        self.keep_budget().await;
    }

    /// Writes the budget down where it changed. What cannot be written is written with the next pass.
    async fn keep_budget(&self) {
        let _one_at_a_time = self.keeping.lock().await;
        let record = match self.budget.changed_record() {
            Ok(Some(record)) => record,
            Ok(None) => return,
            Err(error) => {
                return tracing::error!(%error, "the rate budget cannot be encoded, and is not kept");
            }
        };
        if let Err(error) = self.store.put_meta(&self.budget.record_name(), &record).await {
            self.budget.not_written();
            tracing::warn!(%error, "the reduced rates of calls could not be kept; a restart now would forget them");
        }
    }

    fn number(&self) -> u64 {
        self.numbers.fetch_add(1, Ordering::Relaxed)
    }
}

/// Our code for what was not sent.
const TOO_LATE: &str = "BudgetExhausted";

fn too_late(read: &Read) -> CloudError {
    let message = "the rate budget does not allow it in this pass; it was not sent, and is for a later one";
    CloudError::new(ErrorClass::Throttled, read.operation(), TOO_LATE, message)
}

/// Whether a reading was not made because there was no token for it in time.
pub(crate) fn is_too_late(error: &CloudError) -> bool {
    error.code == TOO_LATE
}

fn restore(budget: &Budget, store: &Store, now: Timestamp) {
    let Some(record) = store.meta(&budget.record_name()) else { return };
    match budget.restore(&record, now) {
        Ok(levels) => {
            for level in levels {
                let (service, bucket, share) = (level.limit.service.name(), level.limit.name, level.share);
                let priority = level.throttled.map_or("unknown", Priority::name);
                tracing::info!(
                    service,
                    bucket,
                    share,
                    priority,
                    "AWS throttled before the start: calls are fewer"
                );
            }
        }
        Err(error) => tracing::warn!(
            %error,
            "the rates of calls that were kept cannot be read: calls begin at the usual rates, and AWS may throttle some"
        ),
    }
}
