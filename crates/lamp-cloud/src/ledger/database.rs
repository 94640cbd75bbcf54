//! What is remembered of a database: how it was last seen, that it was lost, and which replica takes its place.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use super::LedgerEntry;
use crate::{Part, ResourceId};

/// How an instance of a database was last seen: what AWS changed by itself shows by it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Seen {
    pub id: ResourceId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zone: Option<String>,
    pub storage_gib: u32,
    /// When its volume was first seen larger than before.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub grown_at: Option<Timestamp>,
}

/// A primary that looks lost.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Loss {
    pub id: ResourceId,
    /// When it was first seen so.
    pub since: Timestamp,
    /// How far each replica was behind it then, in whole seconds, rounded up. Those of which that is not known are not
    /// here.
    pub lags: BTreeMap<ResourceId, u32>,
    /// Whether it looked so for long enough. It is noted before, as nobody can ask later how far a replica was behind.
    #[serde(default)]
    pub is_certain: bool,
}

impl LedgerEntry {
    /// The primary that is lost for certain.
    pub fn lost(&self) -> Option<&Loss> {
        self.loss.as_ref().filter(|loss| loss.is_certain)
    }
}

/// A replica that takes the place of a primary: decided, and written down before anything is done.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Promotion {
    /// How many there were for this database, with this one.
    pub number: u32,
    /// The primary in whose place it goes.
    pub from: ResourceId,
    /// The replica.
    pub to: ResourceId,
    /// The part that it was until then.
    pub part: Part,
    /// On whose word: the uid of an order, or none where the spec says so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub order: Option<String>,
    /// Whether it goes on though the primary serves.
    pub forced: bool,
    pub began_at: Timestamp,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended: Option<PromotionEnd>,
}

/// How a promotion ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PromotionEnd {
    pub at: Timestamp,
    /// Whether the replica became the primary. If not, the primary came back before RDS was asked.
    pub done: bool,
}

impl Promotion {
    /// Whether it is under way.
    pub fn is_open(&self) -> bool {
        self.ended.is_none()
    }

    /// How many promotions changed, or are changing, which instance is the primary.
    pub fn generation(&self) -> u32 {
        let counts = self.ended.is_none_or(|ended| ended.done);
        if counts { self.number } else { self.number.saturating_sub(1) }
    }
}
