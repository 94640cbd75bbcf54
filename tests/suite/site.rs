//! A site on the AWS endpoint: an engine over the real SDK, a store in memory, and an account in the emulator.

use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use lamp_api::admission::{self, Strictness};
use lamp_api::conditions::{is_true, types};
use lamp_api::kinds::{IMPORT, LAMPSTACK};
use lamp_api::v1alpha1::{ImportStatus, LampStackStatus};
use lamp_aws::AwsCloud;
use lamp_cloud::Clock;
use lamp_controller::{Deps, Engine, Settings};
use lamp_store::{Key, Preconditions, Store};
use lamp_tests::account::Account;
use lamp_tests::site::admit;
use lamp_tests::{Counting, specs};
use serde_json::{Value, json};

use crate::support::{AheadClock, connect};

pub(crate) const INSTALL: &str = "endpoint";
/// A share of AWS's rates that nothing here reaches.
pub(crate) const UNTHROTTLED: u32 = 5_000;
/// Far more than a site needs on an emulator, where everything is instantaneous.
const PATIENCE: Duration = Duration::from_secs(90);

/// An engine over the SDK, a store in memory, and an empty account.
pub(crate) struct Site {
    pub(crate) emulator: Account,
    pub(crate) cloud: Counting<AwsCloud>,
    pub(crate) clock: AheadClock,
    store: Store,
    engine: Engine<Counting<AwsCloud>>,
}

impl Site {
    /// For tests in a hurry: the emulator is never stale nor short of calls.
    pub(crate) async fn new() -> Result<Self> {
        let plan = lamp_plan::Settings {
            consistency_window: Duration::from_secs(4),
            agreement: Duration::from_millis(300),
            change_patience: Duration::from_secs(2),
            epoch: None,
        };
        Self::with(Settings { plan, rate_percent: UNTHROTTLED, ..Settings::default() }).await
    }

    pub(crate) async fn with(settings: Settings) -> Result<Self> {
        let emulator = Account::new()?;
        let cloud = connect(emulator.url(), INSTALL).await?;
        Self::of(emulator, cloud, settings)
    }

    /// In `emulator`, reached by `cloud`.
    pub(crate) fn of(emulator: Account, cloud: AwsCloud, settings: Settings) -> Result<Self> {
        let cloud = Counting::new(cloud);
        let clock = AheadClock::default();
        let time = clock.clone();
        let store = Store::in_memory(move || time.now());
        let engine = Engine::new(Deps {
            cloud: Arc::new(cloud.clone()),
            store: store.clone(),
            clock: Arc::new(clock.clone()),
            install: INSTALL.to_owned(),
            regions: Vec::new(),
            settings,
            metrics: lamp_controller::Metrics::register(&prometheus::Registry::new())?,
        });
        Ok(Self { emulator, cloud, clock, store, engine })
    }

    pub(crate) fn spec(&self, name: &str) -> Result<Value> {
        self.emulator.with_certificate(specs::load(name)?)
    }

    pub(crate) async fn apply(&self, object: &Value) -> Result<Key> {
        let name = object["metadata"]["name"].as_str().context("no name")?;
        let key = Key::new(LAMPSTACK.plural, "default", name);
        match self.store.get(&key)? {
            None => drop(self.store.create(&key, admit(object, None)?).await?),
            Some(old) => {
                let admitted = admit(object, Some(&old.object))?;
                self.store.update(&key, None, admitted).await?;
            }
        }
        Ok(key)
    }

    /// Asks as which spec the site in a network would be kept.
    pub(crate) async fn import(&self, vpc: &str) -> Result<ImportStatus> {
        let key = Key::new(IMPORT.plural, "default", "import-1");
        let object = json!({
            "apiVersion": IMPORT.api_version(),
            "kind": IMPORT.kind,
            "metadata": {"name": key.name, "namespace": key.namespace},
            "spec": {"vpc": vpc},
        });
        let admitted = admission::admit(&IMPORT, &object, None, Strictness::Strict)?.object;
        self.store.create(&key, admitted).await?;
        self.engine.answer(&key).await;
        let stored = self.store.get(&key)?.context("the question is gone")?;
        Ok(serde_json::from_value(stored.object["status"].clone())?)
    }

