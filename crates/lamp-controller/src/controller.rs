//! The loop of the daemon: one `select!` over everything that can happen.

use std::fmt;
use std::future::pending;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{Clock, Cloud};
use lamp_store::{Key, Store, StoreError};
use tokio::task::{JoinError, JoinHandle};
use tokio_util::sync::CancellationToken;

use crate::engine::{self, Deps, Engine};
use crate::metrics::Metrics;
use crate::observer::Observed;
use crate::requeue::{Requeue, backoff};
use crate::runtime::{Ended, Informer, Queue, Runner};
use crate::settings::Settings;
use crate::time::{since, until};

/// Whether the controller does its work, for `/readyz`.
#[derive(Clone)]
pub struct Readiness {
    check: Arc<dyn Fn() -> Result<(), String> + Send + Sync>,
}

impl Readiness {
    /// # Errors
    /// Why it is not ready, in a sentence.
    pub fn check(&self) -> Result<(), String> {
        (self.check)()
    }
}

impl fmt::Debug for Readiness {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_tuple("Readiness").field(&self.check()).finish()
    }
}

/// The daemon's controller of one region.
pub struct Controller<C> {
    engine: Engine<C>,
    store: Store,
    clock: Arc<dyn Clock>,
    settings: Settings,
    metrics: Metrics,
}

impl<C> fmt::Debug for Controller<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Controller").field("engine", &self.engine).finish_non_exhaustive()
    }
}

impl<C: Cloud> Controller<C> {
    pub fn new(deps: Deps<C>) -> Self {
        let (store, clock) = (deps.store.clone(), Arc::clone(&deps.clock));
        let (settings, metrics) = (deps.settings.clone(), deps.metrics.clone());
        Self { engine: Engine::new(deps), store, clock, settings, metrics }
    }

    /// The engine that the loop drives.
    pub fn engine(&self) -> &Engine<C> {
        &self.engine
    }

    /// Tells whether the region is being observed.
    pub fn readiness(&self) -> Readiness {
        let (engine, clock) = (self.engine.clone(), Arc::clone(&self.clock));
        let limit = self.settings.stale_after();
        let check = move || {
            let observed = engine.observed();
            let age = since(observed.finished_at, clock.now());
            match observed.pass {
                0 => Err(format!("the region {} has not been observed yet", engine.region())),
                _ if age > limit => {
                    Err(format!("the region {} was last observed {} s ago", engine.region(), age.as_secs()))
                }
                _ => Ok(()),
            }
        };
        Readiness { check: Arc::new(check) }
    }

    /// Works until `shutdown`, then ends within the grace period: what is under way is finished, or leaves an open
    /// intent behind.
    ///
    /// # Errors
    /// The store was closed.
    pub async fn run(self, shutdown: CancellationToken) -> Result<(), StoreError> {
        let (mut informer, keys) = Informer::start(&self.store, &engine::PLURALS)?;
        let grace = self.settings.shutdown_grace;
        let mut cycle = Cycle::new(self);
        cycle.add_all(keys);
        let outcome = loop {
            cycle.advance();
            let idle = cycle.idle_time();
            let sleep = cycle.clock.sleep(idle);
            tokio::select! {
                () = shutdown.cancelled() => break Ok(()),
                changed = informer.next() => match changed {
                    Ok(keys) => cycle.add_all(keys),
                    Err(error) => break Err(error),
                },
                Some(ended) = cycle.runner.next() => cycle.ended(ended),
                outcome = finished(&mut cycle.observing) => cycle.observed(outcome),
                () = sleep => {}
            }
        };
        cycle.stop(grace).await;
        outcome
    }
}

/// The end of the observation that is under way, if one is.
async fn finished<T>(observing: &mut Option<JoinHandle<T>>) -> Result<T, JoinError> {
    match observing {
        Some(handle) => {
            let outcome = handle.await;
            *observing = None;
            outcome
        }
        None => pending().await,
    }
}

/// The loop's state.
struct Cycle<C> {
    engine: Engine<C>,
    clock: Arc<dyn Clock>,
    settings: Settings,
    metrics: Metrics,
    queue: Queue<Key>,
    runner: Runner<Key, Requeue>,
    observing: Option<JoinHandle<Arc<Observed>>>,
    /// When the next observation is due by the period, and when by what somebody waits for.
    periodic_at: Timestamp,
    wanted_at: Option<Timestamp>,
    /// No observation begins before.
    gap_ends_at: Timestamp,
}

