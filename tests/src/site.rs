//! A site under test: engine, store and simulated region in one process, moved step by step in simulated time.

use std::collections::BTreeMap;
use std::future::Future;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context as TaskContext, Poll, Waker};
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use jiff::Timestamp;
use lamp_api::admission::{self, Strictness};
use lamp_api::conditions::{is_true, types};
use lamp_api::kinds::{
    DATABASE_OPERATION, IMPORT, KindInfo, LAMPSTACK, NAMESPACE, ORPHAN_DELETION, ORPHAN_REPORT,
};
use lamp_api::v1alpha1::{
    DatabaseOperationStatus, DoomedResource, ImportStatus, LampStackStatus, OrphanDeletionStatus,
    OrphanReportStatus,
};
use lamp_cloud::{InstanceState, State, tag};
use lamp_controller::{Deps, Engine, Settings};
use lamp_sim::{Config, Simulator, VirtualClock};
use lamp_store::backend::{Backend, Batch, MemoryBackend, Row, Write};
use lamp_store::{Key, Preconditions, Store};
use serde_json::Value;

use crate::crash::{Crashing, CrashingBackend, Gate};

/// What a site is made of.
#[derive(Clone, Debug)]
pub struct SiteOptions {
    pub region: Config,
    pub settings: Settings,
}

impl SiteOptions {
    /// A calm region, of the specs that come with Lamplighter.
    pub fn calm(seed: u64) -> Self {
        let region = Config {
            region: "ap-northeast-2".to_owned(),
            install: INSTALL.to_owned(),
            seed,
            log_reads: false,
            ..Config::default()
        };
        Self { region, settings: Settings::default() }
    }
}

/// Name of the installation under test.
pub const INSTALL: &str = "test";

/// Passes that one moment may need before it must be called a livelock.
const PASSES_PER_MOMENT: usize = 200;
/// Calls that wait for their rates let time pass; who is still busy after so long never ends.
const LONGEST_RUSH: Duration = Duration::from_secs(24 * 3600);

/// The process could not go on: it died at a boundary.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Died;

impl std::fmt::Display for Died {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("the process died")
    }
}

impl std::error::Error for Died {}

/// A site under test.
pub struct Site {
    pub clock: VirtualClock,
    pub region: Simulator,
    pub gate: Gate,
    rows: Arc<dyn Backend>,
    options: SiteOptions,
    /// How many data directories were lost: each one makes other uids.
    lost: u32,
    process: Process,
}

impl std::fmt::Debug for Site {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Site").field("clock", &self.clock).finish_non_exhaustive()
    }
}

/// What a crash takes away.
struct Process {
    store: Store,
    engine: Engine<Crashing<Simulator>>,
}

