//! A public IPv4 address for a NAT gateway.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ElasticIp {
    /// The association that still holds it, as observed. AWS frees the address with its NAT gateway; where it does
    /// not, it is disassociated before its release.
    #[serde(default)]
    pub association: Option<String>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Disassociate(String),
}

impl Declared for ElasticIp {
    type Change = Change;
    const KIND: Kind = Kind::ElasticIp;
    const SERVICE: Service = Service::Ec2;
    const REPEAT: Repeat = Repeat::AfterQuarantine;
    const CREATE: &'static str = "AllocateAddress";
    const DELETE: &'static str = "ReleaseAddress";
    const FIELDS: &'static [&'static str] = &[];

    fn needs(&self) -> Vec<&Reference> {
        Vec::new()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }

    fn differences(&self, _: &Self) -> Vec<Difference> {
        Vec::new()
    }

    fn leave(&mut self, _: &Self, _: &str) {}

    fn changes(&self, _: &Self) -> Vec<Change> {
        Vec::new()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Disassociate(_) => self.association = None,
        }
    }

    fn before_delete(&self) -> Vec<Change> {
        self.association.clone().map(Change::Disassociate).into_iter().collect()
    }

    changes!("DisassociateAddress");
}
