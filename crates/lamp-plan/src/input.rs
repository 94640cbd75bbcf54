//! Everything that a plan is made from.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::v1alpha1::{LampStackSpec, OperationKind};
use lamp_cloud::{Inventory, LedgerEntry, Owner, Part};

use crate::{Adoption, Holds, Memory};

/// What the store knows of the parts of one stack.
pub type Ledger = BTreeMap<Part, LedgerEntry>;

/// The input of one plan. Equal inputs make equal plans.
#[derive(Clone, Copy, Debug)]
pub struct PlanInput<'a> {
    pub owner: &'a Owner,
    pub spec: &'a LampStackSpec,
    /// `metadata.generation` of the spec.
    pub generation: i64,
    /// Whether the stack is being deleted.
    pub deleting: bool,
    /// A person consented to disruptive and replacing changes of exactly this generation.
    pub confirmed: bool,
    /// The last time that a person asked to have the stack looked at, in that person's words.
    pub requested: Option<&'a str>,
    /// What a person ordered to be done to the database, and has not ended.
    pub order: Option<&'a Order>,
    /// What a person allowed to be taken over.
    pub adoption: &'a Adoption,
    /// What a person wants to be left as it is.
    pub holds: &'a Holds,
    pub inventory: &'a Inventory,
    pub ledger: &'a Ledger,
    /// What the last plan left for this one.
    pub memory: &'a Memory,
    pub settings: &'a Settings,
    pub now: Timestamp,
}

/// A person's order about the database of the stack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Order {
    /// `metadata.uid` of the order: what was done on it is known by that.
    pub uid: String,
    pub name: String,
    pub operation: OperationKind,
    /// The replica to promote, by its part.
    pub replica: Option<Part>,
    pub force: bool,
    /// Whether it was accepted before.
    pub accepted: bool,
}

/// Times that planning depends on.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settings {
    /// How long AWS may take until every reading shows a change. EC2's developer guide says up to five minutes.
    pub consistency_window: Duration,
    /// Two readings that agree must be at least this far apart.
    pub agreement: Duration,
    /// How long the same change is not sent again while readings do not show it yet.
    pub change_patience: Duration,
    /// What is made carries it: the life of the store in which it is made. `None`: nothing is to be made.
    pub epoch: Option<u64>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            consistency_window: Duration::from_secs(300),
            agreement: Duration::from_secs(10),
            change_patience: Duration::from_secs(60),
            epoch: None,
        }
    }
}
