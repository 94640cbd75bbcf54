//! A database subnet group: there at once, held by its databases.

use std::collections::BTreeSet;

use lamp_cloud::kinds::{
    db_instance::DbInstance,
    db_subnet_group::{Change, DbSubnetGroup},
    subnet::Subnet,
};
use lamp_cloud::{DeleteOptions, Kind, Reference, ResourceId};

use super::{Behaviour, Creation, of_body};
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for DbSubnetGroup {
    const MISSING: &'static str = "DBSubnetGroupNotFoundFault";
    const PAGE: usize = 100;
    const NAMED: bool = true;

    of_body!(DbSubnetGroup);

    fn id(&self, _: &World, creation: &Creation<'_>) -> ResourceId {
        creation.name.to_ascii_lowercase()
    }

    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal> {
        let id = self.id(world, creation);
        if world.resource(Kind::DbSubnetGroup, &id).is_some() {
            let message = format!("The DB subnet group '{id}' already exists.");
            return Err(Refusal::new("DBSubnetGroupAlreadyExists", message));
        }
        admit_subnets(world, &self.subnets)
    }

    fn admit_change(&self, world: &World, _: &str, change: &Change) -> Result<(), Refusal> {
        let Change::Subnets(subnets) = change;
        admit_subnets(world, subnets)
    }

    fn admit_delete(&self, world: &World, id: &str, _: &DeleteOptions) -> Result<(), Refusal> {
        let group = Reference::id(id);
        match world.each::<DbInstance>().find(|(_, database)| database.subnet_group == group) {
            Some((database, _)) => {
                let message = format!("Cannot delete '{id}' because {} is still using it", database.id);
                Err(Refusal::new("InvalidDBSubnetGroupStateFault", message))
            }
            None => Ok(()),
        }
    }
}

// Two zones at least.
fn admit_subnets(world: &World, subnets: &[Reference]) -> Result<(), Refusal> {
    let mut zones = BTreeSet::new();
    for subnet in subnets {
        zones.insert(world.require::<Subnet>(subnet)?.zone.clone());
    }
    if zones.len() < 2 {
        let message = "The DB subnet group doesn't meet Availability Zone (AZ) coverage requirement.";
        return Err(Refusal::new("DBSubnetGroupDoesNotCoverEnoughAZs", message));
    }
    Ok(())
}
