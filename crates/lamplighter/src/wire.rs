//! The composition root: the only file that knows both the API and the controller, AWS and the simulator.

use std::fs;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result};
use lamp_aws::AwsCloud;
use lamp_cloud::{Body, Clock, Cloud, LifecycleState};
use lamp_controller::{Controller, Deps, Metrics};
use lamp_server::{Dependencies, Limits, Server};
use lamp_sim::Simulator;
use lamp_store::Store;
use prometheus::{Registry, TextEncoder};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::clock::SpeedClock;
use crate::config::{Config, SIMULATED_REGION};
use crate::home;

/// A region in memory: it ends with the process.
#[derive(Clone)]
pub(crate) struct SimulatedRegion {
    pub(crate) clock: Arc<SpeedClock>,
    simulator: Simulator,
}

impl SimulatedRegion {
    pub(crate) fn new(config: &Config) -> Self {
        let clock = Arc::new(SpeedClock::new(config.sim_speed));
        let region = lamp_sim::Config {
            region: config.region.clone().unwrap_or_else(|| SIMULATED_REGION.to_owned()),
            install: config.install.clone(),
            seed: config.sim_seed,
            log_reads: false,
            throttle: true,
            ..lamp_sim::Config::default()
        };
        let simulator =
            Simulator::new(region, Arc::<SpeedClock>::clone(&clock) as Arc<dyn lamp_sim::TimeSource>);
        Self { clock, simulator }
    }

    /// Kills a serving instance of a tier behind the daemon's back.
    pub(crate) fn kill_an_instance(&self, tier: &str) -> Option<String> {
        let victim = self.serving(tier).into_iter().next()?;
        self.simulator.world().kill_instance(&victim).then_some(victim)
    }

    /// Instances that serve in a tier's group.
    pub(crate) fn serving(&self, tier: &str) -> Vec<String> {
        let part = format!("auto-scaling-group/{tier}");
        let world = self.simulator.world();
        let group = world.resources().find(|row| row.part().is_some_and(|found| found.as_str() == part));
        let Some(Body::AutoScalingGroup(body)) = group.map(|row| &row.body) else { return Vec::new() };
        let serving = body.members.iter().filter(|member| member.lifecycle == LifecycleState::InService);
        serving.map(|member| member.instance.clone()).collect()
    }
}

/// The running daemon.
pub(crate) struct Daemon {
    tasks: Vec<JoinHandle<Result<()>>>,
    ended: CancellationToken,
}

impl Daemon {
    pub(crate) async fn start_aws(config: &Config, shutdown: CancellationToken) -> Result<Self> {
        let region = region_of_sdk(config)?;
        let clock = Arc::new(SpeedClock::new(1.0));
        let store = open(&config.data_dir, &clock)?;
        home::claim(&store, &config.data_dir, Some(&region), &config.install).await?;
        let cloud = AwsCloud::connect(lamp_aws::Config { region, install: config.install.clone() })
            .await
            .context("cannot connect to AWS")?;
        let cloud = home::in_its_account(cloud, &store).await?;
        Self::start(config, cloud, store, clock, shutdown).await
    }

    pub(crate) async fn start_simulated(
        config: &Config,
        region: &SimulatedRegion,
        shutdown: CancellationToken,
    ) -> Result<Self> {
        let store = open(&config.data_dir, &region.clock)?;
        home::claim(&store, &config.data_dir, None, &config.install).await?;
        forget_the_last_region(&store).await?;
        Self::start(config, region.simulator.clone(), store, Arc::clone(&region.clock), shutdown).await
    }

    async fn start<C: Cloud>(
        config: &Config,
        cloud: C,
        store: Store,
        clock: Arc<SpeedClock>,
        shutdown: CancellationToken,
    ) -> Result<Self> {
        let registry = Registry::new();
        let metrics = Metrics::register(&registry)?;
        register_process(&registry)?;
        let controller = Controller::new(Deps {
            cloud: Arc::new(cloud),
            store: store.clone(),
            clock: Arc::<SpeedClock>::clone(&clock) as Arc<dyn Clock>,
            install: config.install.clone(),
            settings: config.settings(),
            metrics,
        });
        let readiness = controller.readiness();
        let listener = TcpListener::bind(config.listen)
            .await
            .with_context(|| format!("cannot listen on {}: is another daemon running?", config.listen))?;
        let server = Server::new(Dependencies {
            store,
            registry: registry.clone(),
            metrics_text: Arc::new(move || text(&registry)),
            readiness: Arc::new(move || readiness.check()),
            clock: Arc::new(move || Clock::now(clock.as_ref())),
            limits: Limits::default(),
            shutdown: shutdown.clone(),
        })?;
        Ok(Self::spawn(controller, server, listener, shutdown))
    }

    /// Each part runs until shutdown; when one ends, all end.
    fn spawn<C: Cloud>(
        controller: Controller<C>,
        server: Server,
        listener: TcpListener,
        shutdown: CancellationToken,
    ) -> Self {
        let ended = CancellationToken::new();
        let router = server.router();
        let parts: [std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>>; 3] = [
            {
                let shutdown = shutdown.clone();
                Box::pin(async move { controller.run(shutdown).await.context("the controller failed") })
            },
            {
                let shutdown = shutdown.clone();
                Box::pin(async move {
                    lamp_server::serve(listener, router, shutdown).await.context("the API failed")
                })
            },
            {
                let shutdown = shutdown.clone();
                Box::pin(async move {
                    tokio::select! {
                        () = server.keep_namespaces() => {}
                        () = shutdown.cancelled() => {}
                    }
                    Ok(())
                })
            },
        ];
        let run = |part: std::pin::Pin<Box<dyn Future<Output = Result<()>> + Send>>| {
            let (shutdown, ended) = (shutdown.clone(), ended.clone());
            tokio::spawn(async move {
                let outcome = part.await;
                shutdown.cancel();
                ended.cancel();
                outcome
            })
        };
        let tasks = parts.into_iter().map(run).collect();
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

fn region_of_sdk(config: &Config) -> Result<String> {
    let from_environment =
        || ["AWS_REGION", "AWS_DEFAULT_REGION"].iter().find_map(|name| std::env::var(name).ok());
    config
        .region
        .clone()
        .or_else(from_environment)
        .context("no region: name it with --region, or set AWS_REGION")
}

fn register_process(registry: &Registry) -> Result<()> {
    registry.register(Box::new(prometheus::process_collector::ProcessCollector::for_self()))?;
    Ok(())
}

fn text(registry: &Registry) -> String {
    TextEncoder::new().encode_to_string(&registry.gather()).unwrap_or_else(|error| format!("# {error}\n"))
}
