//! A site: a simulated region, a store, an engine that can be restarted, and time that only the test moves.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use lamp_api::admission::{Strictness, admit};
use lamp_api::conditions::is_true;
use lamp_api::kinds::{LAMPSTACK, PLAN};
use lamp_api::v1alpha1::{LampStackStatus, PlanStatus};
use lamp_cloud::Clock;
use lamp_controller::{Deps, Engine, Metrics, Requeue, Settings};
use lamp_sim::{Config, Simulator, VirtualClock};
use lamp_store::{Key, Preconditions, Store};
use prometheus::Registry;
use serde::Deserialize;
use serde_json::{Value, json};

pub(crate) const INSTALL: &str = "test";
pub(crate) const REGION: &str = "ap-northeast-2";

pub(crate) struct Site {
    pub(crate) clock: VirtualClock,
    pub(crate) region: Simulator,
    pub(crate) store: Store,
    pub(crate) engine: Engine<Simulator>,
    pub(crate) registry: Registry,
    settings: Settings,
}

pub(crate) fn stack(name: &str) -> Key {
    Key::new("lampstacks", "default", name)
}

/// One tier behind a load balancer, and no database.
pub(crate) fn small() -> Value {
    json!({
        "region": REGION,
        "tiers": [{
            "name": "web",
            "port": 80,
            "capacity": {"min": 2, "max": 4},
            "loadBalancer": {"scheme": "Internet", "healthCheck": {"path": "/healthz"}},
        }],
    })
}

/// The spec of `specs/lamp.yaml`.
pub(crate) fn lamp() -> Value {
    let text = include_str!("../../../../specs/lamp.yaml");
    let object: Value = serde_saphyr::from_str(text).unwrap();
    object["spec"].clone()
}

impl Site {
    pub(crate) fn new() -> Self {
        Self::with(Config { install: INSTALL.to_owned(), region: REGION.to_owned(), ..Config::default() })
    }

    pub(crate) fn with(config: Config) -> Self {
        Self::working(config, Settings::default())
    }

    pub(crate) fn working(config: Config, settings: Settings) -> Self {
        let settings = settings.sequential();
        let clock = VirtualClock::new("2026-11-20T09:00:00Z".parse().unwrap());
        let region = Simulator::new(config, Arc::new(clock.clone()));
        let time = clock.clone();
        let store = Store::in_memory(move || Clock::now(&time));
        let (engine, registry) = engine(&clock, &region, &store, &settings);
        Self { clock, region, store, engine, registry, settings }
    }

    /// Another process goes on from the store.
    pub(crate) fn restart(&mut self) {
        (self.engine, self.registry) = engine(&self.clock, &self.region, &self.store, &self.settings);
    }

