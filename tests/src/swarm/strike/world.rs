//! What the world does to a site.

use std::time::Duration;

use lamp_cloud::{Body, InstanceState, Kind, ResourceId, State};
use lamp_sim::{Spike, World};

use super::{Struck, ours, pick, struck};
use crate::swarm::trial::Trial;

/// Databases of ours that are available: primaries, or replicas.
fn databases(world: &World, replicas: bool) -> Vec<ResourceId> {
    let is = |body: &Body| matches!(body, Body::DbInstance(body) if body.is_replica() == replicas);
    ours(world).filter(|row| row.state == State::Ready && is(&row.body)).map(|row| row.id.clone()).collect()
}

fn of_kind(world: &World, kind: Kind) -> Vec<ResourceId> {
    ours(world).filter(|row| row.kind() == kind).map(|row| row.id.clone()).collect()
}

impl Trial {
    pub(super) fn hurt(&mut self, which: usize, how: fn(&mut World, &str) -> bool) -> Struck {
        let mut world = self.site.region.world();
        let running = world.instances().filter(|instance| instance.state == InstanceState::Running);
        let ids: Vec<String> = running.map(|instance| instance.id.clone()).collect();
        let hurt = pick(&ids, which).is_some_and(|id| how(&mut world, id));
        drop(world);
        self.lived.instances_hurt += u64::from(hurt);
        Ok(hurt.then(|| "Instance".to_owned()))
    }

    pub(super) fn break_check(&mut self, which: usize, lasts: Duration) -> Struck {
        let groups = of_kind(&self.site.region.world(), Kind::TargetGroup);
        let Some(id) = pick(&groups, which).cloned() else { return Ok(None) };
        self.site.region.world().break_health_check(&id, true);
        self.later(lasts, move |trial| {
            trial.site.region.world().break_health_check(&id, false);
            Ok(())
        });
        struck("TargetGroup")
    }

    pub(super) fn fail_over(&mut self) -> Struck {
        let mut world = self.site.region.world();
        let primaries = databases(&world, false);
        let Some(id) = primaries.first() else { return Ok(None) };
        world.fail_over_database(id);
        struck("DbInstance")
    }

    pub(super) fn lag(&mut self, which: usize, seconds: u32, lasts: Duration) -> Struck {
        let replicas = databases(&self.site.region.world(), true);
        let Some(id) = pick(&replicas, which).cloned() else { return Ok(None) };
        self.site.region.world().set_replica_lag(&id, Some(f64::from(seconds)));
        self.later(lasts, move |trial| {
            trial.site.region.world().set_replica_lag(&id, None);
            Ok(())
        });
        struck("DbInstance")
    }

    pub(super) fn break_replication(&mut self, which: usize) -> Struck {
        let mut world = self.site.region.world();
        let replicas = databases(&world, true);
        let Some(id) = pick(&replicas, which) else { return Ok(None) };
        world.break_replication(id);
        struck("DbInstance")
    }

    pub(super) fn database_falls(&mut self, status: &'static str, lasts: Duration) -> Struck {
        let primaries = databases(&self.site.region.world(), false);
        let Some(id) = primaries.into_iter().next() else { return Ok(None) };
        self.site.region.world().set_database_status(&id, status);
        self.later(lasts, move |trial| {
            let mut world = trial.site.region.world();
            let still = world.resource(Kind::DbInstance, &id).is_some_and(
                |row| matches!(&row.body, Body::DbInstance(body) if body.facts.status == status),
            );
            if still {
                world.set_database_status(&id, "available");
            }
            Ok(())
        });
        struck("DbInstance")
    }

    pub(super) fn fail_gateway(&mut self, which: usize) -> Struck {
        let gateways = of_kind(&self.site.region.world(), Kind::NatGateway);
        let Some(id) = pick(&gateways, which) else { return Ok(None) };
        let mut world = self.site.region.world();
        let part = world.resource(Kind::NatGateway, id).and_then(|row| row.part());
        world.fail_resource(Kind::NatGateway, id, "InternalError: Network Gateway ran into an error");
        drop(world);
        self.was_taken(part);
        struck("NatGateway")
    }

    pub(super) fn was_taken(&mut self, part: Option<lamp_cloud::Part>) {
        if let Some(part) = part {
            *self.taken.entry(part.to_string()).or_default() += 1;
        }
    }

    pub(super) fn crowd_comes(&mut self, factor: f64, lasts: Duration) -> Struck {
        let (from, to) = (self.now(), self.now() + lasts);
        let mut world = self.site.region.world();
        let mut load = world.config().load.clone();
        load.spikes.push(Spike { from, to, factor });
        world.set_load(load);
        struck("Load")
    }
}
