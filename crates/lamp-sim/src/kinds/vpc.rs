//! A VPC: there at once, refused its deletion while anything stands in it.

use lamp_cloud::kinds::{
    internet_gateway::InternetGateway, route_table::RouteTable, security_group::SecurityGroup,
    subnet::Subnet, vpc::Vpc,
};
use lamp_cloud::{DeleteOptions, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for Vpc {
    const MISSING: &'static str = "InvalidVpcID.NotFound";
    const PAGE: usize = 1000;
    const NAMED: bool = false;

    of_body!(Vpc);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        creation.ec2_id(world, "vpc")
    }

    // AWS takes blocks from /16 to /28.
    fn admit(&self, _: &World, _: &Creation<'_>) -> Result<(), Refusal> {
        let range = self.cidr.parse::<ipnet::Ipv4Net>();
        if range.is_ok_and(|range| (16..=28).contains(&range.prefix_len())) {
            return Ok(());
        }
        Err(Refusal::new("InvalidVpc.Range", format!("The CIDR '{}' is invalid.", self.cidr)))
    }

    // A VPC that is not the default one starts with DNS support and without DNS host names.
    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        (Self { dns_support: Some(true), dns_hostnames: Some(false), ..self }, State::Ready)
    }

    fn admit_delete(&self, world: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        let vpc = Reference::id(id);
        let subnet = world.each::<Subnet>().find(|(_, subnet)| subnet.vpc == vpc).map(|(found, _)| &found.id);
        let table =
            world.each::<RouteTable>().find(|(_, table)| table.vpc == vpc).map(|(found, _)| &found.id);
        let group =
            world.each::<SecurityGroup>().find(|(_, group)| group.vpc == vpc).map(|(found, _)| &found.id);
        let gateway = world
            .each::<InternetGateway>()
            .find(|(_, gateway)| gateway.vpc.as_ref() == Some(&vpc))
            .map(|(found, _)| &found.id);
        match subnet.or(table).or(group).or(gateway) {
            Some(dependent) => Err(Refusal::in_use(id, dependent)),
            None => Ok(()),
        }
    }

    fn listed(&self, _: &World) -> Self {
        Self { dns_support: None, dns_hostnames: None, ..self.clone() }
    }
}
