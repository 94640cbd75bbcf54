//! A VPC.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vpc {
    pub cidr: String,
    /// Read in a call of its own.
    pub dns_support: Option<bool>,
    /// Read in a call of its own. Database endpoints resolve to private addresses only with it.
    pub dns_hostnames: Option<bool>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    DnsSupport(bool),
    DnsHostnames(bool),
}

fields!(Vpc { cidr: Never Spec, dns_support: InPlace Spec detail, dns_hostnames: InPlace Spec detail });

impl Declared for Vpc {
    type Change = Change;
    const KIND: Kind = Kind::Vpc;
    const SERVICE: Service = Service::Ec2;
    const REPEAT: Repeat = Repeat::AfterQuarantine;
    const CREATE: &'static str = "CreateVpc";
    const DELETE: &'static str = "DeleteVpc";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        Vec::new()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        Vec::new()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(self, observed)
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        let support = observed.dns_support.is_some() && self.dns_support != observed.dns_support;
        let hostnames = observed.dns_hostnames.is_some() && self.dns_hostnames != observed.dns_hostnames;
        [
            self.dns_support.filter(|_| support).map(Change::DnsSupport),
            self.dns_hostnames.filter(|_| hostnames).map(Change::DnsHostnames),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::DnsSupport(on) => self.dns_support = Some(*on),
            Change::DnsHostnames(on) => self.dns_hostnames = Some(*on),
        }
    }

    changes!("ModifyVpcAttribute");
}
