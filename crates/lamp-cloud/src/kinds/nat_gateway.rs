//! A NAT gateway: the way out for private subnets.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct NatGateway {
    /// The public subnet that it stands in.
    pub subnet: Reference,
    pub address: Reference,
}

/// Nothing of a NAT gateway can be changed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {}

fields!(NatGateway { subnet: Replacement Spec, address: Replacement Spec });

impl Declared for NatGateway {
    type Change = Change;
    const KIND: Kind = Kind::NatGateway;
    const SERVICE: Service = Service::Ec2;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateNatGateway";
    const DELETE: &'static str = "DeleteNatGateway";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        vec![&self.subnet, &self.address]
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        vec![&mut self.subnet, &mut self.address]
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(self, observed)
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    fn changes(&self, _: &Self) -> Vec<Change> {
        Vec::new()
    }

    fn apply(&mut self, change: &Change) {
        match *change {}
    }

    changes! {}
}
