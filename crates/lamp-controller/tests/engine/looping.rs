//! The daemon's loop, with a region whose clock is tokio's.

use std::collections::BTreeSet;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::conditions::is_true;
use lamp_api::v1alpha1::LampStackStatus;
use lamp_cloud::{Clock, State};
use lamp_controller::{Controller, Deps, Metrics, Settings};
use lamp_sim::{Config, Simulator, TimeSource};
use lamp_store::{Preconditions, Store};
use serde::Deserialize;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::support::{INSTALL, REGION, small, stack};

/// Tokio's clock, which stands still in tests unless everybody sleeps.
#[derive(Clone, Copy)]
struct TokioClock(Instant);

impl TokioClock {
    fn time(self) -> Timestamp {
        Timestamp::UNIX_EPOCH + Duration::from_secs(1_700_000_000) + self.0.elapsed()
    }
}

impl TimeSource for TokioClock {
    fn now(&self) -> Timestamp {
        self.time()
    }
}

impl Clock for TokioClock {
    fn now(&self) -> Timestamp {
        self.time()
    }

    fn sleep(&self, duration: Duration) -> Pin<Box<dyn Future<Output = ()> + Send>> {
        Box::pin(tokio::time::sleep(duration))
    }
}

fn region(clock: TokioClock, name: &str) -> Simulator {
    let config = Config { install: INSTALL.to_owned(), region: name.to_owned(), ..Config::default() };
    Simulator::new(config, Arc::new(clock))
}

fn controller(
    clock: TokioClock,
    region: &Simulator,
    regions: &[&str],
    store: &Store,
) -> Controller<Simulator> {
    Controller::new(Deps {
        cloud: Arc::new(region.clone()),
        store: store.clone(),
        clock: Arc::new(clock),
        install: INSTALL.to_owned(),
        regions: regions.iter().map(|region| (*region).to_owned()).collect(),
        settings: Settings::default(),
        metrics: Metrics::register(&prometheus::Registry::new()).unwrap(),
    })
}

async fn create(store: &Store, name: &str, spec: Value) {
    let object = json!({"metadata": {"name": name, "namespace": "default"}, "spec": spec});
    let kind = &lamp_api::kinds::LAMPSTACK;
    let admitted = lamp_api::admission::admit(kind, &object, None, lamp_api::admission::Strictness::Strict);
    store.create(&stack(name), admitted.unwrap().object).await.unwrap();
}

fn status(store: &Store, name: &str) -> LampStackStatus {
    let stored = store.get(&stack(name)).unwrap().unwrap();
    LampStackStatus::deserialize(&stored.object["status"]).unwrap_or_default()
}

async fn wait_until(store: &Store, name: &str, condition: &str) -> bool {
    for _ in 0..2000 {
        if is_true(&status(store, name).conditions, condition) {
            return true;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn the_loop_brings_a_stack_up_and_ends_when_it_is_told() {
    let clock = TokioClock(Instant::now());
    let region = region(clock, REGION);
    let store = Store::in_memory(move || clock.time());
    let controller = controller(clock, &region, &[], &store);
    let readiness = controller.readiness();
    assert!(readiness.check().is_err(), "nothing was observed yet");
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(controller.run(shutdown.clone()));
    create(&store, "shop", small()).await;
    assert!(wait_until(&store, "shop", "Ready").await, "{:#?}", status(&store, "shop"));
    assert_eq!(readiness.check(), Ok(()));
    shutdown.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(region.world().violations(), &[] as &[String]);
}

/// The owners of what there is in a region, by the tag of their stack.
fn stacks_in(region: &Simulator) -> BTreeSet<String> {
    let world = region.world();
    let alive = world.resources().filter(|row| row.state != State::Deleting);
    alive.filter_map(|row| row.tags.get("lamplighter:stack").cloned()).collect()
}

#[tokio::test(start_paused = true)]
async fn each_region_of_a_daemon_has_its_own_sites_and_the_first_tells_what_nobody_keeps() {
    const NAMES: [&str; 2] = [REGION, "us-east-1"];
    let clock = TokioClock(Instant::now());
    let store = Store::in_memory(move || clock.time());
    let shutdown = CancellationToken::new();
    let regions = NAMES.map(|name| region(clock, name));
    let running = regions.each_ref().map(|region| {
        let controller = controller(clock, region, &NAMES, &store);
        tokio::spawn(controller.run(shutdown.clone()))
    });
    for (name, region) in [("here", REGION), ("there", "us-east-1"), ("nowhere", "eu-west-1")] {
        let mut spec = small();
        spec["region"] = json!(region);
        create(&store, name, spec).await;
    }
    for name in ["here", "there"] {
        assert!(wait_until(&store, name, "Ready").await, "{:#?}", status(&store, name));
    }
    assert!(wait_until(&store, "nowhere", "Stalled").await);
    let stalled = status(&store, "nowhere");
    let said = stalled.conditions.iter().find(|condition| condition.reason == "OtherRegion").unwrap();
    let works_in = format!("spec.region is eu-west-1, but this daemon works in {REGION}, us-east-1");
    assert!(said.message.starts_with(&works_in), "{}", said.message);

    let found = regions.each_ref().map(stacks_in);
    assert_eq!(
        found.map(|names| names.into_iter().collect::<Vec<_>>()),
        [["default/here"], ["default/there"]]
    );

    store.delete(&stack("there"), Preconditions::default()).await.unwrap();
    let gone = async {
        while store.get(&stack("there")).unwrap().is_some() {
            tokio::time::sleep(Duration::from_secs(1)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(3600), gone).await.unwrap();
    assert_eq!(regions.each_ref().map(|region| stacks_in(region).len()), [1, 0]);
    shutdown.cancel();
    for task in running {
        task.await.unwrap().unwrap();
    }
    for region in &regions {
        assert_eq!(region.world().violations(), &[] as &[String]);
    }
}
