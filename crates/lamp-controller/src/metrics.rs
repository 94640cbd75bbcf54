//! What Prometheus scrapes of the controller. Labels are bounded; only `lamplighter_condition` names stacks.

use prometheus::{
    GaugeVec, HistogramOpts, HistogramVec, IntCounter, IntCounterVec, IntGaugeVec, Opts, Registry,
};

mod calls;

pub(crate) use calls::CallMetrics;

const RETRIES: &str = "workqueue_retries_total";

/// Every metric of the controller, registered.
#[derive(Clone, Debug)]
pub struct Metrics {
    pub(crate) reconciles: IntCounterVec,
    pub(crate) reconcile_seconds: HistogramVec,
    pub(crate) queue_depth: IntGaugeVec,
    pub(crate) queue_retries: IntCounter,
    pub(crate) observe_seconds: HistogramVec,
    pub(crate) section_age: GaugeVec,
    pub(crate) aws: CallMetrics,
    pub(crate) drift: IntCounterVec,
    pub(crate) conditions: IntGaugeVec,
    pub(crate) scaling_decisions: IntCounterVec,
    pub(crate) replacements: IntCounterVec,
    pub(crate) violations: IntCounterVec,
    pub(crate) orphans: IntGaugeVec,
}

struct Registrar<'a>(&'a Registry);

impl Registrar<'_> {
    fn register<T: prometheus::core::Collector + Clone + 'static>(
        &self,
        metric: prometheus::Result<T>,
    ) -> prometheus::Result<T> {
        let metric = metric?;
        self.0.register(Box::new(metric.clone()))?;
        Ok(metric)
    }

    fn counters(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntCounterVec> {
        self.register(IntCounterVec::new(options(name, help), labels))
    }

    fn gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<GaugeVec> {
        self.register(GaugeVec::new(options(name, help), labels))
    }

    fn integer_gauges(&self, name: &str, help: &str, labels: &[&str]) -> prometheus::Result<IntGaugeVec> {
        self.register(IntGaugeVec::new(options(name, help), labels))
    }
}

fn options(name: &str, help: &str) -> Opts {
    Opts::new(name, help).namespace("lamplighter")
}

fn seconds(name: &str, help: &str) -> HistogramOpts {
    let buckets = vec![0.001, 0.005, 0.02, 0.1, 0.5, 1.0, 2.0, 5.0, 10.0, 30.0, 60.0, 120.0];
    HistogramOpts::new(name, help).namespace("lamplighter").buckets(buckets)
}

impl Metrics {
    /// Registers all metrics in `registry`.
    ///
    /// # Errors
    /// A metric of one of these names is registered already.
    pub fn register(registry: &Registry) -> prometheus::Result<Self> {
        let to = Registrar(registry);
        let build = to.integer_gauges("build_info", "Version of the program; always 1.", &["version"])?;
        build.with_label_values(&[env!("CARGO_PKG_VERSION")]).set(1);
        Ok(Self {
            reconciles: to.counters("reconcile_total", "Reconciles by result.", &["result"])?,
            reconcile_seconds: to.register(HistogramVec::new(
                seconds("reconcile_duration_seconds", "Duration of reconciles by kind, in cloud time."),
                &["kind"],
            ))?,
            queue_depth: to.integer_gauges(
                "workqueue_depth",
                "Keys that wait, now or later.",
                &["region"],
            )?,
            queue_retries: to
                .register(IntCounter::with_opts(options(RETRIES, "Keys put back after a failure.")))?,
            observe_seconds: to.register(HistogramVec::new(
                seconds(
                    "observe_duration_seconds",
                    "Duration of one observation of a region, in cloud time.",
                ),
                &["region"],
            ))?,
            section_age: to.gauges(
                "observe_section_age_seconds",
                "Time since this listing was last known completely.",
                &["region", "section"],
            )?,
            aws: CallMetrics::register(&to)?,
            drift: to.counters(
                "drift_detected_total",
                "Fields that were put back because AWS differed from the spec.",
                &["kind", "field"],
            )?,
            conditions: to.integer_gauges(
                "condition",
                "Whether a condition of a stack is true.",
                &["namespace", "name", "type"],
            )?,
            scaling_decisions: to.counters(
                "scaling_decisions_total",
                "Scaling decisions that acted.",
                &["direction"],
            )?,
            replacements: to.counters(
                "replacements_total",
                "Instances and replicas replaced because they were sick, or by a rollout.",
                &["reason"],
            )?,
            violations: to.counters(
                "plan_violations_total",
                "Plans that were refused because they broke a law.",
                &["law"],
            )?,
            orphans: to.integer_gauges(
                "orphans",
                "Resources that carry our install tag but belong to no stack.",
                &["region", "kind"],
            )?,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_metric_is_registered_once_and_described() {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry).unwrap();
        metrics.queue_depth.with_label_values(&["eu-central-1"]).set(3);
        let families = registry.gather();
        assert!(families.iter().all(|family| family.name().starts_with("lamplighter_")));
        assert!(families.iter().all(|family| !family.help().is_empty()));
        assert!(Metrics::register(&registry).is_err(), "a second controller needs its own registry");
    }
}
