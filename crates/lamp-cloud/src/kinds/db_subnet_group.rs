//! The subnets that a database may stand in.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbSubnetGroup {
    pub subnets: Vec<Reference>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Subnets(Vec<Reference>),
}

fields!(DbSubnetGroup { subnets: InPlace Spec });

impl DbSubnetGroup {
    fn sorted(&self) -> Self {
        let mut subnets = self.subnets.clone();
        subnets.sort();
        Self { subnets }
    }
}

impl Declared for DbSubnetGroup {
    type Change = Change;
    const KIND: Kind = Kind::DbSubnetGroup;
    const SERVICE: Service = Service::Rds;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateDBSubnetGroup";
    const DELETE: &'static str = "DeleteDBSubnetGroup";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        self.subnets.iter().collect()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.subnets.iter_mut().collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(&self.sorted(), &observed.sorted())
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        let resolved = self.subnets.iter().all(|subnet| subnet.as_id().is_some());
        let desired = self.sorted();
        (resolved && desired != observed.sorted())
            .then_some(Change::Subnets(desired.subnets))
            .into_iter()
            .collect()
    }

    fn apply(&mut self, change: &Change) {
        let Change::Subnets(subnets) = change;
        self.subnets.clone_from(subnets);
    }

    changes!("ModifyDBSubnetGroup");
}
