//! Reads the metrics that planning asked for, many in one call.

use std::collections::BTreeSet;

use jiff::Timestamp;
use lamp_cloud::{Cloud, MetricQuery, Read, Reading, Signals};

use crate::calls::Calls;

/// How far back each reading goes, in minutes.
const MINUTES: u32 = 10;

/// Reads all of `queries`. What could not be read is missing from the answer.
pub(crate) async fn read<C: Cloud>(
    calls: &Calls<C>,
    queries: BTreeSet<MetricQuery>,
    now: Timestamp,
) -> Signals {
    let queries: Vec<_> = queries.into_iter().collect();
    let mut signals = Signals { read_at: Some(now), ..Signals::default() };
    for batch in queries.chunks(Read::METRICS_PER_CALL) {
        match calls.read(&Read::Metrics { queries: batch.to_vec(), minutes: MINUTES }).await {
            Ok(Reading::Metrics(rows)) => signals.series.extend(rows),
            Ok(_) => tracing::warn!("the answer to a reading of metrics is of another kind"),
            Err(error) => tracing::warn!(%error, metrics = batch.len(), "metrics could not be read"),
        }
    }
    signals
}
