//! Regions in memory: they end with the process.

use std::sync::Arc;

use lamp_cloud::{Body, LifecycleState};
use lamp_sim::Simulator;

use crate::clock::SpeedClock;
use crate::config::{Config, SIMULATED_REGION};

/// Every region that is simulated, under one clock.
pub(crate) struct SimulatedRegions {
    pub(crate) clock: Arc<SpeedClock>,
    regions: Vec<SimulatedRegion>,
}

impl SimulatedRegions {
    /// Those that are named, or the one of the specs that come with Lamplighter.
    pub(crate) fn new(config: &Config) -> Self {
        let clock = Arc::new(SpeedClock::new(config.sim_speed));
        let default = [SIMULATED_REGION.to_owned()];
        let names = if config.regions.is_empty() { &default[..] } else { &config.regions };
        let seeds = config.sim_seed..;
        let regions = names.iter().zip(seeds).map(|(name, seed)| {
            let region = lamp_sim::Config {
                region: name.clone(),
                install: config.install.clone(),
                seed,
                log_reads: false,
                throttle: true,
                ..lamp_sim::Config::default()
            };
            let time = Arc::<SpeedClock>::clone(&clock) as Arc<dyn lamp_sim::TimeSource>;
            SimulatedRegion { simulator: Simulator::new(region, time) }
        });
        Self { regions: regions.collect(), clock }
    }

    pub(crate) fn first(&self) -> Option<&SimulatedRegion> {
        self.regions.first()
    }

    /// The port to each of them.
    pub(crate) fn clouds(&self) -> Vec<Simulator> {
        self.regions.iter().map(|region| region.simulator.clone()).collect()
    }
}

/// One region.
pub(crate) struct SimulatedRegion {
    simulator: Simulator,
}

impl SimulatedRegion {
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