    pub(crate) fn status(&self, key: &Key) -> Result<Option<LampStackStatus>> {
        let Some(stored) = self.store.get(key)? else { return Ok(None) };
        Ok(Some(serde_json::from_value(stored.object.get("status").cloned().unwrap_or_else(|| json!({})))?))
    }

    /// Observes once, and works on every stack; whether one of them asks to be looked at again at once.
    pub(crate) async fn pass(&self) -> Result<bool> {
        self.engine.observe().await;
        let (stacks, _) = self.store.list(LAMPSTACK.plural, None)?;
        let mut again = false;
        for stack in stacks {
            again |= self.engine.reconcile(&stack.key).await.after == Some(Duration::ZERO);
        }
        Ok(again)
    }

    pub(crate) async fn until(&self, what: &str, done: impl Fn(&Self) -> Result<bool>) -> Result<()> {
        let began = Instant::now();
        loop {
            self.pass().await?;
            if done(self)? {
                return Ok(());
            }
            ensure!(began.elapsed() < PATIENCE, "not {what} after {PATIENCE:?}: {}", self.story()?);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    pub(crate) fn story(&self) -> Result<String> {
        let (stacks, _) = self.store.list(LAMPSTACK.plural, None)?;
        let status = |stack: &lamp_store::Stored| {
            serde_json::to_string_pretty(&json!({
                "summary": stack.object.pointer("/status/summary"),
                "waiting": stack.object.pointer("/status/waiting"),
                "conditions": stack.object.pointer("/status/conditions"),
            }))
        };
        Ok(stacks.iter().filter_map(|stack| status(stack).ok()).collect::<Vec<_>>().join("\n"))
    }

    pub(crate) fn is_ready(&self, key: &Key) -> Result<bool> {
        let Some(stored) = self.store.get(key)? else { return Ok(false) };
        let generation = stored.object.pointer("/metadata/generation").and_then(Value::as_i64);
        let status = self.status(key)?.unwrap_or_default();
        Ok(status.observed_generation == generation && is_true(&status.conditions, types::READY))
    }

    /// The generation of its spec.
    pub(crate) fn generation(&self, key: &Key) -> Result<i64> {
        let stored = self.store.get(key)?.context("no such stack")?;
        stored.object.pointer("/metadata/generation").and_then(Value::as_i64).context("no generation")
    }

    pub(crate) async fn until_ready(&self, key: &Key) -> Result<()> {
        self.until("Ready", |site| site.is_ready(key)).await
    }

    pub(crate) async fn comes_up(&self, name: &str) -> Result<Key> {
        let key = self.apply(&self.spec(name)?).await?;
        self.until_ready(&key).await?;
        Ok(key)
    }

    /// Three passes that change nothing.
    pub(crate) async fn is_settled(&self) -> Result<()> {
        // What became Ready may still finish what does not count for it.
        for _ in 0..4 {
            self.pass().await?;
            tokio::time::sleep(Duration::from_millis(700)).await;
        }
        self.cloud.take();
        for _ in 0..3 {
            self.pass().await?;
        }
        let calls = self.cloud.take();
        ensure!(calls.total_mutations() == 0, "still changing: {:?}\n{}", calls.mutations, self.story()?);
        Ok(())
    }

    pub(crate) fn part(&self, key: &Key, part: &str) -> Result<String> {
        let status = self.status(key)?.context("no status")?;
        let row = status
            .parts
            .into_iter()
            .find(|row| row.part == part)
            .with_context(|| format!("no part {part}"))?;
        row.id.with_context(|| format!("{part} has no id"))
    }

    pub(crate) async fn delete(&self, key: &Key) -> Result<()> {
        self.store.delete(key, Preconditions::default()).await?;
        Ok(())
    }

    pub(crate) fn is_gone(&self, key: &Key) -> Result<bool> {
        Ok(self.store.get(key)?.is_none())
    }

    pub(crate) async fn goes_away(&self, key: &Key) -> Result<()> {
        self.delete(key).await?;
        self.until("gone", |site| site.is_gone(key)).await
    }
}