impl Site {
    /// An empty store, and an empty region.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn new(options: SiteOptions) -> Result<Self> {
        let clock = VirtualClock::new(Timestamp::from_second(1_800_000_000)?);
        let region = Simulator::new(options.region.clone(), Arc::new(clock.clone()));
        let gate = Gate::default();
        let rows: Arc<dyn Backend> = Arc::new(MemoryBackend::new());
        let process = start(&clock, &region, &gate, &rows, &options, 0)?;
        let site = Self { clock, region, gate, rows, options, lost: 0, process };
        site.make_namespace()?;
        Ok(site)
    }

    pub fn store(&self) -> &Store {
        &self.process.store
    }

    pub fn engine(&self) -> &Engine<Crashing<Simulator>> {
        &self.process.engine
    }

    /// The process is killed, and started again on the same rows.
    ///
    /// # Errors
    /// When the store cannot be opened again.
    pub fn restart(&mut self) -> Result<()> {
        self.gate.revive();
        self.process = start(&self.clock, &self.region, &self.gate, &self.rows, &self.options, self.lost)?;
        Ok(())
    }

    /// Applies an object as the API server would: admitted, with its finalizer.
    ///
    /// # Errors
    /// What admission or the store says.
    pub fn apply(&self, object: &Value) -> Result<Key> {
        let name = object.pointer("/metadata/name").and_then(Value::as_str).context("no name")?;
        let key = Key::new(LAMPSTACK.plural, "default", name);
        let old = self.process.store.get(&key)?;
        let admitted = admit(object, old.as_ref().map(|stored| stored.object.as_ref()))?;
        match old {
            None => drop(self.finish(self.process.store.create(&key, admitted))???),
            Some(_) => drop(self.finish(self.process.store.update(&key, None, admitted))???),
        }
        Ok(key)
    }

    /// Creates an object of a kind that people create, with this spec.
    ///
    /// # Errors
    /// What admission or the store says.
    pub fn create(&self, kind: &KindInfo, name: &str, spec: &Value) -> Result<Key> {
        let key = Key::new(kind.plural, "default", name);
        let object = serde_json::json!({
            "apiVersion": kind.api_version(),
            "kind": kind.kind,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": spec,
        });
        let admitted = admission::admit(kind, &object, None, Strictness::Strict)?.object;
        self.finish(self.process.store.create(&key, admitted))???;
        Ok(key)
    }

    /// Asks a question, and removes it again.
    fn ask(&self, kind: &KindInfo, spec: &Value) -> Result<Value> {
        let key = self.create(kind, "question-1", spec)?;
        self.finish(self.process.engine.answer(&key))??;
        let stored = self.process.store.get(&key)?.context("the question is gone")?;
        self.finish(self.process.store.delete(&key, Preconditions::default()))???;
        Ok(stored.object["status"].clone())
    }

    /// Asks as which spec the site in a network would be kept.
    ///
    /// # Errors
    /// What the store says.
    pub fn ask_import(&self, vpc: &str) -> Result<ImportStatus> {
        Ok(serde_json::from_value(self.ask(&IMPORT, &serde_json::json!({"vpc": vpc}))?)?)
    }

    /// Asks what belongs to no stack.
    ///
    /// # Errors
    /// What the store says.
    pub fn ask_orphans(&self) -> Result<OrphanReportStatus> {
        Ok(serde_json::from_value(self.ask(&ORPHAN_REPORT, &serde_json::json!({}))?)?)
    }

    /// Orders the deletion of orphans.
    ///
    /// # Errors
    /// What admission or the store says.
    pub fn order(&self, name: &str, uid: &str, resources: &[DoomedResource]) -> Result<Key> {
        let spec = serde_json::json!({"uid": uid, "resources": resources});
        self.create(&ORPHAN_DELETION, name, &spec)
    }

    /// The status of an order; `None` once it is gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn order_status(&self, key: &Key) -> Result<Option<OrphanDeletionStatus>> {
        let Some(stored) = self.process.store.get(key)? else { return Ok(None) };
        let status = stored.object.get("status").cloned().unwrap_or_else(|| serde_json::json!({}));
        Ok(Some(serde_json::from_value(status)?))
    }

    /// How far an order about a database is; `None` once it is gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn operation_status(&self, key: &Key) -> Result<Option<DatabaseOperationStatus>> {
        let Some(stored) = self.process.store.get(key)? else { return Ok(None) };
        let status = stored.object.get("status").cloned().unwrap_or_else(|| serde_json::json!({}));
        Ok(Some(serde_json::from_value(status)?))
    }

    /// Somebody changes an object in the store.
    ///
    /// # Errors
    /// What the store says.
    pub fn edit(&self, key: &Key, change: impl FnOnce(&mut Value)) -> Result<()> {
        let stored = self.process.store.get(key)?.context("it is not there")?;
        let mut object = Value::clone(&stored.object);
        change(&mut object);
        self.finish(self.process.store.update(key, Some(stored.revision), object))???;
        Ok(())
    }

    /// The data directory is lost, and another one takes its place.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn lose_store(&mut self) -> Result<()> {
        self.rows = Arc::new(MemoryBackend::new());
        self.lost += 1;
        self.restart()?;
        self.make_namespace()
    }

    /// What a backup of the data directory would hold now.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn backup(&self) -> Result<Vec<Row>> {
        Ok(self.rows.load()?)
    }

    /// The data directory is replaced by a backup, and the daemon started on it.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn restore(&mut self, backup: &[Row]) -> Result<()> {
        let rows = MemoryBackend::new();
        let writes = backup.iter().map(|(key, value)| Write::Put(key.clone(), value.clone())).collect();
        rows.commit(&Batch { writes })?;
        self.rows = Arc::new(rows);
        self.restart()
    }

    /// A person says that a store which was found to be older than AWS is to stand, and starts the daemon again.
    ///
    /// # Errors
    /// When the store cannot be written or opened.
    pub fn confirm_epoch(&mut self) -> Result<Option<String>> {
        let confirmed = self.finish(lamp_controller::confirm_epoch(&self.process.store))???;
        self.restart()?;
        Ok(confirmed)
    }

    fn make_namespace(&self) -> Result<()> {
        self.finish(self.process.store.create(
            &Key::new(NAMESPACE.plural, "", "default"),
            serde_json::json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "default"}}),
        ))???;
        Ok(())
    }

    /// Asks for the deletion of a stack.
    ///
    /// # Errors
    /// What the store says.
    pub fn delete(&self, key: &Key) -> Result<()> {
        self.finish(self.process.store.delete(key, Preconditions::default()))???;
        Ok(())
    }

    /// The status of a stack; `None` once it is gone.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn status(&self, key: &Key) -> Result<Option<LampStackStatus>> {
        let Some(stored) = self.process.store.get(key)? else { return Ok(None) };
        let status = stored.object.get("status").cloned().unwrap_or_else(|| serde_json::json!({}));
        Ok(Some(serde_json::from_value(status)?))
    }

    /// Whether a stack is Ready at its newest generation.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn is_ready(&self, key: &Key) -> Result<bool> {
        let Some(stored) = self.process.store.get(key)? else { return Ok(false) };
        let generation = stored.object.pointer("/metadata/generation").and_then(Value::as_i64);
        let status = self.status(key)?.unwrap_or_default();
        Ok(status.observed_generation == generation && is_true(&status.conditions, types::READY))
    }

    /// One moment: observes and reconciles until nothing more can be done right now.
    ///
    /// # Errors
    /// [`Died`] inside when the process died; a livelock.
    pub fn pass(&mut self) -> Result<Result<(), Died>> {
        let began = lamp_cloud::Clock::now(&self.clock);
        let (mut at, mut passes) = (began, 0);
        loop {
            if self.finish(self.process.engine.observe())?.is_err() {
                return Ok(Err(Died));
            }
            let mut again = false;
            for key in self.worked_on()? {
                match self.finish(self.process.engine.work(&key))? {
                    Ok(requeue) => again |= requeue.after == Some(Duration::ZERO),
                    Err(Died) => return Ok(Err(Died)),
                }
            }
            if !again {
                return Ok(Ok(()));
            }
            let now = lamp_cloud::Clock::now(&self.clock);
            passes = if now > at { 0 } else { passes + 1 };
            at = now;
            let goes_on = passes < PASSES_PER_MOMENT && now < began + LONGEST_RUSH;
            ensure!(goes_on, "busy without end, {passes} passes in one moment: {}", self.story()?);
        }
    }

    /// Moves time by `step` at a time until `done`, or fails after `limit`.
    ///
    /// # Errors
    /// When the time is over; the story of what it waited for.
    pub fn run_until(
        &mut self,
        step: Duration,
        limit: Duration,
        done: impl Fn(&Self) -> Result<bool>,
    ) -> Result<Result<Duration, Died>> {
        let began = lamp_cloud::Clock::now(&self.clock);
        loop {
            if self.pass()?.is_err() {
                return Ok(Err(Died));
            }
            let elapsed = lamp_cloud::Clock::now(&self.clock).duration_since(began).unsigned_abs();
            if done(self)? {
                return Ok(Ok(elapsed));
            }
            ensure!(elapsed < limit, "not done after {limit:?}: {}", self.story()?);
            self.clock.advance(step);
        }
    }

    /// Runs on for `span` in steps of `step`.
    ///
    /// # Errors
    /// As [`Site::pass`].
    pub fn run_for(&mut self, step: Duration, span: Duration) -> Result<Result<(), Died>> {
        let end = lamp_cloud::Clock::now(&self.clock) + span;
        let outcome =
            self.run_until(step, span + step, |site| Ok(lamp_cloud::Clock::now(&site.clock) >= end))?;
        Ok(outcome.map(|_| ()))
    }

    /// Keys of all stacks.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn keys(&self) -> Result<Vec<Key>> {
        let (stored, _) = self.process.store.list(LAMPSTACK.plural, None)?;
        Ok(stored.into_iter().map(|stored| stored.key).collect())
    }

    /// Keys of everything that goes on by itself: stacks and orders.
    fn worked_on(&self) -> Result<Vec<Key>> {
        let (mut orders, _) = self.process.store.list(ORPHAN_DELETION.plural, None)?;
        orders.extend(self.process.store.list(DATABASE_OPERATION.plural, None)?.0);
        Ok(self.keys()?.into_iter().chain(orders.into_iter().map(|stored| stored.key)).collect())
    }

    /// Mutating calls so far, by operation.
    pub fn mutations(&self) -> BTreeMap<String, u64> {
        let is_mutation = |operation: &str| {
            !["Describe", "List", "Get"].iter().any(|reading| operation.starts_with(reading))
        };
        let world = self.region.world();
        let calls = world.call_counts().iter().filter(|((_, operation), _)| is_mutation(operation));
        calls.map(|((_, operation), count)| ((*operation).to_owned(), *count)).collect()
    }

    /// What exists on AWS: how many resources there are of each part, and how many instances run in each group.
    pub fn census(&self) -> BTreeMap<String, usize> {
        let world = self.region.world();
        let mut census = BTreeMap::new();
        for resource in world.resources().filter(|resource| resource.state != State::Deleting) {
            let part = resource.part().map_or_else(|| resource.id.clone(), |part| part.to_string());
            *census.entry(part).or_default() += 1;
        }
        let running = |instance: &&Arc<lamp_cloud::Instance>| instance.state == InstanceState::Running;
        for instance in world.instances().filter(running) {
            let part = instance.tags.get(tag::PART).cloned().unwrap_or_default();
            *census.entry(format!("instances of {part}")).or_default() += 1;
        }
        census
    }

    /// What each stack says, for messages of failed tests.
    ///
    /// # Errors
    /// When the store cannot be read.
    pub fn story(&self) -> Result<String> {
        let mut lines = Vec::new();
        for key in self.keys()? {
            let status = self.status(&key)?.unwrap_or_default();
            lines.push(format!("{}: {}", key.name, status.summary));
            lines.extend(status.waiting.iter().map(|w| format!("  {}: {}", w.part, w.reason)));
            lines.extend(
                status
                    .conditions
                    .iter()
                    .map(|c| format!("  {}={} {}: {}", c.type_, c.status, c.reason, c.message)),
            );
        }
        Ok(lines.join("\n"))
    }

    /// Polls a future to its end. Time moves only for what sleeps; a dead process is dropped where it stands.
    fn finish<T>(&self, future: impl Future<Output = T>) -> Result<Result<T, Died>> {
        let mut future = pin!(future);
        let mut context = TaskContext::from_waker(Waker::noop());
        loop {
            if let Poll::Ready(value) = future.as_mut().poll(&mut context) {
                return Ok(if self.gate.crashed() { Err(Died) } else { Ok(value) });
            }
            if self.gate.crashed() {
                return Ok(Err(Died));
            }
            match self.clock.next_wake() {
                Some(wake) => self.clock.set(wake),
                None => bail!("waits for something that never comes"),
            }
        }
    }
}

