//! A subnet: there at once; held by every network interface in it.

use ipnet::Ipv4Net;
use lamp_cloud::kinds::{
    db_instance::DbInstance, db_subnet_group::DbSubnetGroup, load_balancer::LoadBalancer,
    nat_gateway::NatGateway, subnet::Subnet, vpc::Vpc,
};
use lamp_cloud::{DeleteOptions, Kind, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for Subnet {
    const MISSING: &'static str = "InvalidSubnetID.NotFound";
    const PAGE: usize = 1000;
    const NAMED: bool = false;

    of_body!(Subnet);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        creation.ec2_id(world, "subnet")
    }

    fn admit(&self, world: &World, _: &Creation<'_>) -> Result<(), Refusal> {
        let vpc = world.require::<Vpc>(&self.vpc)?;
        let invalid = || Refusal::new("InvalidSubnet.Range", format!("The CIDR '{}' is invalid.", self.cidr));
        let range: Ipv4Net = self.cidr.parse().map_err(|_| invalid())?;
        let outer: Ipv4Net = vpc.cidr.parse().map_err(|_| invalid())?;
        if !outer.contains(&range) || range.prefix_len() > 28 {
            return Err(invalid());
        }
        if !world.zones().iter().any(|zone| zone.name == self.zone) {
            let message = format!("Value ({}) for parameter availabilityZone is invalid.", self.zone);
            return Err(Refusal::new("InvalidParameterValue", message));
        }
        let overlaps = world.each::<Self>().any(|(_, other)| {
            other.vpc == self.vpc && other.cidr.parse::<Ipv4Net>().is_ok_and(|other| overlap(&range, &other))
        });
        let message = || format!("The CIDR '{}' conflicts with another subnet", self.cidr);
        if overlaps { Err(Refusal::new("InvalidSubnet.Conflict", message())) } else { Ok(()) }
    }

    // `CreateSubnet` takes no public addresses.
    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (Self { public_addresses: false, ..self }, State::Ready)
    }

    fn admit_delete(&self, world: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        match world.interface_in(&Reference::id(id)) {
            Some(holder) => Err(Refusal::in_use(id, &holder)),
            None => Ok(()),
        }
    }

    // Associations with route tables go with the subnet.
    fn delete(world: &mut World, id: &str, _: &DeleteOptions) {
        super::route_table::forget_subnet(world, id);
        world.end(Kind::Subnet, id);
    }
}

fn overlap(one: &Ipv4Net, other: &Ipv4Net) -> bool {
    one.contains(other) || other.contains(one)
}

impl World {
    /// Something with a network interface in this subnet.
    fn interface_in(&self, subnet: &Reference) -> Option<String> {
        let balancer = self.each::<LoadBalancer>().find(|(_, balancer)| balancer.subnets.contains(subnet));
        let balancer = balancer.map(|(found, _)| found.id.clone());
        let lingering = || {
            let found = self.lingering.iter().find(|(_, interfaces)| interfaces.subnets.contains(subnet));
            found.map(|(id, _)| format!("network interface of {id}"))
        };
        let gateway = || {
            let mut gateways = self.each::<NatGateway>().filter(|(found, _)| self.nat_stands(&found.id));
            gateways.find(|(_, gateway)| gateway.subnet == *subnet).map(|(found, _)| found.id.clone())
        };
        let instance = || {
            let id = subnet.as_id()?;
            let found = self.machines.iter().find(|(_, machine)| machine.subnet == id && machine.exists());
            found.map(|(id, _)| id.clone())
        };
        balancer.or_else(lingering).or_else(gateway).or_else(instance).or_else(|| self.database_in(subnet))
    }

    fn database_in(&self, subnet: &Reference) -> Option<String> {
        let groups: Vec<&str> = self
            .each::<DbSubnetGroup>()
            .filter(|(_, group)| group.subnets.contains(subnet))
            .map(|(found, _)| found.id.as_str())
            .collect();
        let inside =
            |database: &DbInstance| groups.iter().any(|group| database.subnet_group.as_id() == Some(*group));
        self.each::<DbInstance>().find(|(_, database)| inside(database)).map(|(found, _)| found.id.clone())
    }
}
