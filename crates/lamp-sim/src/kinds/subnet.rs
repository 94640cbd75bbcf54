//! A subnet: there at once; held by every network interface in it.

use ipnet::Ipv4Net;
use lamp_cloud::kinds::{subnet::Subnet, vpc::Vpc};
use lamp_cloud::{DeleteOptions, Kind, ResourceId, State};

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
        match world.interface_in(id) {
            Some(holder) => Err(Refusal::in_use(id, &holder.id)),
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
