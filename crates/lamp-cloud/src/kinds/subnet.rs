//! A subnet.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Subnet {
    pub vpc: Reference,
    pub cidr: String,
    pub zone: String,
    /// Whether instances get a public address. Off everywhere: only load balancers and NAT gateways are public.
    pub public_addresses: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    PublicAddresses(bool),
}

fields!(Subnet {
    vpc: Replacement Spec,
    cidr: Replacement Spec,
    zone: Replacement Spec,
    public_addresses: InPlace Spec,
});

impl Declared for Subnet {
    type Change = Change;
    const KIND: Kind = Kind::Subnet;
    const SERVICE: Service = Service::Ec2;
    // No token, but AWS refuses the same range twice in a VPC (`InvalidSubnet.Conflict`).
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateSubnet";
    const DELETE: &'static str = "DeleteSubnet";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        vec![&self.vpc]
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        vec![&mut self.vpc]
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(self, observed)
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        (self.public_addresses != observed.public_addresses)
            .then_some(Change::PublicAddresses(self.public_addresses))
            .into_iter()
            .collect()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::PublicAddresses(on) => self.public_addresses = *on,
        }
    }

    changes!("ModifySubnetAttribute");
}
