//! Windows and rates over what was recommended and changed before.

use std::collections::BTreeMap;

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

/// The newest part of the history, and how much of it must agree.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Window {
    pub(crate) length: SignedDuration,
    /// In per cent of its time.
    agreement: u32,
}

impl Window {
    pub(crate) fn new(seconds: u32, agreement: u32) -> Self {
        Self { length: SignedDuration::from_secs(i64::from(seconds)), agreement }
    }

    /// How many seconds of so many need not agree.
    fn dissent(self, seconds: i64) -> i64 {
        seconds.saturating_mul(100 - i64::from(self.agreement.min(100))) / 100
    }
}

impl ScalingMemory {
    /// A history that begins now.
    pub(crate) fn new(now: Timestamp) -> Self {
        Self {
            since: now,
            recommendations: Vec::new(),
            changes: Vec::new(),
            changed_at: None,
            grown_at: None,
            silent: BTreeMap::new(),
            reached: None,
            bounded: None,
        }
    }

    /// Adds a recommendation, and forgets what is older than `longest`.
    ///
    /// A run of equal recommendations is kept as its newest moment, which is all that a highest or lowest of a
    /// window needs. A gap, or a clock that was turned back, begins the history anew.
    pub(crate) fn note(&mut self, now: Timestamp, wanted: u32, longest: SignedDuration) {
        let newest = self.recommendations.last().map_or(self.since, |(at, _)| *at);
        let gap = now.duration_since(newest);
        if gap.is_negative() || gap > LONGEST_GAP {
            self.since = now;
            self.recommendations.clear();
            self.changes.clear();
        }
        match self.recommendations.last_mut() {
            Some((at, last)) if *last == wanted => *at = now,
            _ => self.recommendations.push((now, wanted)),
        }
        self.recommendations.retain(|(at, _)| now.duration_since(*at) <= longest);
        self.changes.retain(|(at, _)| now.duration_since(*at) < MINUTE);
    }

    /// The lowest recommendation of a window that ends now; none of an empty window.
    pub(crate) fn lowest(&self, now: Timestamp, window: Window) -> Option<u32> {
        self.runs(now, window.length).into_iter().map(|(wanted, _)| wanted).min()
    }

    /// What was enough for as much of a window that ends now as must agree; none of an empty window.
    pub(crate) fn enough(&self, now: Timestamp, window: Window) -> Option<u32> {
        let mut runs = self.runs(now, window.length);
        runs.sort_by_key(|(wanted, _)| std::cmp::Reverse(*wanted));
        let mut dissent = window.dissent(runs.iter().map(|(_, seconds)| seconds).sum());
        let smallest = runs.last().map(|(wanted, _)| *wanted);
        let against = runs.into_iter().find(|(_, seconds)| {
            dissent -= seconds;
            dissent < 0
        });
        against.map(|(wanted, _)| wanted).or(smallest)
    }

    /// The recommendations of a window that ends now, each with its seconds in it.
    fn runs(&self, now: Timestamp, window: SignedDuration) -> Vec<(u32, i64)> {
        let starts = std::iter::once(self.since).chain(self.recommendations.iter().map(|(at, _)| *at));
        let runs = starts.zip(&self.recommendations);
        let inside = runs.filter(|(_, (end, _))| now.duration_since(*end) < window);
        let seconds = |start: Timestamp, end: Timestamp| {
            let whole = end.duration_since(start).as_secs();
            let overlap = window.as_secs() - now.duration_since(end).as_secs();
            // What was recommended only just now has no length yet, and counts all the same.
            whole.min(overlap).max(1)
        };
        inside.map(|(start, (end, wanted))| (*wanted, seconds(start, *end))).collect()
    }

    /// When as much of a window as must agree will do so, if all that is yet to come does, and be covered by the
    /// history.
    pub(crate) fn agreed_at(&self, window: Window, agrees: impl Fn(u32) -> bool) -> Timestamp {
        let mut dissent = window.dissent(window.length.as_secs());
        let mut covered = self.since;
        for (index, (end, wanted)) in self.recommendations.iter().enumerate().rev() {
            if agrees(*wanted) {
                continue;
            }
            let start = index.checked_sub(1).map_or(self.since, |before| self.recommendations[before].0);
            let seconds = end.duration_since(start).as_secs();
            if seconds > dissent || dissent == 0 {
                let tolerated = SignedDuration::from_secs(dissent);
                covered = covered.max(end.saturating_sub(tolerated).unwrap_or(*end));
                break;
            }
            dissent -= seconds;
        }
        covered.saturating_add(window.length).unwrap_or(self.since)
    }

