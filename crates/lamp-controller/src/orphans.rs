//! Resources that carry our install tag but belong to no stack: shown, and deleted only where a person orders it. Losing
//! the store deletes nothing.

mod deletion;
mod judge;
mod order;
mod report;

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lamp_cloud::{Kind, Part, ResourceId, tag};

pub(crate) use deletion::work;
pub(crate) use order::{is_order, orders};
pub(crate) use report::respond;

use crate::metrics::Metrics;
use crate::observer::Observed;

/// A resource that no stack has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Orphan {
    pub kind: Kind,
    pub id: ResourceId,
    /// `metadata.uid` of the stack that it once belonged to.
    pub uid: String,
    /// Namespace and name of that stack, by its tag.
    pub stack: String,
    pub part: Part,
    /// When this process first saw that no stack has it.
    pub seen_since: Timestamp,
}

/// Every orphan of the last pass.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Orphans {
    pub rows: BTreeSet<Orphan>,
}

impl Orphans {
    /// The orphans of a pass, after those of the pass before; `uids` are those of all stacks.
    pub(crate) fn find(observed: &Observed, uids: &BTreeSet<String>, before: &Self) -> Self {
        let known: BTreeMap<_, _> =
            before.rows.iter().map(|row| ((row.kind, &row.id, &row.uid), row.seen_since)).collect();
        let at = observed.region.observed_at;
        let stray = observed.tagged.iter().filter(|(uid, ..)| !uids.contains(uid));
        let rows = stray.map(|(uid, part, kind, id)| Orphan {
            kind: *kind,
            id: id.clone(),
            uid: uid.clone(),
            stack: stack_of(observed, uid, part, id),
            part: part.clone(),
            seen_since: known.get(&(*kind, id, uid)).copied().unwrap_or(at),
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

/// The stack that the tags of a resource name.
fn stack_of(observed: &Observed, uid: &str, part: &Part, id: &str) -> String {
    let slice = observed.slices.get(uid);
    let rows = slice.and_then(|slice| slice.parts.get(part)).into_iter().flatten();
    let tags = rows.into_iter().find(|row| row.id == id).map(|row| &row.tags);
    tags.and_then(|tags| tags.get(tag::STACK)).cloned().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::time::Duration;

    use lamp_cloud::Region;

    use super::*;

    fn pass(seconds: u64, ids: &[&str]) -> Observed {
        let observed_at = Timestamp::UNIX_EPOCH + Duration::from_secs(seconds);
        let row = |id: &&str| ("lost".to_owned(), Part::new("vpc"), Kind::Vpc, (*id).to_owned());
        Observed {
            region: Arc::new(Region { observed_at, ..Region::default() }),
            tagged: ids.iter().map(row).collect(),
            ..Observed::default()
        }
    }

    #[test]
    fn an_orphan_is_as_old_as_its_first_pass_without_a_stack() {
        let none = BTreeSet::new();
        let first = Orphans::find(&pass(10, &["vpc-1"]), &none, &Orphans::default());
        let second = Orphans::find(&pass(20, &["vpc-1", "vpc-2"]), &none, &first);
        let ages: Vec<i64> = second.rows.iter().map(|row| row.seen_since.as_second()).collect();
        assert_eq!(ages, [10, 20]);
        let kept = Orphans::find(&pass(30, &["vpc-1"]), &["lost".to_owned()].into(), &second);
        assert!(kept.rows.is_empty());
        let again = Orphans::find(&pass(40, &["vpc-1"]), &none, &kept);
        assert_eq!(again.rows.first().map(|row| row.seen_since.as_second()), Some(40), "it counts anew");
    }
}
