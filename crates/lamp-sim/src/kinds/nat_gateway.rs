//! A NAT gateway: `pending` for a minute or two, and a grave that AWS shows for a while.

use lamp_cloud::kinds::{elastic_ip::ElasticIp, nat_gateway::NatGateway, subnet::Subnet};
use lamp_cloud::{DeleteOptions, Kind, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::agenda::Step;
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for NatGateway {
    const MISSING: &'static str = "NatGatewayNotFound";
    const PAGE: usize = 1000;
    const NAMED: bool = false;
    const TOKEN: bool = true;

    of_body!(NatGateway);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        creation.ec2_id(world, "nat")
    }

    fn admit(&self, world: &World, _: &Creation<'_>) -> Result<(), Refusal> {
        world.require_room(&world.require::<Subnet>(&self.subnet)?.zone)?;
        let address = world.require::<ElasticIp>(&self.address)?;
        if address.association.is_some() {
            let message = format!("Elastic IP address [{}] is already associated", self.address);
            return Err(Refusal::new("Resource.AlreadyAssociated", message));
        }
        Ok(())
    }

    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (self, State::Pending("pending".to_owned()))
    }

    fn begun(world: &mut World, id: &str) {
        associate(world, id, Some(format!("eipassoc-{}", id.trim_start_matches("nat-"))));
        let span = world.config.durations.nat_gateway;
        world.plan_step(Kind::NatGateway, id, Step::Ready, span);
    }

    fn step(world: &mut World, id: &str, step: Step) {
        match step {
            Step::Ready if world.is_pending(Kind::NatGateway, id) => {
                let state = if has_internet(world, id) {
                    State::Ready
                } else {
                    State::Failed("Gateway.NotAttached".to_owned())
                };
                world.set_state(Kind::NatGateway, id, state);
            }
            Step::Dead => bury(world, id),
            Step::Gone => world.end(Kind::NatGateway, id),
            _ => {}
        }
    }

    fn delete(world: &mut World, id: &str, _: &DeleteOptions) {
        world.set_state(Kind::NatGateway, id, State::Deleting);
        let span = world.config.durations.nat_gateway_delete;
        world.plan_step(Kind::NatGateway, id, Step::Dead, span);
    }
}

// "Network vpc-… has no Internet gateway attached": the gateway fails after it was accepted.
fn has_internet(world: &World, id: &str) -> bool {
    let subnet = world.body::<NatGateway>(id).and_then(|gateway| gateway.subnet.as_id());
    let vpc = subnet.and_then(|id| world.body::<Subnet>(id)).map(|subnet| &subnet.vpc);
    vpc.is_some_and(|vpc| world.internet_gateway_of(vpc))
}

/// Its interface is gone: the address is free, routes lead into nothing, and only a grave is shown.
fn bury(world: &mut World, id: &str) {
    associate(world, id, None);
    super::route_table::blackhole(world, id);
    let at = world.now + world.config.durations.nat_gateway_grave;
    world.plan_step_at(Kind::NatGateway, id, Step::Gone, at);
}

fn associate(world: &mut World, id: &str, association: Option<String>) {
    let address = world.body::<NatGateway>(id).and_then(|gateway| gateway.address.as_id().map(str::to_owned));
    if let Some(address) = address {
        world.update(&address, |address: &mut ElasticIp| address.association = association);
    }
}

impl World {
    /// Whether a NAT gateway still has its network interface: it holds its address for as long.
    pub(crate) fn nat_stands(&self, id: &str) -> bool {
        let address = self.body::<NatGateway>(id).map(|gateway| &gateway.address);
        let held = address.and_then(Reference::as_id).and_then(|id| self.body::<ElasticIp>(id));
        let suffix = id.trim_start_matches("nat-");
        held.and_then(|address| address.association.as_deref())
            .is_some_and(|association| association.ends_with(suffix))
    }
}