    /// Remembers that the capacity goes from `before` to `after`. A decision that is not carried out yet is remembered once.
    pub(crate) fn changed(&mut self, now: Timestamp, before: u32, after: u32) {
        self.changed_at = Some(now);
        if after > before {
            self.grown_at = self.changed_at;
        }
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

    const LONGEST: SignedDuration = SignedDuration::from_secs(300);

    fn all() -> Window {
        Window::new(300, 100)
    }

    #[test]
    fn a_run_of_equal_recommendations_is_one_entry_and_the_longest_window_is_all_that_is_kept() {
        let mut memory = ScalingMemory::new(at(0));
        for second in (0..3000).step_by(15) {
            memory.note(at(second), if second < 1500 { 3 } else { 5 }, LONGEST);
        }
        assert_eq!(memory.recommendations, [(at(2985), 5)]);
        assert_eq!(memory.since, at(0));
        assert_eq!((memory.lowest(at(2985), all()), memory.enough(at(2985), all())), (Some(5), Some(5)));
    }

    #[test]
    fn a_gap_and_a_clock_turned_back_begin_the_history_anew() {
        for jump in [-1, 301, 1_000_000] {
            let mut memory = ScalingMemory::new(at(0));
            memory.note(at(0), 3, LONGEST);
            memory.note(at(jump), 2, LONGEST);
            assert_eq!(memory.since, at(jump), "{jump}");
            assert_eq!(memory.recommendations, [(at(jump), 2)]);
        }
    }

    #[test]
    fn a_window_agrees_once_the_last_dissent_has_left_it() {
        let mut memory = ScalingMemory::new(at(0));
        memory.note(at(0), 4, LONGEST);
        memory.note(at(100), 2, LONGEST);
        assert_eq!(memory.agreed_at(all(), |wanted| wanted < 4), at(300));
        memory.note(at(120), 5, LONGEST);
        assert_eq!(memory.agreed_at(all(), |wanted| wanted < 4), at(420));
    }

    /// A minute in ten wants eight, the others three.
    fn noisy() -> ScalingMemory {
        let mut memory = ScalingMemory::new(at(0));
        for second in (0..3600).step_by(15) {
            memory.note(at(second), if second % 600 < 60 { 8 } else { 3 }, SignedDuration::from_secs(1800));
        }
        memory
    }

    #[test]
    fn what_is_enough_for_nine_tenths_leaves_a_few_loud_minutes_aside() {
        let memory = noisy();
        let of = |agreement| memory.enough(at(3590), Window::new(1800, agreement));
        assert_eq!((of(100), of(95), of(85), of(50)), (Some(8), Some(8), Some(3), Some(3)));
        assert_eq!(memory.lowest(at(3590), Window::new(1800, 100)), Some(3));
        assert_eq!(memory.enough(at(3590), Window::new(0, 90)), None);
    }

    #[test]
    fn a_window_agrees_while_no_more_than_its_share_dissents() {
        let mut memory = ScalingMemory::new(at(0));
        memory.note(at(0), 8, SignedDuration::from_secs(1800));
        for second in (0..=600).step_by(15) {
            memory.note(at(second), 8, SignedDuration::from_secs(1800));
        }
        memory.note(at(615), 3, SignedDuration::from_secs(1800));
        let few = |wanted| wanted < 8;
        assert_eq!(memory.agreed_at(Window::new(1800, 100), few), at(600 + 1800));
        assert_eq!(
            memory.agreed_at(Window::new(1800, 90), few),
            at(600 - 180 + 1800),
            "three minutes may dissent"
        );
        assert_eq!(memory.agreed_at(Window::new(6000, 50), few), at(6000), "the history must cover it");
    }

    #[test]
    fn rates_count_from_the_beginning_of_the_minute() {
        let mut memory = ScalingMemory::new(at(0));
        assert_eq!(memory.limit(at(0), 4, Direction::Up, 100).0, 8);
        assert_eq!(memory.limit(at(0), 30, Direction::Down, 10).0, 27);
        assert_eq!(memory.limit(at(0), 4, Direction::Down, 10).0, 3, "at least one");
        memory.changed(at(0), 4, 4);
        assert_eq!(memory.limit(at(30), 8, Direction::Up, 100), (8, at(60)));
        assert_eq!(memory.limit(at(60), 8, Direction::Up, 100).0, 16);
        let mut memory = ScalingMemory::new(at(0));
        memory.changed(at(0), 4, 4);
        assert_eq!(memory.limit(at(30), 3, Direction::Down, 10).0, 3);
    }
}
