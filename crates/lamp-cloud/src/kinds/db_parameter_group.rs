//! Engine parameters of a database.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Reference, Service};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DbParameterGroup {
    /// For example `mysql8.0`.
    pub family: String,
    /// Parameters that were set, by name. Read in a call of its own.
    pub parameters: Option<BTreeMap<String, String>>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Change {
    /// Sets these, at once for dynamic parameters and at the next reboot for static ones. At most 20 a call.
    Set(BTreeMap<String, String>),
    /// Puts these back to the engine's defaults.
    Reset(Vec<String>),
}

/// AWS takes at most 20 parameters in one call.
const PER_CALL: usize = 20;

fields!(DbParameterGroup { family: Replacement Spec, parameters: InPlace Spec detail });

impl Declared for DbParameterGroup {
    type Change = Change;
    const KIND: Kind = Kind::DbParameterGroup;
    const SERVICE: Service = Service::Rds;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateDBParameterGroup";
    const DELETE: &'static str = "DeleteDBParameterGroup";
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
        let (Some(wanted), Some(current)) = (&self.parameters, &observed.parameters) else {
            return Vec::new();
        };
        let set: Vec<_> = wanted.iter().filter(|(name, value)| current.get(*name) != Some(value)).collect();
        let reset: Vec<_> = current.keys().filter(|name| !wanted.contains_key(*name)).cloned().collect();
        let sets = set.chunks(PER_CALL).map(|chunk| {
            Change::Set(chunk.iter().map(|(name, value)| ((*name).clone(), (*value).clone())).collect())
        });
        sets.chain(reset.chunks(PER_CALL).map(|names| Change::Reset(names.to_vec()))).collect()
    }

    fn apply(&mut self, change: &Change) {
        let parameters = self.parameters.get_or_insert_default();
        match change {
            Change::Set(values) => parameters.extend(values.clone()),
            Change::Reset(names) => parameters.retain(|name, _| !names.contains(name)),
        }
    }

    changes! {
        Change::Set(_) => "ModifyDBParameterGroup",
        Change::Reset(_) => "ResetDBParameterGroup",
    }
}
