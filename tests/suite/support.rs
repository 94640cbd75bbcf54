//! What tests against real processes share.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use anyhow::Result;
use lamp_aws::AwsCloud;
use lamp_cloud::Clock;
use lamp_tests::account::REGION;

/// The clock on the wall, put forward now and then: so that a test need not wait for what a clock decides. Clones share
/// it.
#[derive(Clone, Default)]
pub(crate) struct AheadClock {
    ahead: Arc<Mutex<Duration>>,
}

impl AheadClock {
    /// Puts it forward.
    pub(crate) fn advance(&self, span: Duration) {
        *self.ahead.lock().unwrap_or_else(PoisonError::into_inner) += span;
    }
}

impl Clock for AheadClock {
    fn now(&self) -> jiff::Timestamp {
        jiff::Timestamp::now() + *self.ahead.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

/// The real adapter, for the AWS at this address.
pub(crate) async fn connect(url: &str, install: &str) -> Result<AwsCloud> {
    let config = lamp_aws::Config { region: REGION.to_owned(), install: install.to_owned() };
    Ok(AwsCloud::connect_to(config, url).await?)
}
