//! What a simulated region is like: how long things take, how stale readings are, what visitors ask for.

use std::time::Duration;

use lamp_cloud::iam::Policy;

use crate::{Faults, Load};

/// The region to simulate. [`Config::default`] is calm: no faults, no stale readings, no throttling.
#[derive(Clone, Debug)]
pub struct Config {
    pub region: String,
    /// The installation whose rows listings show, as the adapter to AWS filters them.
    pub install: String,
    /// What the daemon's role may do; `None` is all that the daemon of this installation needs in this region.
    pub policy: Option<Policy>,
    pub seed: u64,
    /// How many zones the region has: `a`, `b`, …
    pub zones: u8,
    pub faults: Faults,
    pub load: Load,
    pub durations: Durations,
    pub lag: Lag,
    /// Whether calls beyond AWS's published rates are refused.
    pub throttle: bool,
    /// The share of AWS's published rates that the daemon may take without breaking a law; `None` judges no rates.
    pub courtesy: Option<f64>,
    /// Whether the log keeps readings too; mutations are always kept, and every call is counted.
    pub log_reads: bool,
}

impl Default for Config {
    fn default() -> Self {
        Self {
            region: "eu-central-1".to_owned(),
            install: "default".to_owned(),
            policy: None,
            seed: 0,
            zones: 3,
            faults: Faults::off(),
            load: Load::default(),
            durations: Durations::default(),
            lag: Lag::none(),
            throttle: false,
            courtesy: None,
            log_reads: true,
        }
    }
}

/// A span that durations are drawn from, both ends included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    pub from: Duration,
    pub to: Duration,
}

impl Span {
    pub const fn seconds(from: u64, to: u64) -> Self {
        Self { from: Duration::from_secs(from), to: Duration::from_secs(to) }
    }
}

/// How long things take. The defaults are what AWS shows in practice.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Durations {
    /// Instance: `pending` to `running`.
    pub instance_start: Span,
    /// From `running` until the service on it answers.
    pub service_start: Span,
    /// From `running` until both status checks have a result.
    pub status_checks: Span,
    /// `shutting-down` or `stopping` to `terminated` or `stopped`.
    pub instance_stop: Span,
    /// How long a terminated instance stays visible.
    pub instance_grave: Duration,
    /// Until an Auto Scaling group acts on a change of its settings.
    pub group_reaction: Span,
    /// Until an Auto Scaling group takes note of a member that stopped or is impaired.
    pub group_detection: Duration,
    /// Until an Auto Scaling group tries again after a failed launch.
    pub group_retry: Duration,
    /// Load balancer: `provisioning` to `active`.
    pub load_balancer: Span,
    /// Until the network interfaces of a deleted load balancer are gone.
    pub interface_release: Span,
    pub nat_gateway: Span,
    pub nat_gateway_delete: Span,
    /// How long a deleted NAT gateway is still shown.
    pub nat_gateway_grave: Duration,
    /// RDS: creation of a primary.
    pub primary: Span,
    /// What a standby in another zone adds to it.
    pub standby: Span,
    pub replica: Span,
    pub modification: Span,
    /// Until a modification that needs no work on the instance is through.
    pub light_modification: Span,
    /// `rebooting` to `available`, without a failover.
    pub reboot: Span,
    /// `storage-optimization` after the volume grew.
    pub storage_optimization: Span,
    /// Until the volume may grow again.
    pub storage_cooldown: Duration,
    pub failover: Span,
    /// Until a replica that is promoted can be written.
    pub promotion: Span,
    pub final_snapshot: Span,
    pub database_delete: Span,
}

impl Default for Durations {
    fn default() -> Self {
        Self {
            instance_start: Span::seconds(30, 60),
            service_start: Span::seconds(60, 90),
            status_checks: Span::seconds(90, 150),
            instance_stop: Span::seconds(20, 45),
            instance_grave: Duration::from_secs(3600),
            group_reaction: Span::seconds(2, 8),
            group_detection: Duration::from_secs(60),
            group_retry: Duration::from_secs(60),
            load_balancer: Span::seconds(120, 180),
            interface_release: Span::seconds(60, 120),
            nat_gateway: Span::seconds(60, 120),
            nat_gateway_delete: Span::seconds(40, 60),
            nat_gateway_grave: Duration::from_secs(300),
            primary: Span::seconds(360, 480),
            standby: Span::seconds(90, 120),
            replica: Span::seconds(360, 600),
            modification: Span::seconds(60, 300),
            light_modification: Span::seconds(15, 45),
            reboot: Span::seconds(30, 90),
            storage_optimization: Span::seconds(1800, 5400),
            storage_cooldown: Duration::from_secs(6 * 3600),
            failover: Span::seconds(60, 120),
            promotion: Span::seconds(180, 300),
            final_snapshot: Span::seconds(60, 120),
            database_delete: Span::seconds(120, 180),
        }
    }
}

/// How stale a reading may be: lognormal, drawn for each call, and for each row that changed lately.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Lag {
    pub median: Duration,
    /// The lag that one draw in a hundred exceeds.
    pub p99: Duration,
    pub max: Duration,
    /// Share of mutations that meet a replica which does not know the newest resources yet.
    pub unknown_references: f64,
}

impl Lag {
    /// Every reading is true.
    pub const fn none() -> Self {
        Self { median: Duration::ZERO, p99: Duration::ZERO, max: Duration::ZERO, unknown_references: 0.0 }
    }

    /// As stale as AWS: its guidance is to retry from a couple of seconds up to five minutes.
    pub const fn aws() -> Self {
        Self {
            median: Duration::from_secs(1),
            p99: Duration::from_secs(60),
            max: Duration::from_secs(300),
            unknown_references: 0.02,
        }
    }

    pub fn is_none(&self) -> bool {
        self.max.is_zero()
    }
}