/// What the API server does to a `LampStack` before it is stored.
///
/// # Errors
/// What is wrong with it, field by field.
pub fn admit(object: &Value, old: Option<&Value>) -> Result<Value> {
    let mut object = object.clone();
    if let (Some(old), Some(status)) = (old, old.and_then(|old| old.get("status"))) {
        object["status"] = status.clone();
        object["metadata"]["annotations"] = merged(old, &object);
    }
    object["metadata"]["finalizers"] = serde_json::json!([lamp_api::FINALIZER]);
    Ok(admission::admit(&LAMPSTACK, &object, old, Strictness::Strict)?.object)
}

fn merged(old: &Value, new: &Value) -> Value {
    let annotations = |object: &Value| {
        object.pointer("/metadata/annotations").and_then(Value::as_object).cloned().unwrap_or_default()
    };
    let mut all = annotations(old);
    all.extend(annotations(new));
    Value::Object(all)
}

fn start(
    clock: &VirtualClock,
    region: &Simulator,
    gate: &Gate,
    rows: &Arc<dyn Backend>,
    options: &SiteOptions,
    lost: u32,
) -> Result<Process> {
    let backend = CrashingBackend { inner: Arc::clone(rows), gate: gate.clone() };
    let time = clock.clone();
    let instance = if lost == 0 { "test".to_owned() } else { format!("test-{lost}") };
    let store = Store::with_backend(Arc::new(backend), move || lamp_cloud::Clock::now(&time), &instance)?;
    let engine = Engine::new(Deps {
        cloud: Arc::new(Crashing { inner: region.clone(), gate: gate.clone() }),
        store: store.clone(),
        clock: Arc::new(clock.clone()),
        install: INSTALL.to_owned(),
        regions: Vec::new(),
        settings: options.settings.clone(),
        metrics: lamp_controller::Metrics::register(&prometheus::Registry::new())?,
    });
    Ok(Process { store, engine })
}