    pub(crate) async fn apply(&self, name: &str, spec: Value) {
        let object = json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec});
        let object = admit(&LAMPSTACK, &object, None, Strictness::Strict).unwrap().object;
        self.store.create(&stack(name), object).await.unwrap();
    }

    /// Changes an object as a person would.
    pub(crate) async fn edit(&self, key: &Key, change: impl FnOnce(&mut Value)) {
        let stored = self.store.get(key).unwrap().unwrap();
        let mut object = Value::clone(&stored.object);
        change(&mut object);
        self.store.update(key, Some(stored.revision), object).await.unwrap();
    }

    pub(crate) async fn delete(&self, name: &str) {
        self.store.delete(&stack(name), Preconditions::default()).await.unwrap();
    }

    pub(crate) async fn ask(&self, name: &str, spec: Value) -> Key {
        let object = json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec});
        let object = admit(&PLAN, &object, None, Strictness::Strict).unwrap().object;
        let key = Key::new("plans", "default", name);
        self.store.create(&key, object).await.unwrap();
        key
    }

    pub(crate) fn status(&self, name: &str) -> LampStackStatus {
        let stored = self.store.get(&stack(name)).unwrap().expect("the stack exists");
        LampStackStatus::deserialize(&stored.object["status"]).unwrap_or_default()
    }

    pub(crate) fn answer(&self, key: &Key) -> PlanStatus {
        let stored = self.store.get(key).unwrap().expect("the question exists");
        PlanStatus::deserialize(&stored.object["status"]).unwrap_or_default()
    }

    pub(crate) fn exists(&self, name: &str) -> bool {
        self.store.get(&stack(name)).unwrap().is_some()
    }

    pub(crate) fn is(&self, name: &str, condition: &str) -> bool {
        is_true(&self.status(name).conditions, condition)
    }

    /// Reasons of all Events, with how often each happened.
    pub(crate) fn events(&self) -> Vec<(String, u64)> {
        let (stored, _) = self.store.list("events", None).unwrap();
        let reason = |event: &Value| event["reason"].as_str().unwrap_or_default().to_owned();
        stored.iter().map(|one| (reason(&one.object), one.object["count"].as_u64().unwrap_or(0))).collect()
    }

    /// Calls that changed, or tried to change, the region.
    pub(crate) fn mutations(&self) -> usize {
        self.region.world().log().iter().filter(|call| call.request().is_some()).count()
    }

    pub(crate) fn calls(&self) -> u64 {
        self.region.world().call_counts().values().sum()
    }

    /// Runs one step; whoever sleeps on the clock sleeps no longer than the machine needs.
    pub(crate) async fn run<T>(&self, step: impl Future<Output = T>) -> T {
        let mut step = std::pin::pin!(step);
        loop {
            tokio::select! {
                biased;
                outcome = &mut step => return outcome,
                () = tokio::time::sleep(Duration::from_millis(1)) => {
                    if let Some(at) = self.clock.next_wake() {
                        self.clock.set(at);
                    }
                }
            }
        }
    }

    /// Observes, and works on every key until nothing can be done before the next observation.
    pub(crate) async fn pass(&self) -> Vec<Requeue> {
        self.run(self.engine.observe()).await;
        let mut outcomes = Vec::new();
        for key in self.engine.keys().unwrap() {
            loop {
                let outcome = self.run(self.engine.work(&key)).await;
                let again = outcome.after == Some(Duration::ZERO) && !outcome.observe_first;
                if !again {
                    outcomes.push(outcome);
                    break;
                }
            }
        }
        outcomes
    }

    /// Passes, with the time that the engine asks for in between, until `done` or `limit` of simulated time is over.
    pub(crate) async fn until(&self, limit: Duration, mut done: impl FnMut(&Self) -> bool) -> bool {
        let end = Clock::now(&self.clock) + limit;
        while Clock::now(&self.clock) < end {
            let outcomes = self.pass().await;
            if done(self) {
                return true;
            }
            let soonest = outcomes.iter().filter_map(|outcome| outcome.after).min();
            let wait = soonest.unwrap_or(Duration::from_secs(15));
            self.clock.advance(wait.clamp(Duration::from_secs(2), Duration::from_secs(15)));
        }
        false
    }

    pub(crate) async fn come_up(&self, name: &str) {
        let ready = self.until(Duration::from_secs(7200), |site| site.is(name, "Ready")).await;
        assert!(ready, "{} after two hours: {:#?}", name, self.status(name));
    }

    /// Nothing more is changed, however long one looks.
    pub(crate) async fn stays(&self, passes: usize) {
        let before = self.mutations();
        for _ in 0..passes {
            self.clock.advance(Duration::from_secs(15));
            self.pass().await;
        }
        let world = self.region.world();
        let mutations: Vec<_> = world.log().iter().filter_map(lamp_sim::Call::request).collect();
        assert_eq!(mutations.len(), before, "{:#?}", &mutations[before.min(mutations.len())..]);
        assert_eq!(world.violations(), &[] as &[String]);
    }
}

fn engine(
    clock: &VirtualClock,
    region: &Simulator,
    store: &Store,
    settings: &Settings,
) -> (Engine<Simulator>, Registry) {
    let registry = Registry::new();
    let engine = Engine::new(Deps {
        cloud: Arc::new(region.clone()),
        store: store.clone(),
        clock: Arc::new(clock.clone()),
        install: INSTALL.to_owned(),
        regions: Vec::new(),
        settings: settings.clone(),
        metrics: Metrics::register(&registry).unwrap(),
    });
    (engine, registry)
}
