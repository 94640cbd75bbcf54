//! Readings that lost too much at once are not believed until a second one agrees.

use std::collections::{BTreeMap, BTreeSet};

use lamp_cloud::{Listing, ResourceId};

/// Losing more than this share at once is suspicious.
const SUSPICIOUS_SHARE: f64 = 0.3;
/// With fewer rows than this, only losing all of them is.
const ENOUGH_ROWS: usize = 4;

/// What the last believed readings held.
#[derive(Debug, Default)]
pub(crate) struct Suspicion {
    believed: BTreeMap<Listing, BTreeSet<ResourceId>>,
    doubted: BTreeMap<Listing, BTreeSet<ResourceId>>,
}

impl Suspicion {
    /// Whether there was a reading of this listing that was believed.
    pub(crate) fn has_history(&self, listing: Listing) -> bool {
        self.believed.contains_key(&listing)
    }

    /// Judges a reading that held `ids`. `expected`: what our records say must be there, for the first reading;
    /// `removed`: what we removed ourselves.
    ///
    /// # Errors
    /// Why the reading is not believed yet.
    pub(crate) fn judge(
        &mut self,
        listing: Listing,
        ids: BTreeSet<ResourceId>,
        expected: &BTreeSet<ResourceId>,
        removed: &BTreeSet<ResourceId>,
    ) -> Result<(), String> {
        let before = self.believed.get(&listing).unwrap_or(expected);
        let before: BTreeSet<_> = before.difference(removed).collect();
        let lost = before.iter().filter(|id| !ids.contains(**id)).count();
        let agrees = self.doubted.get(&listing) == Some(&ids);
        if is_suspicious(before.len(), lost) && !agrees {
            let why = format!(
                "{lost} of {} were missing at once; it is believed when the next reading agrees",
                before.len()
            );
            self.doubted.insert(listing, ids);
            return Err(why);
        }
        self.doubted.remove(&listing);
        self.believed.insert(listing, ids);
        Ok(())
    }
}

#[allow(clippy::cast_precision_loss, reason = "numbers of rows are far below 2^52")]
fn is_suspicious(before: usize, lost: usize) -> bool {
    let all = before > 0 && lost == before;
    all || (before >= ENOUGH_ROWS && lost as f64 > before as f64 * SUSPICIOUS_SHARE)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ids(range: std::ops::Range<u32>) -> BTreeSet<ResourceId> {
        range.map(|n| n.to_string()).collect()
    }

    const LISTING: Listing = Listing::Instances;

    fn judge(suspicion: &mut Suspicion, now: std::ops::Range<u32>) -> bool {
        suspicion.judge(LISTING, ids(now), &BTreeSet::new(), &BTreeSet::new()).is_ok()
    }

    #[test]
    fn a_sudden_loss_is_believed_only_when_a_second_reading_agrees() {
        let mut suspicion = Suspicion::default();
        assert!(judge(&mut suspicion, 0..10));
        assert!(!judge(&mut suspicion, 0..5));
        assert!(!judge(&mut suspicion, 0..4), "it lost more, but not the same");
        assert!(judge(&mut suspicion, 0..4));
        assert!(judge(&mut suspicion, 0..3), "a small loss");
    }

    #[test]
    fn an_empty_reading_is_suspicious_however_little_there_was() {
        let mut suspicion = Suspicion::default();
        assert!(judge(&mut suspicion, 0..1));
        assert!(!judge(&mut suspicion, 0..0));
        assert!(judge(&mut suspicion, 0..1), "it is back");
        assert!(!judge(&mut suspicion, 0..0), "the doubt began anew");
    }

    #[test]
    fn the_first_reading_is_measured_by_our_records() {
        let mut suspicion = Suspicion::default();
        assert!(suspicion.judge(LISTING, ids(0..0), &ids(0..6), &BTreeSet::new()).is_err());
        assert!(suspicion.judge(LISTING, ids(0..0), &ids(0..6), &BTreeSet::new()).is_ok());
    }

    #[test]
    fn what_we_removed_ourselves_is_no_loss() {
        let mut suspicion = Suspicion::default();
        assert!(judge(&mut suspicion, 0..6));
        assert!(suspicion.judge(LISTING, ids(0..0), &BTreeSet::new(), &ids(0..6)).is_ok());
    }
}
