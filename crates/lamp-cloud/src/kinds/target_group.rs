//! A target group: HTTP/1.1 to instances, whatever the visitor speaks.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, ResourceId, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroup {
    pub vpc: Reference,
    pub port: u16,
    pub health_check: HealthCheck,
    /// Read in a call of its own.
    pub attributes: Option<TargetGroupAttributes>,
    /// Load balancers that send to it, as observed.
    #[serde(default)]
    pub load_balancers: Vec<ResourceId>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct HealthCheck {
    pub path: String,
    pub interval_seconds: u32,
    pub timeout_seconds: u32,
    pub healthy_threshold: u32,
    pub unhealthy_threshold: u32,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetGroupAttributes {
    /// `deregistration_delay.timeout_seconds`
    pub deregistration_delay_seconds: u32,
    /// `stickiness.enabled` with `lb_cookie`, and its duration.
    pub stickiness_seconds: Option<u32>,
    /// `load_balancing.algorithm.type`: `least_outstanding_requests`, so that a slow PHP process gets fewer requests.
    pub least_outstanding_requests: bool,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    HealthCheck(HealthCheck),
    Attributes(TargetGroupAttributes),
}

fields!(TargetGroup {
    vpc: Replacement Spec,
    port: Replacement Spec,
    health_check: InPlace Spec,
    attributes: InPlace Spec detail,
});

impl Declared for TargetGroup {
    type Change = Change;
    const KIND: Kind = Kind::TargetGroup;
    const SERVICE: Service = Service::LoadBalancing;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateTargetGroup";
    const DELETE: &'static str = "DeleteTargetGroup";
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
        let check = self.health_check != observed.health_check;
        let attributes = self
            .attributes
            .clone()
            .filter(|wanted| observed.attributes.as_ref().is_some_and(|current| current != wanted));
        [check.then(|| Change::HealthCheck(self.health_check.clone())), attributes.map(Change::Attributes)]
            .into_iter()
            .flatten()
            .collect()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::HealthCheck(check) => self.health_check = check.clone(),
            Change::Attributes(attributes) => self.attributes = Some(attributes.clone()),
        }
    }

    changes! {
        Change::HealthCheck(_) => "ModifyTargetGroup",
        Change::Attributes(_) => "ModifyTargetGroupAttributes",
    }
}
