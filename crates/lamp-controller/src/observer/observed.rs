//! The outcome of one pass.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use jiff::Timestamp;
use lamp_cloud::{Inventory, Kind, Part, Region, ResourceId};

/// What one pass over the region saw.
#[derive(Clone, Debug, Default)]
pub struct Observed {
    /// Passes of this process are counted from 1; 0 is "nothing was observed yet".
    pub pass: u64,
    pub region: Arc<Region>,
    /// When the pass ended.
    pub finished_at: Timestamp,
    /// Each stack's slice, by uid.
    pub slices: BTreeMap<String, Arc<Inventory>>,
    /// For each slice, the pass since which it says the same.
    pub same_since: BTreeMap<String, u64>,
    /// The pass since which the sections and zones are the same.
    pub region_same_since: u64,
    /// Every resource that carries our install tag: uid, part, kind, id.
    pub tagged: BTreeSet<(String, Part, Kind, ResourceId)>,
    pub(crate) first_pass: BTreeMap<Kind, Timestamp>,
}

impl Observed {
    /// The slice of the stack `uid`: empty for one that owns nothing.
    pub fn slice(&self, uid: &str) -> Arc<Inventory> {
        self.slices.get(uid).map_or_else(
            || {
                Arc::new(Inventory {
                    region: Arc::clone(&self.region),
                    first_pass: self.first_pass.clone(),
                    ..Inventory::default()
                })
            },
            Arc::clone,
        )
    }

    /// Since which passes the slice of `uid`, and what all stacks share, say the same.
    pub(crate) fn revision(&self, uid: &str) -> (u64, u64) {
        (self.same_since.get(uid).copied().unwrap_or_default(), self.region_same_since)
    }
}
