//! The way to the cloud: every call is budgeted and counted here, once.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use lamp_cloud::{Applied, Clock, Cloud, CloudError, ErrorClass, Read, Reading, Request, Service};

use crate::budget::{Budgets, Direction};
use crate::metrics::Metrics;
use crate::time::until;

/// A cloud whose calls are counted by service, operation and code.
#[derive(Debug)]
pub struct Metered<C> {
    cloud: Arc<C>,
    metrics: Metrics,
}

impl<C: Cloud> Metered<C> {
    pub fn new(cloud: Arc<C>, metrics: Metrics) -> Self {
        Self { cloud, metrics }
    }

    fn count<T>(&self, service: Service, operation: &str, result: &Result<T, CloudError>) {
        let code = result.as_ref().err().map_or("OK", |error| error.code.as_str());
        self.metrics.aws_requests.with_label_values(&[service.name(), operation, code]).inc();
        if result.as_ref().is_err_and(|error| error.class == ErrorClass::Throttled) {
            self.metrics.aws_throttles.with_label_values(&[service.name()]).inc();
        }
    }
}

impl<C: Cloud> Cloud for Metered<C> {
    fn region(&self) -> &str {
        self.cloud.region()
    }

    async fn read(&self, read: &Read) -> Result<Reading, CloudError> {
        let result = self.cloud.read(read).await;
        self.count(read.service(), read.operation(), &result);
        result
    }

    async fn apply(&self, request: &Request) -> Result<Applied, CloudError> {
        let result = self.cloud.apply(request).await;
        self.count(request.service(), request.operation(), &result);
        result
    }
}

/// The cloud, within its rate budgets.
pub(crate) struct Calls<C> {
    cloud: Metered<C>,
    budgets: Budgets,
    clock: Arc<dyn Clock>,
    /// Reading operations that were not allowed the last time, with AWS's first words.
    denied: Mutex<BTreeMap<&'static str, CloudError>>,
}

impl<C: Cloud> Calls<C> {
    pub(crate) fn new(cloud: Metered<C>, clock: Arc<dyn Clock>, rate_share: f64) -> Self {
        let budgets = Budgets::new(rate_share, clock.now());
        Self { cloud, budgets, clock, denied: Mutex::default() }
    }

    pub(crate) fn region(&self) -> &str {
        self.cloud.region()
    }

    /// Makes one reading call, as soon as the budget allows.
    pub(crate) async fn read(&self, read: &Read) -> Result<Reading, CloudError> {
        let service = read.service();
        while let Err(at) = self.budgets.take(service, Direction::Read, self.clock.now()) {
            // At least a moment: rounding must not make this loop spin on a clock that stands still.
            self.clock.sleep(until(at, self.clock.now()).max(Duration::from_millis(1))).await;
        }
        let result = self.cloud.read(read).await;
        self.adapt(service, Direction::Read, &result);
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

    /// Takes a token for one mutating call, or says when there will be one.
    pub(crate) fn reserve(&self, request: &Request) -> Result<(), jiff::Timestamp> {
        self.budgets.take(request.service(), Direction::Mutation, self.clock.now())
    }

    /// Makes one mutating call, for which a token was reserved.
    pub(crate) async fn apply(&self, request: &Request) -> Result<Applied, CloudError> {
        let result = self.cloud.apply(request).await;
        self.adapt(request.service(), Direction::Mutation, &result);
        result
    }

    /// Publishes how full the budgets are.
    pub(crate) fn publish_budgets(&self, metrics: &Metrics) {
        for (service, direction, tokens) in self.budgets.tokens(self.clock.now()) {
            metrics.budget_tokens.with_label_values(&[service.name(), direction.name()]).set(tokens);
        }
    }

    fn adapt<T>(&self, service: Service, direction: Direction, result: &Result<T, CloudError>) {
        if result.as_ref().is_err_and(|error| error.class == ErrorClass::Throttled) {
            self.budgets.throttled(service, direction, self.clock.now());
        }
    }
}
