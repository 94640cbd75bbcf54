//! An internet gateway: there at once, attached by a call of its own.

use lamp_cloud::kinds::internet_gateway::{Change, InternetGateway};
use lamp_cloud::kinds::vpc::Vpc;
use lamp_cloud::{DeleteOptions, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for InternetGateway {
    const MISSING: &'static str = "InvalidInternetGatewayID.NotFound";
    const PAGE: usize = 1000;
    const NAMED: bool = false;

    of_body!(InternetGateway);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        creation.ec2_id(world, "igw")
    }

    fn admit(&self, _: &World, _: &Creation<'_>) -> Result<(), Refusal> {
        Ok(())
    }

    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (Self { vpc: None }, State::Ready)
    }

    fn admit_change(&self, world: &World, id: &str, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Attach(vpc) => admit_attach(self, world, id, vpc),
            Change::Detach(vpc) => admit_detach(self, world, id, vpc),
        }
    }

    fn change(world: &mut World, id: &str, change: &Change) {
        world.update(id, |gateway: &mut Self| {
            lamp_cloud::kinds::Declared::apply(gateway, change);
        });
        if let Change::Detach(_) = change {
            super::route_table::blackhole(world, id);
        }
    }

    fn admit_delete(&self, _: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        match &self.vpc {
            Some(vpc) => Err(Refusal::in_use(id, vpc.resolved())),
            None => Ok(()),
        }
    }
}

fn admit_attach(gateway: &InternetGateway, world: &World, id: &str, vpc: &str) -> Result<(), Refusal> {
    let wanted = Reference::id(vpc);
    world.require::<Vpc>(&wanted)?;
    if let Some(other) = &gateway.vpc {
        let message = format!("resource {id} is already attached to network {other}");
        return Err(Refusal::new("Resource.AlreadyAssociated", message));
    }
    if world.internet_gateway_of(&wanted) {
        let message = format!("Network {vpc} already has an internet gateway attached");
        return Err(Refusal::new("InvalidParameterValue", message));
    }
    Ok(())
}

// Public addresses inside the VPC need the gateway (`DependencyViolation`).
fn admit_detach(gateway: &InternetGateway, world: &World, id: &str, vpc: &str) -> Result<(), Refusal> {
    let vpc = Reference::id(vpc);
    if gateway.vpc.as_ref() != Some(&vpc) {
        return Err(Refusal::new("Gateway.NotAttached", format!("resource {id} is not attached to {vpc}")));
    }
    match world.mapped_in(vpc.resolved()) {
        Some(holder) => {
            let message = format!("Network {vpc} has some mapped public address(es): {}", holder.id);
            Err(Refusal::new("DependencyViolation", message))
        }
        None => Ok(()),
    }
}

impl World {
    /// Whether a VPC has an internet gateway.
    pub(crate) fn internet_gateway_of(&self, vpc: &Reference) -> bool {
        self.each::<InternetGateway>().any(|(_, gateway)| gateway.vpc.as_ref() == Some(vpc))
    }
}
