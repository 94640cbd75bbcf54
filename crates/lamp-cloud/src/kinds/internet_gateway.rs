//! An internet gateway, and the VPC it is attached to.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, ResourceId, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InternetGateway {
    pub vpc: Option<Reference>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Attach(ResourceId),
    Detach(ResourceId),
}

fields!(InternetGateway { vpc: InPlace Spec });

impl Declared for InternetGateway {
    type Change = Change;
    const KIND: Kind = Kind::InternetGateway;
    const SERVICE: Service = Service::Ec2;
    const REPEAT: Repeat = Repeat::AfterQuarantine;
    const CREATE: &'static str = "CreateInternetGateway";
    const DELETE: &'static str = "DeleteInternetGateway";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        Vec::new()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.vpc.iter_mut().collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(self, observed)
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        if self.vpc == observed.vpc {
            return Vec::new();
        }
        let Some(wanted) = self.vpc.as_ref().and_then(Reference::as_id) else { return Vec::new() };
        let detach = observed.vpc.as_ref().and_then(Reference::as_id).map(|id| Change::Detach(id.to_owned()));
        detach.into_iter().chain([Change::Attach(wanted.to_owned())]).collect()
    }

    fn apply(&mut self, change: &Change) {
        self.vpc = match change {
            Change::Attach(vpc) => Some(Reference::id(vpc.as_str())),
            Change::Detach(_) => None,
        };
    }

    fn before_delete(&self) -> Vec<Change> {
        self.vpc
            .as_ref()
            .and_then(Reference::as_id)
            .map(|id| Change::Detach(id.to_owned()))
            .into_iter()
            .collect()
    }

    changes! {
        Change::Attach(_) => "AttachInternetGateway",
        Change::Detach(_) => "DetachInternetGateway",
    }
}
