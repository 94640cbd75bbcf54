//! The composition root: the only file that knows both the API and the controller, AWS and the simulator.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;

use anyhow::{Context, Result};
use lamp_aws::AwsCloud;
use lamp_cloud::{Clock, Cloud};
use lamp_controller::{Controller, Deps, Metrics, Readiness};
use lamp_server::{Dependencies, Limits, Server};
use lamp_store::Store;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::api::{self, Door};
use crate::clock::SpeedClock;
use crate::config::Config;
use crate::home;
use crate::simulated::SimulatedRegions;

/// A part of the daemon.
pub(crate) type Task = Pin<Box<dyn Future<Output = Result<()>> + Send>>;

/// The running daemon.
pub(crate) struct Daemon {
    tasks: Vec<JoinHandle<Result<()>>>,
    ended: CancellationToken,
}

impl Daemon {
    pub(crate) async fn start_aws(config: &Config, shutdown: CancellationToken) -> Result<Self> {
        let regions = regions_of_sdk(config)?;
        let clock = Arc::new(SpeedClock::new(1.0));
        let store = open(&config.data_dir, &clock)?;
        home::claim(&store, &config.data_dir, &regions, &config.install).await?;
        let mut clouds = Vec::new();
        for region in regions {
            let connect = AwsCloud::connect(lamp_aws::Config { region, install: config.install.clone() });
            let cloud = connect.await.context("cannot connect to AWS")?;
            clouds.push(home::in_its_account(cloud, &store).await?);
        }
        Self::start(config, clouds, store, clock, shutdown).await
    }

    pub(crate) async fn start_simulated(
        config: &Config,
        regions: &SimulatedRegions,
        shutdown: CancellationToken,
    ) -> Result<Self> {
        let store = open(&config.data_dir, &regions.clock)?;
        home::claim(&store, &config.data_dir, &[], &config.install).await?;
        forget_the_last_region(&store).await?;
        Self::start(config, regions.clouds(), store, Arc::clone(&regions.clock), shutdown).await
    }

    async fn start<C: Cloud>(
        config: &Config,
        clouds: Vec<C>,
        store: Store,
        clock: Arc<SpeedClock>,
        shutdown: CancellationToken,
    ) -> Result<Self> {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry)?;
        register_process(&registry)?;
        let regions: Vec<String> = clouds.iter().map(|cloud| cloud.region().to_owned()).collect();
        let controller = |cloud| {
            Controller::new(Deps {
                cloud: Arc::new(cloud),
                store: store.clone(),
                clock: Arc::<SpeedClock>::clone(&clock) as Arc<dyn Clock>,
                install: config.install.clone(),
                regions: regions.clone(),
                settings: config.settings(),
                metrics: metrics.clone(),
            })
        };
        let controllers: Vec<Controller<C>> = clouds.into_iter().map(controller).collect();
        let readiness: Vec<_> = controllers.iter().map(Controller::readiness).collect();
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}: is another daemon running?", config.listen))?;
        let clock: lamp_server::Clock = Arc::new(move || Clock::now(clock.as_ref()));
        let door = Door::open(config, &store, listener.local_addr()?, Arc::clone(&clock)).await?;
        let server = Server::new(Dependencies {
            store,
            registry: registry.clone(),
            metrics_text: Arc::new(move || text(&registry)),
            readiness: Arc::new(move || readiness.iter().try_for_each(Readiness::check)),
            clock,
            limits: Limits::default(),
            shutdown: shutdown.clone(),
        })?;
        let mut parts = api::parts(&server, listener, &door, &shutdown);
        if let Some(address) = config.metrics_listen {
            parts.push(api::metrics(&server, address, &shutdown).await?);
        }
        Ok(Self::spawn(controllers, parts, &shutdown))
    }

    /// Each part runs until shutdown; when one ends, all end.
    fn spawn<C: Cloud>(
        controllers: Vec<Controller<C>>,
        parts: Vec<Task>,
        shutdown: &CancellationToken,
    ) -> Self {
        let ended = CancellationToken::new();
        let run = |part: Task| {
            let (shutdown, ended) = (shutdown.clone(), ended.clone());
            tokio::spawn(async move {
                let outcome = part.await;
                shutdown.cancel();
                ended.cancel();
                outcome
            })
        };
        let keep = controllers.into_iter().map(|controller| keep(controller, shutdown.clone()));
        let tasks = keep.chain(parts).map(run).collect();
        Self { tasks, ended }
    }

    /// Resolves when a part of the daemon has ended.
    pub(crate) async fn ended(&self) {
        self.ended.cancelled().await;
    }

    /// Waits until all parts have ended, and says what failed.
    pub(crate) async fn join(self) -> Result<()> {
        let mut outcome = Ok(());
        for task in self.tasks {
            let ended = task.await.context("a part of the daemon panicked").and_then(|ended| ended);
            outcome = outcome.and(ended);
        }
        outcome
    }
}

/// The controller of one region.
fn keep<C: Cloud>(controller: Controller<C>, shutdown: CancellationToken) -> Task {
    Box::pin(async move { controller.run(shutdown).await.context("the controller failed") })
}

fn open(folder: &Path, clock: &Arc<SpeedClock>) -> Result<Store> {
    if !folder.exists() {
        fs::DirBuilder::new().recursive(true).mode(0o700).create(folder).with_context(|| {
            format!("cannot make the data directory {}: choose another with --data-dir", folder.display())
        })?;
    }
    let clock = Arc::clone(clock);
    Ok(Store::open(folder, move || Clock::now(clock.as_ref()))?)
}

/// A simulated region begins empty with each process. What the ledger says of the last one would look like a disaster.
async fn forget_the_last_region(store: &Store) -> Result<()> {
    for owner in store.ledger_owners()? {
        let parts = store.ledger(&owner)?.into_keys().map(|part| (part, None)).collect();
        store.put_ledger_batch(&owner, parts).await?;
    }
    Ok(())
}

fn regions_of_sdk(config: &Config) -> Result<Vec<String>> {
    if !config.regions.is_empty() {
        return Ok(config.regions.clone());
    }
    let from_environment =
        ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok());
    from_environment.map(|region| vec![region]).context("no region: name it with --region, or set AWS_REGION")
}

fn register_process(registry: &Registry) -> Result<()> {
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    Ok(())
}

fn text(registry: &Registry) -> String {
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap_or_else(|error| format!("# {error}\n"))
}
