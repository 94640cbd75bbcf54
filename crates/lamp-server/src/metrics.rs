//! What the API tells Prometheus about itself.

use std::sync::Arc;
use std::time::Instant;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::Method;
use lamp_store::{DamagedPart, Store};
use prometheus::{HistogramOpts, HistogramVec, IntCounterVec, IntGauge, IntGaugeVec, Opts, Registry};

use crate::parameters::Parameters;
use crate::path::ResourcePath;
use crate::server::Shared;

/// The API's own metrics.
#[derive(Clone, Debug)]
pub(crate) struct Metrics {
    requests: IntCounterVec,
    durations: HistogramVec,
    watches: IntGaugeVec,
    store: StoreMetrics,
}

/// How the store is, as of the last scrape.
#[derive(Clone, Debug)]
struct StoreMetrics {
    writable: IntGauge,
    short_of_space: IntGauge,
    recovered: IntGaugeVec,
}

impl StoreMetrics {
    fn register(registry: &Registry) -> Result<StoreMetrics, prometheus::Error> {
        let writable = IntGauge::new(
            "lamplighter_store_writable",
            "1 unless the last write of the store failed: until one succeeds, nothing is changed on AWS.",
        )?;
        let short_of_space = IntGauge::new(
            "lamplighter_store_short_of_space",
            "1 after the disk was full, until the space that is kept for this could be taken again.",
        )?;
        let recovered = IntGaugeVec::new(
            Opts::new(
                "lamplighter_store_recovered",
                "1 if this part of the data directory was damaged when the daemon started, and was made good.",
            ),
            &["part"],
        )?;
        registry.register(Box::new(writable.clone()))?;
        registry.register(Box::new(short_of_space.clone()))?;
        registry.register(Box::new(recovered.clone()))?;
        Ok(StoreMetrics { writable, short_of_space, recovered })
    }
}

impl Metrics {
    pub(crate) fn register(registry: &Registry) -> Result<Metrics, prometheus::Error> {
        let requests = IntCounterVec::new(
            Opts::new(
                "lamplighter_api_requests_total",
                "Requests to the API by verb, resource and HTTP status code.",
            ),
            &["verb", "resource", "code"],
        )?;
        let durations = HistogramVec::new(
            HistogramOpts::new(
                "lamplighter_api_request_duration_seconds",
                "Time until the head of the answer, but for watches.",
            )
            .buckets(vec![0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 5.0, 30.0]),
            &["verb", "resource"],
        )?;
        let watches = IntGaugeVec::new(
            Opts::new("lamplighter_api_open_watches", "Watches that are open, by resource."),
            &["resource"],
        )?;
        registry.register(Box::new(requests.clone()))?;
        registry.register(Box::new(durations.clone()))?;
        registry.register(Box::new(watches.clone()))?;
        Ok(Metrics { requests, durations, watches, store: StoreMetrics::register(registry)? })
    }

    /// Asks the store how it is.
    pub(crate) fn publish_store(&self, store: &Store) {
        let health = store.health();
        self.store.writable.set(i64::from(store.fault().is_none()));
        self.store.short_of_space.set(i64::from(health.is_short_of_space));
        for part in DamagedPart::ALL {
            let is_damaged = health.repaired.iter().any(|damage| damage.part == part);
            self.store.recovered.with_label_values(&[part.name()]).set(i64::from(is_damaged));
        }
    }

    /// Counts a watch as open until the guard is dropped.
    pub(crate) fn open_watch(&self, resource: &str) -> OpenWatch {
        let gauge = self.watches.with_label_values(&[resource]);
        gauge.inc();
        OpenWatch(gauge)
    }
}

/// Keeps a watch counted as open.
#[derive(Debug)]
pub(crate) struct OpenWatch(IntGauge);

impl Drop for OpenWatch {
    fn drop(&mut self) {
        self.0.dec();
    }
}

/// Counts and times each request.
pub(crate) async fn record(State(shared): State<Arc<Shared>>, request: Request, next: Next) -> Response {
    let (verb, resource) = labels(&request);
    let start = Instant::now();
    let response = next.run(request).await;
    let metrics = &shared.metrics;
    metrics.requests.with_label_values(&[verb, resource, response.status().as_str()]).inc();
    if verb != "watch" {
        metrics.durations.with_label_values(&[verb, resource]).observe(start.elapsed().as_secs_f64());
    }
    response
}

/// Verb and resource in Kubernetes' words; both are from fixed sets, whatever clients send.
fn labels(request: &Request) -> (&'static str, &'static str) {
    let path = ResourcePath::parse(request.uri().path());
    let Some(path) = path else { return (plain_verb(request.method()), "") };
    let collection = path.name.is_none();
    let watch = || Parameters::of(request.uri()).is_ok_and(|parameters| parameters.is_watch());
    let verb = match (request.method(), collection) {
        (&Method::GET, true) if watch() => "watch",
        (&Method::GET, true) => "list",
        (&Method::POST, true) => "create",
        (&Method::DELETE, true) => "deletecollection",
        (&Method::PUT, false) => "update",
        (method, _) => plain_verb(method),
    };
    (verb, path.kind.plural)
}

fn plain_verb(method: &Method) -> &'static str {
    match *method {
        Method::GET => "get",
        Method::HEAD => "head",
        Method::POST => "post",
        Method::PUT => "put",
        Method::PATCH => "patch",
        Method::DELETE => "delete",
        _ => "other",
    }
}