impl<C: Cloud> Cycle<C> {
    fn new(controller: Controller<C>) -> Self {
        let now = controller.clock.now();
        Self {
            runner: Runner::new(controller.settings.reconcile_concurrency),
            engine: controller.engine,
            clock: controller.clock,
            settings: controller.settings,
            metrics: controller.metrics,
            queue: Queue::default(),
            observing: None,
            periodic_at: now,
            wanted_at: None,
            gap_ends_at: now,
        }
    }

    fn add_all(&mut self, keys: Vec<Key>) {
        let now = self.clock.now();
        for key in keys {
            self.queue.add(key, now);
        }
    }

    /// Starts what is due.
    fn advance(&mut self) {
        let now = self.clock.now();
        if self.observing.is_none() && self.observe_at() <= now {
            self.start_observation(now);
        }
        // Nothing is decided before the region was seen once.
        while self.is_open() && self.runner.has_room() {
            let Some(key) = self.queue.take(now) else { break };
            let engine = self.engine.clone();
            let work = key.clone();
            self.runner.start(key, async move { engine.work(&work).await });
        }
        let depth = self.metrics.queue_depth.with_label_values(&[self.engine.region()]);
        depth.set(i64::try_from(self.queue.len()).unwrap_or(i64::MAX));
    }

    fn is_open(&self) -> bool {
        self.engine.observed().pass > 0
    }

    fn observe_at(&self) -> Timestamp {
        self.wanted_at.map_or(self.periodic_at, |at| at.min(self.periodic_at)).max(self.gap_ends_at)
    }

    fn start_observation(&mut self, now: Timestamp) {
        let engine = self.engine.clone();
        self.periodic_at = now + self.settings.observe_period;
        self.wanted_at = None;
        self.observing = Some(tokio::spawn(async move { engine.observe().await }));
    }

    /// Time until something is due.
    fn idle_time(&self) -> Duration {
        let observe_at = self.observing.is_none().then(|| self.observe_at());
        let run_at = self.queue.next_due().filter(|_| self.is_open() && self.runner.has_room());
        let next = observe_at.into_iter().chain(run_at).min();
        next.map_or(self.settings.observe_period, |at| until(at, self.clock.now()))
    }

    /// Every key is looked at again with each observation; those that failed keep their backoff.
    fn observed(&mut self, outcome: Result<Arc<Observed>, JoinError>) {
        let now = self.clock.now();
        self.gap_ends_at = now + self.settings.observe_gap;
        if let Err(error) = outcome {
            tracing::error!(%error, "an observation ended by itself; the next one begins anew");
            return;
        }
        match self.engine.keys() {
            Ok(keys) => {
                let ready = keys.into_iter().filter(|key| !self.queue.is_failing(key)).collect();
                self.add_all(ready);
            }
            Err(error) => tracing::error!(%error, "the keys cannot be listed"),
        }
    }

    fn ended(&mut self, ended: Ended<Key, Requeue>) {
        let now = self.clock.now();
        let Ended { key, outcome } = ended;
        self.queue.finish(&key);
        let requeue = outcome.unwrap_or_else(|error| {
            tracing::error!(%key, error, "a run ended by itself");
            Requeue { error: Some(error), ..Requeue::default() }
        });
        if requeue.error.is_some() {
            let wait = backoff(&key, self.queue.fail(&key));
            self.metrics.queue_retries.inc();
            return self.queue.add(key, now + wait);
        }
        self.queue.succeed(&key);
        let Some(after) = requeue.after else { return };
        if requeue.observe_first {
            // The observation brings every key back.
            let at = now + after;
            self.wanted_at = Some(self.wanted_at.map_or(at, |earlier| earlier.min(at)));
        } else {
            self.queue.add(key, now + after);
        }
    }

    /// Takes no more work, and waits for what is under way.
    async fn stop(&mut self, grace: Duration) {
        if let Some(observing) = self.observing.take() {
            observing.abort();
        }
        let drained = async { while self.runner.next().await.is_some() {} };
        if tokio::time::timeout(grace, drained).await.is_err() {
            tracing::warn!("work was still under way at the end of the grace period; its intents stay open");
            self.runner.abort().await;
        }
    }
}
