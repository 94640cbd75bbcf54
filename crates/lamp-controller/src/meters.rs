//! What is told of the budget of one region. Each series is looked up once: a call must stay cheap.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::Service;
use lamp_plan::Priority;
use prometheus::{Histogram, IntCounter};

use crate::budget::Budget;
use crate::metrics::Metrics;

#[derive(Debug)]
pub(crate) struct Meters {
    region: String,
    metrics: Metrics,
    waits: BTreeMap<Priority, Histogram>,
    calls: BTreeMap<(Service, Priority), IntCounter>,
}

impl Meters {
    pub(crate) fn new(region: &str, metrics: Metrics) -> Self {
        let wait = |priority: Priority| {
            (priority, metrics.aws.budget_wait.with_label_values(&[region, priority.name()]))
        };
        let call = |service: Service, priority: Priority| {
            let labels = [region, service.name(), priority.name()];
            ((service, priority), metrics.aws.budget_calls.with_label_values(&labels))
        };
        let pairs = Service::ALL.iter().flat_map(|service| Priority::ALL.map(|one| (*service, one)));
        let calls = pairs.map(|(service, priority)| call(service, priority)).collect();
        Self { region: region.to_owned(), waits: Priority::ALL.map(wait).into(), calls, metrics }
    }

    /// A call got its token after so long.
    pub(crate) fn taken(&self, service: Service, priority: Priority, waited: Duration) {
        if let Some(wait) = self.waits.get(&priority) {
            wait.observe(waited.as_secs_f64());
        }
        if let Some(calls) = self.calls.get(&(service, priority)) {
            calls.inc();
        }
    }

    /// AWS throttled a call.
    pub(crate) fn throttled(&self, service: Service, priority: Priority) {
        let labels = [self.region.as_str(), service.name(), priority.name()];
        self.metrics.aws.throttles.with_label_values(&labels).inc();
    }

    /// How full the budget is, and what waits for it.
    pub(crate) fn publish(&self, budget: &Budget, now: Timestamp) {
        for level in budget.levels(now) {
            let labels = [self.region.as_str(), level.limit.service.name(), level.limit.name];
            self.metrics.aws.budget_tokens.with_label_values(&labels).set(level.tokens);
            self.metrics.aws.budget_share.with_label_values(&labels).set(level.share);
        }
        for (priority, calls) in budget.waiting() {
            let labels = [self.region.as_str(), priority.name()];
            self.metrics.aws.budget_waiting.with_label_values(&labels).set(i64::from(calls));
        }
    }
}
