//! The first look: a site comes up in a simulated region, loses an instance, and heals.
//!
//! It uses the daemon as a user does, through its API; only the instance is killed behind its back.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, bail, ensure};
use kube::api::{Api, PostParams};
use lamp_api::conditions::{is_true, types};
use lamp_api::v1alpha1::{LampStack, LampStackStatus, PartState};
use lamp_cloud::Clock;
use tokio_util::sync::CancellationToken;

use crate::args::{CloudKind, DemoArgs, LogFormat, ServeArgs};
use crate::clock::SpeedClock;
use crate::config::{Config, SIMULATED_REGION};
use crate::simulated::{SimulatedRegion, SimulatedRegions};
use crate::wire::Daemon;
use crate::{serve, telemetry};

const SPEC: &str = include_str!("../../../specs/lamp.yaml");

/// How long, by the watch on the wall, the whole show may take: ten times what it takes at the default speed.
const PATIENCE: Duration = Duration::from_secs(600);

/// How often the show looks at the site, by the watch on the wall.
const GLANCE: Duration = Duration::from_millis(100);

pub(crate) async fn run(args: DemoArgs) -> Result<()> {
    telemetry::start(LogFormat::Text, "warn");
    let data = tempfile::tempdir().context("cannot make a temporary data directory")?;
    let config = config(&args, data.path().to_path_buf())?;
    let shutdown = CancellationToken::new();
    let regions = SimulatedRegions::new(&config);
    let daemon = Daemon::start_simulated(&config, &regions, shutdown.clone()).await?;
    let show = async {
        let show = Show::new(&config, &regions)?;
        show.play().await?;
        if args.once {
            return Ok(());
        }
        show.leave_running();
        serve::wait_for_signal().await
    };
    // The daemon only ends early when it fails.
    let outcome = tokio::select! {
        outcome = show => outcome,
        () = daemon.ended() => Err(anyhow::anyhow!("the daemon ended early")),
    };
    shutdown.cancel();
    let ended = daemon.join().await;
    outcome.and(ended)
}

fn config(args: &DemoArgs, data_dir: PathBuf) -> Result<Config> {
    Config::load(&ServeArgs {
        data_dir: Some(data_dir),
        listen: Some(args.listen),
        // It shows a simulated region to whoever sits at this machine.
        plain_http: true,
        cloud: Some(CloudKind::Sim),
        install: Some("demo".to_owned()),
        region: vec![SIMULATED_REGION.to_owned()],
        sim_speed: Some(args.sim_speed),
        sim_seed: Some(args.sim_seed),
        ..ServeArgs::default()
    })
}

/// The show: a client of the API, and a hand in the simulated region.
struct Show<'a> {
    stacks: Api<LampStack>,
    region: &'a SimulatedRegion,
    clock: &'a SpeedClock,
    url: String,
    started: Instant,
    began: jiff::Timestamp,
}

impl<'a> Show<'a> {
    fn new(config: &Config, regions: &'a SimulatedRegions) -> Result<Self> {
        let url = format!("http://{}", config.listen);
        let client = kube::Client::try_from(kube::Config::new(url.parse()?))?;
        let stacks = Api::namespaced(client, "default");
        let clock = regions.clock.as_ref();
        let region = regions.first().context("no region is simulated")?;
        let began = Clock::now(clock);
        Ok(Self { stacks, region, clock, url, started: Instant::now(), began })
    }

    async fn play(&self) -> Result<()> {
        let stack: LampStack = serde_saphyr::from_str(SPEC).context("specs/lamp.yaml")?;
        let name = stack.metadata.name.clone().unwrap_or_default();
        self.say(&format!("apply specs/lamp.yaml: the LAMP site {name:?} in a simulated {SIMULATED_REGION}"));
        self.stacks.create(&PostParams::default(), &stack).await.context("cannot apply specs/lamp.yaml")?;
        let status = self.follow(&name, "Ready", |status| is_true(&status.conditions, types::READY)).await?;
        self.say(&format!("Ready: {}", status.url.as_deref().unwrap_or("no address")));
        let victim = self.region.kill_an_instance("web").context("the web tier has no running instance")?;
        self.say(&format!("an instance of the web tier is killed: {victim}"));
        self.follow(&name, "healed", |status| self.has_healed(status, &victim)).await?;
        self.say(&format!("healed: {victim} was replaced, and the site is Ready again"));
        Ok(())
    }

    fn has_healed(&self, status: &LampStackStatus, victim: &str) -> bool {
        let serving = self.region.serving("web");
        let replaced = !serving.iter().any(|instance| instance == victim);
        let full = status.tiers.iter().all(|tier| {
            let in_region = self.region.serving(&tier.name).len();
            tier.ready >= tier.desired && in_region >= tier.desired as usize
        });
        replaced && full && is_true(&status.conditions, types::READY)
    }

    /// Prints what changes until `done`.
    async fn follow(
        &self,
        name: &str,
        what: &str,
        done: impl Fn(&LampStackStatus) -> bool,
    ) -> Result<LampStackStatus> {
        let mut last = String::new();
        loop {
            ensure!(self.started.elapsed() < PATIENCE, "not {what} after {PATIENCE:?}: {last}");
            let stack = self.stacks.get(name).await?;
            let status = stack.status.unwrap_or_default();
            let line = describe(&status);
            if line != last {
                self.say(&line);
                last = line;
            }
            if let Some(stalled) =
                status.conditions.iter().find(|c| c.type_ == types::STALLED && c.status == "True")
            {
                bail!("{}: {}", stalled.reason, stalled.message);
            }
            if done(&status) {
                return Ok(status);
            }
            tokio::time::sleep(GLANCE).await;
        }
    }

    fn leave_running(&self) {
        println!();
        println!("The site goes on living. From another terminal:");
        println!("  kubectl --server {} get lamp", self.url);
        println!("  kubectl --server {} describe lamp shop", self.url);
        println!("  kubectl --server {} get events --sort-by=.lastTimestamp", self.url);
        println!("Ctrl-C ends it.");
    }

    /// One line, with the simulated time since the beginning.
    fn say(&self, text: &str) {
        let elapsed = Clock::now(self.clock).duration_since(self.began);
        let seconds = elapsed.as_secs();
        println!("{:>3}:{:02}  {text}", seconds / 60, seconds % 60);
    }
}

fn describe(status: &LampStackStatus) -> String {
    let ready = status.parts.iter().filter(|part| part.state == PartState::Ready).count();
    format!("{ready} of {} parts ready: {}", status.parts.len(), status.summary)
}
