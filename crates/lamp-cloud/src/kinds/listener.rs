//! A listener of a load balancer.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listener {
    pub load_balancer: Reference,
    pub port: u16,
    /// With a certificate it speaks HTTPS (HTTP/2 and HTTP/1.1), without it HTTP.
    pub certificate: Option<String>,
    pub action: ListenerAction,
}

/// TLS 1.2 and 1.3 with forward secrecy.
pub const TLS_POLICY: &str = "ELBSecurityPolicy-TLS13-1-2-2021-06";

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum ListenerAction {
    Forward(Reference),
    /// To the same address with HTTPS on port 443, permanently.
    RedirectToHttps,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Certificate and action.
    Modify { port: u16, certificate: Option<String>, action: ListenerAction },
}

fields!(Listener {
    load_balancer: Replacement Spec,
    port: InPlace Spec,
    certificate: InPlace Spec,
    action: InPlace Spec,
});

impl Declared for Listener {
    type Change = Change;
    const KIND: Kind = Kind::Listener;
    const SERVICE: Service = Service::LoadBalancing;
    // AWS refuses a second listener on a port (`DuplicateListener`).
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateListener";
    const DELETE: &'static str = "DeleteListener";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        let group = match &self.action {
            ListenerAction::Forward(group) => Some(group),
            ListenerAction::RedirectToHttps => None,
        };
        std::iter::once(&self.load_balancer).chain(group).collect()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        let group = match &mut self.action {
            ListenerAction::Forward(group) => Some(group),
            ListenerAction::RedirectToHttps => None,
        };
        std::iter::once(&mut self.load_balancer).chain(group).collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(self, observed)
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        let same = self.port == observed.port
            && self.certificate == observed.certificate
            && self.action == observed.action;
        let resolved = self.needs().iter().all(|reference| reference.as_id().is_some());
        (!same && resolved)
            .then(|| Change::Modify {
                port: self.port,
                certificate: self.certificate.clone(),
                action: self.action.clone(),
            })
            .into_iter()
            .collect()
    }

    fn apply(&mut self, change: &Change) {
        let Change::Modify { port, certificate, action } = change;
        self.port = *port;
        self.certificate.clone_from(certificate);
        self.action = action.clone();
    }

    changes!("ModifyListener");
}
