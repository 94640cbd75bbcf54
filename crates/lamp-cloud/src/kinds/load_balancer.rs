//! An Application Load Balancer.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancer {
    pub internet_facing: bool,
    /// Public or application subnets, one in each zone.
    pub subnets: Vec<Reference>,
    pub security_groups: Vec<Reference>,
    /// Read in a call of its own.
    pub attributes: Option<LoadBalancerAttributes>,
    /// Its DNS name, as observed.
    #[serde(default)]
    pub dns_name: Option<String>,
}

/// Attributes that differ from AWS's defaults, or matter so much that they are written all the same.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LoadBalancerAttributes {
    /// `deletion_protection.enabled`
    pub deletion_protection: bool,
    /// `idle_timeout.timeout_seconds`
    pub idle_timeout_seconds: u32,
    /// `routing.http2.enabled`
    pub http2: bool,
    /// `routing.http.drop_invalid_header_fields.enabled`
    pub drop_invalid_headers: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    Attributes(LoadBalancerAttributes),
    Subnets(Vec<Reference>),
    SecurityGroups(Vec<Reference>),
}

fields!(LoadBalancer {
    internet_facing: Replacement Spec,
    subnets: InPlace Spec,
    security_groups: InPlace Spec,
    attributes: InPlace Spec detail,
});

impl LoadBalancer {
    fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        sorted.subnets.sort();
        sorted.security_groups.sort();
        sorted
    }
}

fn resolved(references: &[Reference]) -> bool {
    references.iter().all(|reference| reference.as_id().is_some())
}

impl Declared for LoadBalancer {
    type Change = Change;
    const KIND: Kind = Kind::LoadBalancer;
    const SERVICE: Service = Service::LoadBalancing;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateLoadBalancer";
    const DELETE: &'static str = "DeleteLoadBalancer";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        self.subnets.iter().chain(&self.security_groups).collect()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        self.subnets.iter_mut().chain(&mut self.security_groups).collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(&self.sorted(), &observed.sorted())
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        let (desired, observed) = (self.sorted(), observed.sorted());
        let attributes = desired
            .attributes
            .filter(|wanted| observed.attributes.as_ref().is_some_and(|current| current != wanted));
        let subnets = desired.subnets != observed.subnets && resolved(&desired.subnets);
        let groups =
            desired.security_groups != observed.security_groups && resolved(&desired.security_groups);
        [
            attributes.map(Change::Attributes),
            subnets.then_some(Change::Subnets(desired.subnets)),
            groups.then_some(Change::SecurityGroups(desired.security_groups)),
        ]
        .into_iter()
        .flatten()
        .collect()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Attributes(attributes) => self.attributes = Some(attributes.clone()),
            Change::Subnets(subnets) => self.subnets.clone_from(subnets),
            Change::SecurityGroups(groups) => self.security_groups.clone_from(groups),
        }
    }

    fn before_delete(&self) -> Vec<Change> {
        let protected = self.attributes.clone().filter(|attributes| attributes.deletion_protection);
        protected
            .map(|attributes| {
                Change::Attributes(LoadBalancerAttributes { deletion_protection: false, ..attributes })
            })
            .into_iter()
            .collect()
    }

    changes! {
        Change::Attributes(_) => "ModifyLoadBalancerAttributes",
        Change::Subnets(_) => "SetSubnets",
        Change::SecurityGroups(_) => "SetSecurityGroups",
    }
}
