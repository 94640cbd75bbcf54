//! Who asks, and what they may do now.

use std::sync::Arc;

use jiff::Timestamp;
use lamp_api::rbac::PolicyRule;

use super::attributes::{Attributes, Identity};
use super::policy::{Decision, Policy};
use crate::error::ApiError;

/// Who asks. Cheap to clone; every request that passed the gate has one as an extension.
#[derive(Clone, Debug)]
pub(crate) struct Caller {
    pub(crate) identity: Arc<Identity>,
    pub(super) policy: Arc<Policy>,
    pub(super) now: Timestamp,
}

impl Caller {
    pub(crate) fn may(&self, attributes: &Attributes<'_>) -> bool {
        self.policy.decide(&self.identity, attributes, self.now) != Decision::Denied
    }

    /// # Errors
    /// No rule allows it.
    pub(crate) fn require(&self, attributes: &Attributes<'_>) -> Result<(), ApiError> {
        if self.may(attributes) {
            return Ok(());
        }
        if self.identity.is_anonymous() {
            let text = "the request says not who sends it: give a token or a client certificate";
            return Err(ApiError::Unauthorized(text.to_owned()));
        }
        Err(ApiError::Denied(Box::new(Denial::of(&self.identity, attributes))))
    }

    /// Everything that the caller may do in a namespace (empty: in all, and outside of them).
    pub(crate) fn rights(&self, namespace: &str) -> Vec<PolicyRule> {
        self.policy.rights(&self.identity, namespace, self.now)
    }
}

/// What was asked for and by whom, where no rule allows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Denial {
    pub(crate) group: String,
    /// Empty for a path that is no resource.
    pub(crate) resource: String,
    pub(crate) name: String,
    /// In the words of Kubernetes, which people search for.
    pub(crate) message: String,
}

impl Denial {
    fn of(identity: &Identity, attributes: &Attributes<'_>) -> Denial {
        let user = &identity.name;
        match *attributes {
            Attributes::Url { verb, path } => Denial {
                group: String::new(),
                resource: String::new(),
                name: String::new(),
                message: format!("forbidden: User {user:?} cannot {verb} path {path:?}"),
            },
            Attributes::Resource { verb, group, resource, subresource, namespace, name } => {
                let dot = if group.is_empty() { "" } else { "." };
                let slash = if subresource.is_empty() { "" } else { "/" };
                let object = if name.is_empty() { String::new() } else { format!(" {name:?}") };
                let place = match namespace {
                    "" => "at the cluster scope".to_owned(),
                    namespace => format!("in the namespace {namespace:?}"),
                };
                let message = format!(
                    "{resource}{dot}{group}{object} is forbidden: User {user:?} cannot {verb} resource \
                     \"{resource}{slash}{subresource}\" in API group {group:?} {place}"
                );
                Denial {
                    group: group.to_owned(),
                    resource: resource.to_owned(),
                    name: name.to_owned(),
                    message,
                }
            }
        }
    }
}
