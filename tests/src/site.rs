//! A site under test: engine, store and simulated region in one process, moved step by step in simulated time.

mod directory;
mod questions;

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
use lamp_api::kinds::{DATABASE_OPERATION, LAMPSTACK, NAMESPACE, ORPHAN_DELETION};
use lamp_api::v1alpha1::LampStackStatus;
use lamp_cloud::{InstanceState, State, tag};
use lamp_controller::{Deps, Engine, Settings};
use lamp_sim::{Config, Simulator, VirtualClock};
use lamp_store::{Key, Preconditions, Store, StoreError};
use serde_json::Value;

use crate::bugs::Bug;
use crate::crash::{Crashing, CrashingBackend, Gate};
use crate::disk::Disk;
use crate::laws::Judge;
use crate::watch::{Pace, Watch};
use crate::way::Way;

/// What a site is made of.
#[derive(Clone, Debug)]
pub struct SiteOptions {
    pub region: Config,
    pub settings: Settings,
    /// Whether every call and every moment is held to the laws.
    pub judged: bool,
    /// A bug that is put in on purpose.
    pub bug: Option<Bug>,
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
        Self { region, settings: Settings::default(), judged: false, bug: None }
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
    pub disk: Disk,
    /// What the daemon takes for the time.
    pub watch: Watch,
    pub pace: Pace,
    pub judge: Judge,
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
    engine: Daemon,
    /// The judge of the site, with this daemon's files.
    judge: Judge,
}

/// The engine of a site under test.
pub type Daemon = Engine<Crashing<Way>>;

impl Site {
    /// An empty store, and an empty region.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn new(options: SiteOptions) -> Result<Self> {
        let clock = VirtualClock::new(Timestamp::from_second(1_800_000_000)?);
        let region = Simulator::new(options.region.clone(), Arc::new(clock.clone()));
        let judge = if options.judged { Judge::sitting() } else { Judge::default() };
        let disk = Disk::default();
        if let Some(row) = options.bug.and_then(Bug::forgotten) {
            disk.forget(row);
        }
        let site = Self::on(clock, region, judge, disk, options)?;
        site.make_namespace()?;
        Ok(site)
    }

    fn on(
        clock: VirtualClock,
        region: Simulator,
        judge: Judge,
        disk: Disk,
        options: SiteOptions,
    ) -> Result<Self> {
        let (gate, watch, pace) = (Gate::default(), Watch::new(clock.clone()), Pace::default());
        let way =
            Way { region: region.clone(), clock: clock.clone(), judge, pace: pace.clone(), bug: options.bug };
        let process = start(&way, &watch, &gate, &disk, &options, 0)?;
        let judge = way.judge;
        Ok(Self { clock, region, gate, disk, watch, pace, judge, options, lost: 0, process })
    }

    /// A second daemon over the same region: the machine was copied, with its data directory as it is now.
    ///
    /// # Errors
    /// When the store cannot be opened.
    pub fn copied(&self) -> Result<Self> {
        let (clock, region) = (self.clock.clone(), self.region.clone());
        Self::on(clock, region, self.judge.clone(), self.disk.copied(), self.options.clone())
    }

    pub fn store(&self) -> &Store {
        &self.process.store
    }

    pub fn engine(&self) -> &Daemon {
        &self.process.engine
    }

    /// The process is killed, and started again on the same rows.
    ///
    /// # Errors
    /// When the store cannot be opened again.
    pub fn restart(&mut self) -> Result<()> {
        self.gate.revive();
        let way = Way {
            region: self.region.clone(),
            clock: self.clock.clone(),
            judge: self.judge.clone(),
            pace: self.pace.clone(),
            bug: self.options.bug,
        };
        self.process = start(&way, &self.watch, &self.gate, &self.disk, &self.options, self.lost)?;
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
            None => {
                let stored = self.finish(self.process.store.create(&key, admitted))???;
                self.judge.acknowledge(&key, stored.object["metadata"]["generation"].as_i64());
            }
            Some(_) => {
                self.finish(self.process.store.update(&key, None, admitted))???;
                let stored = self.process.store.get(&key)?;
                let generation = stored.and_then(|stored| stored.object["metadata"]["generation"].as_i64());
                self.judge.acknowledge(&key, generation);
            }
        }
        Ok(key)
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

    /// Somebody writes an object that was read at a revision: what the store says to it.
    ///
    /// # Errors
    /// When the process died.
    pub fn update_from(
        &self,
        key: &Key,
        revision: u64,
        object: Value,
    ) -> Result<std::result::Result<(), StoreError>> {
        Ok(self.finish(self.process.store.update(key, Some(revision), object))??.map(drop))
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
        self.judge.acknowledge(key, None);
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
                self.process.judge.look(&self.region.world());
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
    way: &Way,
    watch: &Watch,
    gate: &Gate,
    disk: &Disk,
    options: &SiteOptions,
    lost: u32,
) -> Result<Process> {
    let backend = CrashingBackend { inner: Arc::new(disk.clone()), gate: gate.clone() };
    let time = watch.clone();
    let instance = if lost == 0 { "test".to_owned() } else { format!("test-{lost}") };
    let store = Store::with_backend(Arc::new(backend), move || lamp_cloud::Clock::now(&time), &instance)?;
    let judge = way.judge.of(&store, disk);
    let way = Way { judge: judge.clone(), ..way.clone() };
    let engine = Engine::new(Deps {
        cloud: Arc::new(Crashing { inner: way, gate: gate.clone() }),
        store: store.clone(),
        clock: Arc::new(watch.clone()),
        install: INSTALL.to_owned(),
        regions: Vec::new(),
        settings: options.settings.clone(),
        metrics: lamp_controller::Metrics::register(&prometheus::Registry::new())?,
    });
    if let Some(sabotage) = options.bug.and_then(Bug::sabotage) {
        engine.sabotage(sabotage);
    }
    Ok(Process { store, engine, judge })
}
