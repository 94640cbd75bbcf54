//! The daemon's loop, with a region whose clock is tokio's.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::conditions::is_true;
use lamp_api::v1alpha1::LampStackStatus;
use lamp_cloud::Clock;
use lamp_controller::{Controller, Deps, Metrics, Settings};
use lamp_sim::{Config, Simulator, TimeSource};
use lamp_store::Store;
use serde::Deserialize;
use serde_json::json;
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

fn controller(clock: TokioClock, region: &Simulator, store: &Store) -> Controller<Simulator> {
    Controller::new(Deps {
        cloud: Arc::new(region.clone()),
        store: store.clone(),
        clock: Arc::new(clock),
        install: INSTALL.to_owned(),
        settings: Settings::default(),
        metrics: Metrics::register(&prometheus::Registry::new()).unwrap(),
    })
}

fn is_ready(store: &Store) -> bool {
    let stored = store.get(&stack("shop")).unwrap().unwrap();
    let status = LampStackStatus::deserialize(&stored.object["status"]).unwrap_or_default();
    is_true(&status.conditions, "Ready")
}

async fn wait_until_ready(store: &Store) -> bool {
    for _ in 0..2000 {
        if is_ready(store) {
            return true;
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    false
}

#[tokio::test(start_paused = true)]
async fn the_loop_brings_a_stack_up_and_ends_when_it_is_told() {
    let clock = TokioClock(Instant::now());
    let config = Config { install: INSTALL.to_owned(), region: REGION.to_owned(), ..Config::default() };
    let region = Simulator::new(config, Arc::new(clock));
    let store = Store::in_memory(move || clock.time());
    let controller = controller(clock, &region, &store);
    let readiness = controller.readiness();
    assert!(readiness.check().is_err(), "nothing was observed yet");
    let shutdown = CancellationToken::new();
    let running = tokio::spawn(controller.run(shutdown.clone()));
    let object = json!({"metadata": {"name": "shop", "namespace": "default"}, "spec": small()});
    let kind = &lamp_api::kinds::LAMPSTACK;
    let admitted = lamp_api::admission::admit(kind, &object, None, lamp_api::admission::Strictness::Strict);
    store.create(&stack("shop"), admitted.unwrap().object).await.unwrap();
    assert!(wait_until_ready(&store).await, "{:#?}", store.get(&stack("shop")).unwrap());
    assert_eq!(readiness.check(), Ok(()));
    shutdown.cancel();
    running.await.unwrap().unwrap();
    assert_eq!(region.world().violations(), &[] as &[String]);
}
