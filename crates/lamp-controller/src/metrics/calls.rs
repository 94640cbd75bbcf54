//! Calls to AWS, and the budget that they are made from.

use prometheus::{GaugeVec, HistogramVec, IntCounterVec, IntGaugeVec};

use super::{Registrar, seconds};

/// Every metric of calls.
#[derive(Clone, Debug)]
pub(crate) struct CallMetrics {
    pub(crate) requests: IntCounterVec,
    pub(crate) throttles: IntCounterVec,
    pub(crate) budget_tokens: GaugeVec,
    pub(crate) budget_share: GaugeVec,
    pub(crate) budget_calls: IntCounterVec,
    pub(crate) budget_wait: HistogramVec,
    pub(crate) budget_waiting: IntGaugeVec,
}

impl CallMetrics {
    pub(super) fn register(to: &Registrar<'_>) -> prometheus::Result<Self> {
        Ok(Self {
            requests: to.counters(
                "aws_api_requests_total",
                "Calls to AWS by outcome; code OK is success.",
                &["service", "operation", "code"],
            )?,
            throttles: to.counters(
                "aws_api_throttles_total",
                "Calls that AWS throttled, by what they were for.",
                &["region", "service", "priority"],
            )?,
            budget_tokens: to.gauges(
                "aws_api_budget_tokens",
                "Calls that our own rate budget allows at once now.",
                &["region", "service", "bucket"],
            )?,
            budget_share: to.gauges(
                "aws_api_budget_share_ratio",
                "Share of the rate published by AWS that is taken now; throttling halves it.",
                &["region", "service", "bucket"],
            )?,
            budget_calls: to.counters(
                "aws_api_budget_calls_total",
                "Calls that the rate budget let through, by what they were for.",
                &["region", "service", "priority"],
            )?,
            budget_wait: to.register(HistogramVec::new(
                seconds("aws_api_budget_wait_seconds", "Time that calls waited for the rate budget."),
                &["region", "priority"],
            ))?,
            budget_waiting: to.integer_gauges(
                "aws_api_budget_waiting_calls",
                "Calls that wait for the rate budget.",
                &["region", "priority"],
            )?,
        })
    }
}
