//! AWS's own troubles, and those on the way to it.

use std::time::Duration;

use lamp_cloud::{Kind, Service};
use lamp_sim::{BrownOut, Crowding, Fault, MetricSpell, MetricTrouble, Shortage, Spell};

use super::{Struck, struck};
use crate::swarm::trial::Trial;

/// AWS refuses what is signed for a time further away.
const SKEW: i64 = 300;

fn name(service: Option<Service>) -> &'static str {
    service.map_or("every service", Service::name)
}

impl Trial {
    fn zone(&self, zone: Option<u8>) -> Option<String> {
        let region = self.site.region.world().config().region.clone();
        zone.map(|zone| format!("{region}{}", char::from(b'a' + zone % 3)))
    }

    pub(super) fn brown_out(&mut self, service: Option<Service>, share: f64, lasts: Duration) -> Struck {
        let (from, to) = (self.now(), self.now() + lasts);
        self.site.region.world().faults_mut().brown_outs.push(BrownOut { service, from, to, share });
        struck(name(service))
    }

    pub(super) fn cast(
        &mut self,
        fault: Fault,
        service: Option<Service>,
        share: f64,
        lasts: Duration,
    ) -> Struck {
        let (from, to) = (self.now(), self.now() + lasts);
        self.site.region.world().faults_mut().spells.push(Spell { fault, service, from, to, share });
        struck(name(service))
    }

    pub(super) fn skew(&mut self, seconds: i64, lasts: Duration) -> Struck {
        if seconds.abs() > SKEW {
            self.cast(Fault::SkewedClock, None, 1.0, lasts)?;
        }
        self.jump(seconds, lasts)
    }

    pub(super) fn jump(&mut self, seconds: i64, lasts: Duration) -> Struck {
        self.site.watch.jump(seconds);
        self.later(lasts, move |trial| {
            trial.site.watch.jump(-seconds);
            Ok(())
        });
        struck("Daemon")
    }

    pub(super) fn spoil_metrics(&mut self, trouble: MetricTrouble, lasts: Duration) -> Struck {
        let (from, to) = (self.now(), self.now() + lasts);
        self.site.region.world().faults_mut().metrics.push(MetricSpell { trouble, from, to });
        struck("Metric")
    }

    pub(super) fn use_up(&mut self, kind: Kind, lasts: Duration) -> Struck {
        let mut world = self.site.region.world();
        let count = world.resources().filter(|row| row.kind() == kind).count();
        world.faults_mut().quotas.insert(kind.name().to_owned(), count);
        drop(world);
        self.later(lasts, move |trial| {
            trial.site.region.world().faults_mut().quotas.remove(kind.name());
            Ok(())
        });
        struck(kind.name())
    }

    pub(super) fn run_short(&mut self, zone: Option<u8>, lasts: Duration) -> Struck {
        let (from, to, zone) = (self.now(), self.now() + lasts, self.zone(zone));
        let shortage = Shortage { zone, instance_type: None, from, to };
        self.site.region.world().faults_mut().shortages.push(shortage);
        struck("Instance")
    }

    pub(super) fn crowd(&mut self, zone: Option<u8>, lasts: Duration) -> Struck {
        let (from, to, zone) = (self.now(), self.now() + lasts, self.zone(zone));
        self.site.region.world().faults_mut().crowdings.push(Crowding { zone, from, to });
        struck("Subnet")
    }

    pub(super) fn be_noisy(&mut self, share: f64, lasts: Duration) -> Struck {
        self.site.region.world().set_noisy_neighbour(share);
        self.later(lasts, |trial| {
            trial.site.region.world().set_noisy_neighbour(0.0);
            Ok(())
        });
        struck("every service")
    }

    pub(super) fn slow_down(&mut self, seconds: u64, lasts: Duration) -> Struck {
        self.site.pace.set_longest(seconds);
        self.later(lasts, |trial| {
            trial.site.pace.set_longest(0);
            Ok(())
        });
        struck("every service")
    }

    pub(super) fn fail_zone(&mut self, zone: u8, lasts: Duration) -> Struck {
        let Some(zone) = self.zone(Some(zone)) else { return Ok(None) };
        self.site.region.world().fail_zone(&zone, lasts);
        struck("Zone")
    }
}
