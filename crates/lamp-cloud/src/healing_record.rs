//! What healing must not forget, whatever becomes of the process that heals: kept in the record of a tier's group.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::ResourceId;

/// The history of healing in one tier.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct HealingRecord {
    /// Breakers that are open, by name: `group`, `stack`, `zone/eu-central-1a`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub breakers: BTreeMap<String, OpenBreaker>,
    /// Replacements that failed one after the other.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub chain: Option<Chain>,
    /// The instance that is replaced ahead of its end, and the capacity that this takes.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub succession: Option<Succession>,
}

impl HealingRecord {
    /// Whether there is nothing to remember.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }
}

/// A breaker that stops replacements.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct OpenBreaker {
    pub since: Timestamp,
    /// What opened it, for people.
    pub why: String,
    /// Since when nothing has spoken for it any more; it closes after a while.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub calm_since: Option<Timestamp>,
    /// The last request of a person to look at the stack before it opened: a newer one closes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
}

/// Replacements of which each followed one that had failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Chain {
    pub length: u32,
    /// When the last one was asked for.
    pub last: Timestamp,
    /// The last request of a person to look at the stack before that: a newer one ends the chain.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub requested: Option<String>,
}

/// A replacement that begins with the new instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Succession {
    /// The instance that is to go.
    pub instance: ResourceId,
    /// The capacity that the group needs until the new one serves.
    pub capacity: u32,
}
