//! Resources that carry our install tag but belong to no stack: shown, never deleted. Losing the store deletes
//! nothing.

use std::collections::{BTreeMap, BTreeSet};

use lamp_cloud::{Kind, Part, ResourceId};

use crate::metrics::Metrics;
use crate::observer::Observed;

/// A resource that no stack has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    pub kind: Kind,
    pub id: ResourceId,
    /// `metadata.uid` of the stack that it once belonged to.
    pub uid: String,
    pub part: Part,
}

/// Every orphan of the last pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    pub rows: BTreeSet<Orphan>,
}

impl Orphans {
    pub(crate) fn find(observed: &Observed, uids: &BTreeSet<String>) -> Self {
        let stray = observed.tagged.iter().filter(|(uid, ..)| !uids.contains(uid));
        let rows = stray.map(|(uid, part, kind, id)| Orphan {
            kind: *kind,
            id: id.clone(),
            uid: uid.clone(),
            part: part.clone(),
        });
        Self { rows: rows.collect() }
    }

    pub(crate) fn publish(&self, metrics: &Metrics, region: &str) {
        let mut counts: BTreeMap<Kind, i64> = Kind::ALL.iter().map(|kind| (*kind, 0)).collect();
        for orphan in &self.rows {
            *counts.entry(orphan.kind).or_default() += 1;
        }
        for (kind, count) in counts {
            metrics.orphans.with_label_values(&[region, kind.name()]).set(count);
        }
    }
}
