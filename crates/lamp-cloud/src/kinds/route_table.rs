//! A route table with its routes and the subnets that use it.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, ResourceId, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct RouteTable {
    pub vpc: Reference,
    /// Target by destination (`0.0.0.0/0`); the local route is left out. A route into nothing (`blackhole`) is shown
    /// with the target `blackhole`.
    pub routes: BTreeMap<String, Reference>,
    /// Sorted.
    pub subnets: Vec<Reference>,
    /// Association of each subnet, as observed.
    #[serde(default)]
    pub associations: BTreeMap<ResourceId, String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    CreateRoute { destination: String, target: ResourceId },
    ReplaceRoute { destination: String, target: ResourceId },
    DeleteRoute { destination: String },
    Associate { subnet: ResourceId },
    Disassociate { subnet: ResourceId, association: String },
}

fields!(RouteTable { vpc: Replacement Spec, routes: InPlace Spec, subnets: InPlace Spec });

impl RouteTable {
    fn route_changes(&self, observed: &Self) -> Vec<Change> {
        let wanted = self.routes.iter().filter_map(|(destination, target)| {
            let (destination, target) = (destination.clone(), target.as_id()?.to_owned());
            match observed.routes.get(&destination).and_then(Reference::as_id) {
                None => Some(Change::CreateRoute { destination, target }),
                Some(current) if current != target => Some(Change::ReplaceRoute { destination, target }),
                Some(_) => None,
            }
        });
        let surplus = observed.routes.keys().filter(|destination| !self.routes.contains_key(*destination));
        wanted
            .chain(surplus.map(|destination| Change::DeleteRoute { destination: destination.clone() }))
            .collect()
    }

    fn association_changes(&self, observed: &Self) -> Vec<Change> {
        let missing = self.subnets.iter().filter(|subnet| !observed.subnets.contains(subnet));
        let surplus = observed.subnets.iter().filter(|subnet| !self.subnets.contains(subnet));
        // Until every wanted subnet is known, a surplus one may be one of them.
        let all_known = self.subnets.iter().all(|subnet| subnet.as_id().is_some());
        let associate =
            missing.filter_map(Reference::as_id).map(|id| Change::Associate { subnet: id.to_owned() });
        let disassociate = surplus.filter(|_| all_known).filter_map(|subnet| observed.disassociate(subnet));
        associate.chain(disassociate).collect()
    }

    fn disassociate(&self, subnet: &Reference) -> Option<Change> {
        let subnet = subnet.as_id()?;
        let association = self.associations.get(subnet)?.clone();
        Some(Change::Disassociate { subnet: subnet.to_owned(), association })
    }
}

impl Declared for RouteTable {
    type Change = Change;
    const KIND: Kind = Kind::RouteTable;
    const SERVICE: Service = Service::Ec2;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateRouteTable";
    const DELETE: &'static str = "DeleteRouteTable";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        vec![&self.vpc]
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        std::iter::once(&mut self.vpc).chain(self.routes.values_mut()).chain(&mut self.subnets).collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        let sorted = |table: &Self| {
            let mut table = table.clone();
            table.subnets.sort();
            table
        };
        differences(&sorted(self), &sorted(observed))
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        let mut changes = self.route_changes(observed);
        changes.extend(self.association_changes(observed));
        changes
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::CreateRoute { destination, target } | Change::ReplaceRoute { destination, target } => {
                self.routes.insert(destination.clone(), Reference::id(target.as_str()));
            }
            Change::DeleteRoute { destination } => {
                self.routes.remove(destination);
            }
            Change::Associate { subnet } => {
                self.associations.insert(subnet.clone(), format!("association of {subnet}"));
                self.subnets.push(Reference::id(subnet.as_str()));
                self.subnets.sort();
                self.subnets.dedup();
            }
            Change::Disassociate { subnet, .. } => {
                self.associations.remove(subnet);
                self.subnets.retain(|other| other.as_id() != Some(subnet));
            }
        }
    }

    fn before_delete(&self) -> Vec<Change> {
        self.subnets.iter().filter_map(|subnet| self.disassociate(subnet)).collect()
    }

    changes! {
        Change::CreateRoute { .. } => "CreateRoute",
        Change::ReplaceRoute { .. } => "ReplaceRoute",
        Change::DeleteRoute { .. } => "DeleteRoute",
        Change::Associate { .. } => "AssociateRouteTable",
        Change::Disassociate { .. } => "DisassociateRouteTable",
    }
}
