//! Since when something is absent: judged only from complete readings of this process.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lamp_cloud::{Kind, Part};

/// What this process saw of each stack, by uid.
#[derive(Debug, Default)]
pub(crate) struct Absence {
    first_pass: BTreeMap<Kind, Timestamp>,
    seen: BTreeMap<String, Seen>,
}

#[derive(Debug, Default)]
struct Seen {
    kinds: BTreeMap<Part, Kind>,
    missing_since: BTreeMap<Part, Timestamp>,
}

impl Absence {
    /// Notes that a kind was listed completely.
    pub(crate) fn listed(&mut self, kind: Kind, now: Timestamp) {
        self.first_pass.entry(kind).or_insert(now);
    }

    /// First complete pass, by kind.
    pub(crate) fn first_pass(&self) -> &BTreeMap<Kind, Timestamp> {
        &self.first_pass
    }

    /// Notes the parts of one stack that a pass saw. `is_complete` tells for which kinds not seeing means absence.
    pub(crate) fn update(
        &mut self,
        uid: &str,
        present: &BTreeMap<Part, Kind>,
        is_complete: impl Fn(Kind) -> bool,
        now: Timestamp,
    ) {
        let seen = self.seen.entry(uid.to_owned()).or_default();
        for (part, kind) in present {
            seen.kinds.insert(part.clone(), *kind);
            seen.missing_since.remove(part);
        }
        for (part, kind) in &seen.kinds {
            if !present.contains_key(part) && is_complete(*kind) {
                seen.missing_since.entry(part.clone()).or_insert(now);
            }
        }
    }

    /// Since when parts that were seen before are missing.
    pub(crate) fn missing_since(&self, uid: &str) -> BTreeMap<Part, Timestamp> {
        self.seen.get(uid).map(|seen| seen.missing_since.clone()).unwrap_or_default()
    }

    /// The stacks that something was seen of.
    pub(crate) fn owners(&self) -> Vec<String> {
        self.seen.keys().cloned().collect()
    }

    /// Forgets all other stacks.
    pub(crate) fn retain(&mut self, uids: &BTreeSet<String>) {
        self.seen.retain(|uid, _| uids.contains(uid));
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn missing_counts_from_the_first_complete_pass_without_it() {
        let mut absence = Absence::default();
        let start = Timestamp::UNIX_EPOCH;
        let at = |seconds| start + Duration::from_secs(seconds);
        let vpc: BTreeMap<_, _> = [(Part::new("vpc"), Kind::Vpc)].into();
        absence.update("u", &vpc, |_| true, at(0));
        assert!(absence.missing_since("u").is_empty());
        absence.update("u", &BTreeMap::new(), |_| false, at(15));
        assert!(absence.missing_since("u").is_empty(), "an unknown section says nothing");
        absence.update("u", &BTreeMap::new(), |_| true, at(30));
        absence.update("u", &BTreeMap::new(), |_| true, at(45));
        assert_eq!(absence.missing_since("u").get(&Part::new("vpc")), Some(&at(30)));
        absence.update("u", &vpc, |_| true, at(60));
        assert!(absence.missing_since("u").is_empty(), "it was only late");
    }
}
