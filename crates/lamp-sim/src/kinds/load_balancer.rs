//! An Application Load Balancer: provisioned in minutes; its network interfaces outlive it by a minute or two.

use std::collections::BTreeSet;

use lamp_cloud::kinds::listener::Listener;
use lamp_cloud::kinds::load_balancer::{Change, LoadBalancer, LoadBalancerAttributes};
use lamp_cloud::kinds::{security_group::SecurityGroup, subnet::Subnet};
use lamp_cloud::{DeleteOptions, Kind, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::agenda::{Event, Step};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for LoadBalancer {
    const MISSING: &'static str = "LoadBalancerNotFound";
    const PAGE: usize = 400;
    const NAMED: bool = true;
    // "If the load balancer does not exist or has already been deleted, the call succeeds."
    const DELETE_MISSING: bool = true;

    of_body!(LoadBalancer);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        let name = format!("loadbalancer/app/{}/{}", creation.name, creation.hex(world, 16));
        world.arn("elasticloadbalancing", &name)
    }

    // The call is idempotent for the same name and settings.
    fn same(&self, world: &World, creation: &Creation<'_>) -> Option<ResourceId> {
        let equal = |other: &Self| {
            other.internet_facing == self.internet_facing
                && sorted(&other.subnets) == sorted(&self.subnets)
                && sorted(&other.security_groups) == sorted(&self.security_groups)
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
            let message = format!("A load balancer with the name '{}' already exists", creation.name);
            return Err(Refusal::new("DuplicateLoadBalancerName", message));
        }
        admit_subnets(world, &self.subnets)?;
        admit_scheme(self, world)?;
        self.security_groups.iter().try_for_each(|group| world.require::<SecurityGroup>(group).map(drop))
    }

    fn made(self, world: &World, id: &ResourceId) -> (Self, State) {
        let scheme = if self.internet_facing { "" } else { "internal-" };
        let name = id.rsplit('/').nth(1).unwrap_or_default();
        let suffix = world.dice.number(&["dns", id], 0) % 1_000_000_000;
        let balancer = Self {
            attributes: Some(LoadBalancerAttributes {
                deletion_protection: false,
                idle_timeout_seconds: 60,
                http2: true,
                drop_invalid_headers: false,
            }),
            dns_name: Some(format!("{scheme}{name}-{suffix}.{}.elb.amazonaws.com", world.config.region)),
            ..self
        };
        (balancer, State::Pending("provisioning".to_owned()))
    }

    fn begun(world: &mut World, id: &str) {
        let span = world.config.durations.load_balancer;
        world.plan_step(Kind::LoadBalancer, id, Step::Ready, span);
    }

    fn step(world: &mut World, id: &str, step: Step) {
        if step == Step::Ready && world.is_pending(Kind::LoadBalancer, id) {
            world.set_state(Kind::LoadBalancer, id, State::Ready);
            for group in super::target_group::receivers(world, id) {
                super::target_group::relink(world, &group);
            }
        }
    }

    fn admit_change(&self, world: &World, _: &str, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Attributes(_) => Ok(()),
            Change::Subnets(subnets) => admit_subnets(world, subnets),
            Change::SecurityGroups(groups) => {
                groups.iter().try_for_each(|group| world.require::<SecurityGroup>(group).map(drop))
            }
        }
    }

    fn admit_delete(&self, _: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        if self.attributes.as_ref().is_some_and(|attributes| attributes.deletion_protection) {
            let message =
                format!("Load balancer '{id}' cannot be deleted because deletion protection is enabled");
            return Err(Refusal::new("OperationNotPermitted", message));
        }
        Ok(())
    }

    // Its listeners go with it.
    fn delete(world: &mut World, id: &str, _: &DeleteOptions) {
        let balancer = Reference::id(id);
        let listeners: Vec<ResourceId> = world
            .each::<Listener>()
            .filter(|(_, listener)| listener.load_balancer == balancer)
            .map(|(found, _)| found.id.clone())
            .collect();
        for listener in listeners {
            world.end(Kind::Listener, &listener);
        }
        linger(world, id);
        let groups = super::target_group::receivers(world, id);
        world.end(Kind::LoadBalancer, id);
        for group in groups {
            super::target_group::relink(world, &group);
        }
    }

    fn listed(&self, _: &World) -> Self {
        Self { attributes: None, ..self.clone() }
    }
}

fn linger(world: &mut World, id: &str) {
    let Some(row) = world.resource(Kind::LoadBalancer, id) else { return };
    let interfaces = world.interfaces_of(row);
    world.lingering.insert(id.to_owned(), interfaces);
    let after = world.draw(world.config.durations.interface_release, &["interfaces", id]);
    world.agenda.plan(world.now + after, Event::InterfacesReleased(id.to_owned()));
}

// At least two zones, and one subnet in each.
fn admit_subnets(world: &World, subnets: &[Reference]) -> Result<(), Refusal> {
    let mut zones = BTreeSet::new();
    for subnet in subnets {
        let zone = world
            .require::<Subnet>(subnet)
            .map_err(|refusal| Refusal { code: "SubnetNotFound", ..refusal })?;
        world.require_room(&zone.zone)?;
        if !zones.insert(zone.zone.clone()) {
            let message =
                "A load balancer cannot be attached to multiple subnets in the same Availability Zone";
            return Err(Refusal::new("InvalidConfigurationRequest", message));
        }
    }
    if zones.len() < 2 {
        let message = "At least two subnets in two different Availability Zones must be specified";
        return Err(Refusal::new("ValidationError", message));
    }
    Ok(())
}

// "VPC vpc-… has no internet gateway" for one that faces the internet.
fn admit_scheme(balancer: &LoadBalancer, world: &World) -> Result<(), Refusal> {
    let subnets = balancer.subnets.iter().filter_map(|subnet| world.body::<Subnet>(subnet.as_id()?));
    let closed = subnets.map(|subnet| &subnet.vpc).find(|vpc| !world.internet_gateway_of(vpc));
    match closed.filter(|_| balancer.internet_facing) {
        Some(vpc) => Err(Refusal::new("InvalidSubnet", format!("VPC {vpc} has no internet gateway"))),
        None => Ok(()),
    }
}

fn sorted(references: &[Reference]) -> Vec<Reference> {
    let mut references = references.to_vec();
    references.sort();
    references
}
