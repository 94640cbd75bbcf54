//! Windows and rates over what was recommended and changed before.

use jiff::{SignedDuration, Timestamp};

use crate::ScalingMemory;

/// Rates are per minute.
const MINUTE: SignedDuration = SignedDuration::from_secs(60);
/// Without an evaluation for this long the history says nothing of the time between.
const LONGEST_GAP: SignedDuration = SignedDuration::from_secs(5 * 60);

/// The direction of a change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Direction {
    Up,
    Down,
}

impl ScalingMemory {
    /// A history that begins now.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self { since: now, recommendations: Vec::new(), changes: Vec::new() }
    }

    /// Adds a recommendation, and forgets what is older than `longest`.
    ///
    /// A run of equal recommendations is kept as its newest moment, which is all that a highest or lowest of a
    /// window needs. A gap, or a clock that was turned back, begins the history anew.
    pub(crate) fn note(&mut self, now: Timestamp, wanted: u32, longest: SignedDuration) {
        let newest = self.recommendations.last().map_or(self.since, |(at, _)| *at);
        let gap = now.duration_since(newest);
        if gap.is_negative() || gap > LONGEST_GAP {
            *self = Self::new(now);
        }
        match self.recommendations.last_mut() {
            Some((at, last)) if *last == wanted => *at = now,
            _ => self.recommendations.push((now, wanted)),
        }
        self.recommendations.retain(|(at, _)| now.duration_since(*at) <= longest);
        self.changes.retain(|(at, _)| now.duration_since(*at) < MINUTE);
    }

    /// The lowest and the highest recommendation of a window that ends now; none of an empty window.
    pub(crate) fn extremes(&self, now: Timestamp, window: SignedDuration) -> Option<(u32, u32)> {
        let inside = || self.recommendations.iter().filter(|(at, _)| now.duration_since(*at) < window);
        let values = || inside().map(|(_, wanted)| *wanted);
        Some((values().min()?, values().max()?))
    }

    /// When a window will hold only recommendations for which `agrees` is true, and be covered by the history.
    pub(crate) fn agreed_at(&self, window: SignedDuration, agrees: impl Fn(u32) -> bool) -> Timestamp {
        let against = self.recommendations.iter().rev().find(|(_, wanted)| !agrees(*wanted));
        against
            .map_or(self.since, |(at, _)| (*at).max(self.since))
            .saturating_add(window)
            .unwrap_or(self.since)
    }

    /// Remembers that the capacity leaves `before`. A decision that is not carried out yet is remembered once.
    pub(crate) fn changed(&mut self, now: Timestamp, before: u32) {
        match self.changes.last_mut() {
            Some((at, last)) if *last == before => *at = now,
            _ => self.changes.push((now, before)),
        }
    }

    /// The furthest that the capacity may go this minute, and when that minute is over.
    pub(crate) fn limit(
        &self,
        now: Timestamp,
        current: u32,
        direction: Direction,
        percent: u32,
    ) -> (u32, Timestamp) {
        let first = self.changes.iter().find(|(at, _)| now.duration_since(*at) < MINUTE);
        let (at, before) = first.copied().unwrap_or((now, current));
        let again = at.saturating_add(MINUTE).unwrap_or(at);
        let limit = match direction {
            Direction::Up => {
                let start = before.min(current);
                start.saturating_add(share(start, percent, true)).max(current)
            }
            Direction::Down => {
                let start = before.max(current);
                start.saturating_sub(share(start, percent, false)).min(current)
            }
        };
        (limit, again)
    }
}

/// `percent` of `of`, at least one; additions are rounded up and removals down, as EC2 Auto Scaling does.
fn share(of: u32, percent: u32, up: bool) -> u32 {
    let scaled = u64::from(of) * u64::from(percent);
    let whole = if up { scaled.div_ceil(100) } else { scaled / 100 };
    u32::try_from(whole).unwrap_or(u32::MAX).max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + seconds).unwrap()
    }

    const WINDOW: SignedDuration = SignedDuration::from_secs(300);

    #[test]
    fn a_run_of_equal_recommendations_is_one_entry_and_the_longest_window_is_all_that_is_kept() {
        let mut memory = ScalingMemory::new(at(0));
        for second in (0..3000).step_by(15) {
            memory.note(at(second), if second < 1500 { 3 } else { 5 }, WINDOW);
        }
        assert_eq!(memory.recommendations, [(at(2985), 5)]);
        assert_eq!(memory.since, at(0));
        assert_eq!(memory.extremes(at(2985), WINDOW), Some((5, 5)));
    }

    #[test]
    fn a_gap_and_a_clock_turned_back_begin_the_history_anew() {
        for jump in [-1, 301, 1_000_000] {
            let mut memory = ScalingMemory::new(at(0));
            memory.note(at(0), 3, WINDOW);
            memory.note(at(jump), 2, WINDOW);
            assert_eq!(memory.since, at(jump), "{jump}");
            assert_eq!(memory.recommendations, [(at(jump), 2)]);
        }
    }

    #[test]
    fn a_window_agrees_once_the_last_dissent_has_left_it() {
        let mut memory = ScalingMemory::new(at(0));
        memory.note(at(0), 4, WINDOW);
        memory.note(at(100), 2, WINDOW);
        assert_eq!(memory.agreed_at(WINDOW, |wanted| wanted < 4), at(300));
        memory.note(at(120), 5, WINDOW);
        assert_eq!(memory.agreed_at(WINDOW, |wanted| wanted < 4), at(420));
    }

    #[test]
    fn rates_count_from_the_beginning_of_the_minute() {
        let mut memory = ScalingMemory::new(at(0));
        assert_eq!(memory.limit(at(0), 4, Direction::Up, 100).0, 8);
        assert_eq!(memory.limit(at(0), 30, Direction::Down, 10).0, 27);
        assert_eq!(memory.limit(at(0), 4, Direction::Down, 10).0, 3, "at least one");
        memory.changed(at(0), 4);
        assert_eq!(memory.limit(at(30), 8, Direction::Up, 100), (8, at(60)));
        assert_eq!(memory.limit(at(60), 8, Direction::Up, 100).0, 16);
        let mut memory = ScalingMemory::new(at(0));
        memory.changed(at(0), 4);
        assert_eq!(memory.limit(at(30), 3, Direction::Down, 10).0, 3);
    }
}
