//! A target group: there at once, in use only while a listener sends to it.

use std::collections::BTreeSet;

use lamp_cloud::kinds::listener::{Listener, ListenerAction};
use lamp_cloud::kinds::target_group::{Change, TargetGroup, TargetGroupAttributes};
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{DeleteOptions, Kind, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for TargetGroup {
    const MISSING: &'static str = "TargetGroupNotFound";
    const PAGE: usize = 400;
    const NAMED: bool = true;
    const DELETE_MISSING: bool = true;

    of_body!(TargetGroup);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        let name = format!("targetgroup/{}/{}", creation.name, creation.hex(world, 16));
        world.arn("elasticloadbalancing", &name)
    }

    // The call is idempotent for the same name and settings.
    fn same(&self, world: &World, creation: &Creation<'_>) -> Option<ResourceId> {
        let equal = |other: &Self| {
            other.vpc == self.vpc && other.port == self.port && other.health_check == self.health_check
        };
        world
            .each::<Self>()
            .find(|(found, other)| {
                found.name == creation.name && found.tags == *creation.tags && equal(other)
            })
            .map(|(found, _)| found.id.clone())
    }

    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal> {
        if world.each::<Self>().any(|(found, _)| found.name == creation.name) {
            let message =
                format!("A target group with the name '{}' exists, with other settings", creation.name);
            return Err(Refusal::new("DuplicateTargetGroupName", message));
        }
        world.require::<Vpc>(&self.vpc)?;
        admit_check(self)
    }

    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        let group = Self {
            attributes: Some(TargetGroupAttributes {
                deregistration_delay_seconds: 300,
                stickiness_seconds: None,
                least_outstanding_requests: false,
            }),
            load_balancers: Vec::new(),
            ..self
        };
        (group, State::Ready)
    }

    fn admit_change(&self, _: &World, _: &str, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::HealthCheck(check) => admit_check(&Self { health_check: check.clone(), ..self.clone() }),
            Change::Attributes(_) => Ok(()),
        }
    }

    fn admit_delete(&self, world: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        match world.each::<Listener>().find(|(_, listener)| forwards_to(listener, id)) {
            Some((listener, _)) => {
                let message =
                    format!("Target group '{id}' is currently in use by a listener: {}", listener.id);
                Err(Refusal::new("ResourceInUse", message))
            }
            None => Ok(()),
        }
    }

    fn delete(world: &mut World, id: &str, _: &DeleteOptions) {
        world.targets.remove(id);
        world.records.forget_targets(id);
        world.end(Kind::TargetGroup, id);
    }

    fn listed(&self, _: &World) -> Self {
        Self { attributes: None, ..self.clone() }
    }
}

// The timeout must be below the interval.
fn admit_check(group: &TargetGroup) -> Result<(), Refusal> {
    let check = &group.health_check;
    let thresholds = 2..=10;
    let valid = check.timeout_seconds < check.interval_seconds
        && (5..=300).contains(&check.interval_seconds)
        && thresholds.contains(&check.healthy_threshold)
        && thresholds.contains(&check.unhealthy_threshold);
    let message = "Health check timeout must be smaller than the interval; thresholds from 2 to 10";
    if valid { Ok(()) } else { Err(Refusal::new("ValidationError", message)) }
}

fn forwards_to(listener: &Listener, group: &str) -> bool {
    matches!(&listener.action, ListenerAction::Forward(target) if target.as_id() == Some(group))
}

/// The group that a listener sends to.
pub(crate) fn forwarded(listener: &Listener) -> Option<ResourceId> {
    match &listener.action {
        ListenerAction::Forward(group) => group.as_id().map(str::to_owned),
        ListenerAction::RedirectToHttps => None,
    }
}

/// Works out anew which load balancers send to a group, after a listener of it changed.
pub(crate) fn relink(world: &mut World, group: &str) {
    let senders: BTreeSet<ResourceId> = world
        .each::<Listener>()
        .filter(|(_, listener)| forwards_to(listener, group))
        .filter_map(|(_, listener)| listener.load_balancer.as_id().map(str::to_owned))
        .collect();
    world.update(group, |body: &mut TargetGroup| body.load_balancers = senders.into_iter().collect());
    world.recheck_group(group);
}

/// The groups that a load balancer sends to.
pub(crate) fn receivers(world: &World, balancer: &str) -> Vec<ResourceId> {
    let groups = world.each::<TargetGroup>();
    let mine = groups.filter(|(_, group)| group.load_balancers.iter().any(|other| other == balancer));
    mine.map(|(found, _)| found.id.clone()).collect()
}

impl World {
    /// Whether a group's targets are checked at all: a load balancer that works sends to it.
    pub(crate) fn is_checked(&self, group: &str) -> bool {
        let balancers = self.body::<TargetGroup>(group).map(|group| group.load_balancers.as_slice());
        balancers.unwrap_or_default().iter().any(|balancer| {
            self.resource(Kind::LoadBalancer, balancer).is_some_and(|found| found.state == State::Ready)
        })
    }
}
