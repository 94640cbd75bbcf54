//! Every call is counted here, by service, operation and code.

use std::sync::Arc;

use lamp_cloud::{Applied, Cloud, CloudError, Read, Reading, Request, Service};

use crate::metrics::Metrics;

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
        self.metrics.aws.requests.with_label_values(&[service.name(), operation, code]).inc();
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
