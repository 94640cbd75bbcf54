//! A secret in AWS Secrets Manager: the master password, generated at its creation and known to nobody else.

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Secret {
    pub description: String,
    /// The user name that is stored beside the password.
    pub username: String,
}

/// Nothing of a secret is changed: its value belongs to whoever rotates it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {}

impl Declared for Secret {
    type Change = Change;
    const KIND: Kind = Kind::Secret;
    const SERVICE: Service = Service::SecretsManager;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateSecret";
    const DELETE: &'static str = "DeleteSecret";
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
        match *change {}
    }

    changes! {}
}
