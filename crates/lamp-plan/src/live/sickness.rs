//! Counting observations: nothing is judged by one look. Instances, targets and replicas use the same.

use std::collections::BTreeMap;

use jiff::{SignedDuration, Timestamp};

use crate::{Draft, Sickness};

/// An older reading decides nothing.
pub(crate) const FRESH: SignedDuration = SignedDuration::from_secs(60);
/// What was not seen sick for this long is forgotten: it left, or it must be counted anew.
const FORGOTTEN: SignedDuration = SignedDuration::from_secs(3600);

/// Twice the longest time that a start may be given.
const LONGEST_START: SignedDuration = SignedDuration::from_secs(4 * 3600);

/// What a reading says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Sick, by a reading of then.
    Sick(Timestamp),
    /// Healthy, by readings that are not older than this.
    Healthy(Timestamp),
    /// Nothing new: it neither counts nor clears.
    Unknown,
}

/// Takes one verdict into account. A reading that was counted before does not count again.
pub(crate) fn count<K: Ord>(memory: &mut BTreeMap<K, Sickness>, key: K, verdict: Verdict) {
    match verdict {
        Verdict::Unknown => {}
        Verdict::Healthy(at) => {
            if memory.get(&key).is_some_and(|sickness| at > sickness.last) {
                memory.remove(&key);
            }
        }
        Verdict::Sick(at) => {
            let sickness = memory.entry(key).or_insert(Sickness { since: at, observations: 0, last: at });
            if sickness.observations == 0 || at > sickness.last {
                sickness.observations = sickness.observations.saturating_add(1);
                sickness.last = at;
            }
        }
    }
}

impl Sickness {
    /// From the first to the newest observation.
    pub(crate) fn span(&self) -> SignedDuration {
        self.last.duration_since(self.since)
    }

    /// Whether it was seen often enough, for long enough, and just now.
    pub(crate) fn is_certain(&self, observations: u32, span: SignedDuration, now: Timestamp) -> bool {
        self.observations >= observations && self.span() >= span && is_fresh(self.last, now)
    }
}

/// Whether a reading of `at` may still decide something.
pub(crate) fn is_fresh(at: Timestamp, now: Timestamp) -> bool {
    now.duration_since(at).abs() <= FRESH
}

/// Forgets what was not seen for long.
pub(crate) fn prune(draft: &mut Draft<'_>) {
    let now = draft.input.now;
    let keep = |sickness: &Sickness| now.duration_since(sickness.last).abs() <= FORGOTTEN;
    draft.plan.memory.sick.retain(|_, sickness| keep(sickness));
    draft.plan.memory.agreed.retain(|_, sickness| keep(sickness));
    draft.plan.memory.excused.retain(|_, at| now.duration_since(*at).abs() <= FORGOTTEN);
    let launched = draft.input.inventory.instances.values().flatten();
    let young: Vec<_> = launched.filter(|row| now.duration_since(row.launched_at) < LONGEST_START).collect();
    draft.plan.memory.started.retain(|id| young.iter().any(|row| row.id == *id));
    draft.plan.memory.targets.retain(|_, sickness| keep(sickness));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    #[test]
    fn only_new_readings_count_and_only_a_newer_healthy_one_clears() {
        let mut memory = BTreeMap::new();
        for second in [0, 0, 30, 30, 15] {
            count(&mut memory, "i-1", Verdict::Sick(at(second)));
        }
        assert_eq!(memory["i-1"], Sickness { since: at(0), observations: 2, last: at(30) });
        count(&mut memory, "i-1", Verdict::Unknown);
        count(&mut memory, "i-1", Verdict::Healthy(at(30)));
        assert!(memory.contains_key("i-1"));
        count(&mut memory, "i-1", Verdict::Healthy(at(31)));
        assert!(memory.is_empty());
    }

    #[test]
    fn certainty_needs_number_span_and_freshness() {
        let sickness = Sickness { since: at(0), observations: 3, last: at(90) };
        let span = SignedDuration::from_secs(90);
        assert!(sickness.is_certain(3, span, at(100)));
        assert!(!sickness.is_certain(4, span, at(100)));
        assert!(!sickness.is_certain(3, span + SignedDuration::from_secs(1), at(100)));
        assert!(!sickness.is_certain(3, span, at(151)));
    }
}
