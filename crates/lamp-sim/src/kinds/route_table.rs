//! A route table: there at once; routes whose target is gone lead into a black hole.

use lamp_cloud::kinds::route_table::{Change, RouteTable};
use lamp_cloud::kinds::{
    Declared, internet_gateway::InternetGateway, nat_gateway::NatGateway, subnet::Subnet, vpc::Vpc,
};
use lamp_cloud::{DeleteOptions, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for RouteTable {
    const MISSING: &'static str = "InvalidRouteTableID.NotFound";
    // `DescribeRouteTables` gives at most 100 a page.
    const PAGE: usize = 100;
    const NAMED: bool = false;
    const TOKEN: bool = true;

    of_body!(RouteTable);

    fn id(&self, world: &World, creation: &Creation<'_>) -> ResourceId {
        creation.ec2_id(world, "rtb")
    }

    fn admit(&self, world: &World, _: &Creation<'_>) -> Result<(), Refusal> {
        world.require::<Vpc>(&self.vpc).map(drop)
    }

    // The call takes neither routes nor subnets.
    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        let table = Self {
            vpc: self.vpc,
            routes: Default::default(),
            subnets: Vec::new(),
            associations: Default::default(),
        };
        (table, State::Ready)
    }

    fn admit_change(&self, world: &World, id: &str, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::CreateRoute { destination, target } => {
                admit_target(world, target)?;
                let taken = self.routes.contains_key(destination);
                let message = || format!("The route identified by {destination} already exists.");
                if taken { Err(Refusal::new("RouteAlreadyExists", message())) } else { Ok(()) }
            }
            Change::ReplaceRoute { destination, target } => {
                admit_target(world, target)?;
                // AWS has another code here than for a deletion.
                let code = "InvalidParameterValue";
                require_route(self, id, destination).map_err(|refusal| Refusal { code, ..refusal })
            }
            Change::DeleteRoute { destination } => require_route(self, id, destination),
            Change::Associate { subnet } => admit_association(world, subnet),
            Change::Disassociate { subnet, association } => {
                if self.associations.get(subnet) == Some(association) {
                    return Ok(());
                }
                let message = format!("The association ID '{association}' does not exist");
                Err(Refusal::new("InvalidAssociationID.NotFound", message))
            }
        }
    }

    fn change(world: &mut World, id: &str, change: &Change) {
        let nth = world.ordinal(&format!("association {id}"));
        let association = format!("rtbassoc-{}", world.dice.hex(17, &["association", id], nth));
        world.update(id, |table: &mut Self| {
            table.apply(change);
            if let Change::Associate { subnet } = change {
                table.associations.insert(subnet.clone(), association);
            }
        });
    }

    fn admit_delete(&self, _: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        match self.subnets.first() {
            Some(subnet) => Err(Refusal::in_use(id, subnet.resolved())),
            None => Ok(()),
        }
    }
}

fn require_route(table: &RouteTable, id: &str, destination: &str) -> Result<(), Refusal> {
    if table.routes.contains_key(destination) {
        return Ok(());
    }
    let message = format!("no route with destination-cidr-block {destination} in route table {id}");
    Err(Refusal::new("InvalidRoute.NotFound", message))
}

fn admit_target(world: &World, target: &str) -> Result<(), Refusal> {
    let reference = Reference::id(target);
    if target.starts_with("igw-") {
        let gateway = world.require::<InternetGateway>(&reference)?;
        let message = || format!("route table and network gateway {target} belong to different networks");
        return if gateway.vpc.is_some() {
            Ok(())
        } else {
            Err(Refusal::new("InvalidParameterValue", message()))
        };
    }
    let missing = |refusal| Refusal { code: "InvalidNatGatewayID.NotFound", ..refusal };
    world.require::<NatGateway>(&reference).map(drop).map_err(missing)
}

fn admit_association(world: &World, subnet: &str) -> Result<(), Refusal> {
    world.require::<Subnet>(&Reference::id(subnet))?;
    let reference = Reference::id(subnet);
    match world.each::<RouteTable>().find(|(_, table)| table.subnets.contains(&reference)) {
        Some((table, _)) => {
            let message = format!("the specified subnet {subnet} is already associated with {}", table.id);
            Err(Refusal::new("Resource.AlreadyAssociated", message))
        }
        None => Ok(()),
    }
}

/// Routes to `target` lead into nothing from now on.
pub(crate) fn blackhole(world: &mut World, target: &str) {
    for id in tables(world, |table| table.routes.values().any(|route| route.as_id() == Some(target))) {
        world.update(&id, |table: &mut RouteTable| {
            for route in table.routes.values_mut().filter(|route| route.as_id() == Some(target)) {
                *route = Reference::id("blackhole");
            }
        });
    }
}

/// A subnet is gone, and its association with it.
pub(crate) fn forget_subnet(world: &mut World, subnet: &str) {
    for id in tables(world, |table| table.associations.contains_key(subnet)) {
        world.update(&id, |table: &mut RouteTable| {
            table.associations.remove(subnet);
            table.subnets.retain(|other| other.as_id() != Some(subnet));
        });
    }
}

fn tables(world: &World, wanted: impl Fn(&RouteTable) -> bool) -> Vec<ResourceId> {
    world.each::<RouteTable>().filter(|(_, table)| wanted(table)).map(|(found, _)| found.id.clone()).collect()
}
