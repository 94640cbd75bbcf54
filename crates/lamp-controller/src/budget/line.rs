//! Fairness between stacks: whoever waits is let through in turns, one call each, however many calls each has.
//!
//! Nobody is called: a stack comes back by itself, when it was told or somewhat later. So its turn is kept for it: once it
//! is due, a call that is let through while it is away is *granted*, and holds its token until the stack makes it, or has
//! no more use for it. Who is late for too long loses it.

use std::collections::{BTreeMap, VecDeque};
use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::Duration;

use jiff::Timestamp;

/// Nobody is told to come back later than this: by then others may have given up.
pub(super) const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// How long a turn is kept for one who is late: four observations, after each of which every stack comes.
const HOLD: Duration = Duration::from_secs(60);
/// After so long what comes first takes what is kept for what comes later.
const GRACE: Duration = Duration::from_secs(5);

/// Who waits: a stack, or a reading. If two of them had the same number, they would share their turns, and nothing else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Asker(u64);

impl Asker {
    /// The stack with this uid.
    pub(crate) fn stack(uid: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        uid.hash(&mut hasher);
        Self(hasher.finish())
    }

    /// The `number`th reading of this process.
    pub(crate) fn reading(number: u64) -> Self {
        Self(number)
    }
}

#[derive(Debug)]
struct Turn {
    /// The run of its asker that the calls are of: each run asks for everything anew.
    run: u64,
    waiting: u32,
    granted: u32,
    since: Timestamp,
    /// When its asker comes back.
    due: Timestamp,
    granted_at: Timestamp,
    /// Whether it stands in the ring.
    queued: bool,
}

impl Turn {
    fn is_over(&self) -> bool {
        self.waiting == 0 && self.granted == 0
    }

    fn is_due(&self, now: Timestamp) -> bool {
        self.due <= now
    }

    fn is_lost(&self, now: Timestamp) -> bool {
        self.due + HOLD <= now
    }
}

/// The calls of one priority that wait for one bucket.
#[derive(Debug, Default)]
pub(super) struct Line {
    turns: BTreeMap<Asker, Turn>,
    /// Whose turn is next. It may hold some who wait no more.
    ring: VecDeque<Asker>,
    waiting: u32,
    granted: u32,
}

impl Line {
    pub(super) fn is_empty(&self) -> bool {
        self.turns.is_empty()
    }

    /// Calls that wait.
    pub(super) fn waiting(&self) -> u32 {
        self.waiting
    }

    /// Calls that were let through and are not made yet.
    pub(super) fn granted(&self) -> u32 {
        self.granted
    }

    /// What an earlier run asked for counts no more.
    pub(super) fn begin(&mut self, asker: Asker, run: u64) {
        if let Some(turn) = self.turns.get_mut(&asker).filter(|turn| turn.run != run) {
            self.waiting -= turn.waiting;
            turn.waiting = 0;
            turn.run = run;
        }
    }

    /// Makes a call that was granted; since when it waited.
    pub(super) fn claim(&mut self, asker: Asker) -> Option<Timestamp> {
        let turn = self.turns.get_mut(&asker).filter(|turn| turn.granted > 0)?;
        turn.granted -= 1;
        self.granted -= 1;
        let since = turn.since;
        self.drop_if_over(asker);
        Some(since)
    }

    /// Since when somebody waits.
    pub(super) fn since(&self, asker: Asker) -> Option<Timestamp> {
        self.turns.get(&asker).map(|turn| turn.since)
    }

    /// Adds a call, and says at most how many of this line come before it.
    pub(super) fn wait(&mut self, asker: Asker, run: u64, now: Timestamp) -> u32 {
        let new = Turn { run, waiting: 0, granted: 0, since: now, due: now, granted_at: now, queued: false };
        let turn = self.turns.entry(asker).or_insert(new);
        turn.waiting += 1;
        self.waiting += 1;
        if !turn.queued {
            turn.queued = true;
            self.ring.push_back(asker);
        }
        let rounds = turn.waiting - 1;
        // Only who comes back for its first call is told a time: the place of the others does not matter so much.
        let place = if rounds == 0 { self.ring.iter().position(|other| *other == asker) } else { None };
        let size = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let place = place.map_or(size(self.ring.len()), size);
        rounds.saturating_mul(size(self.ring.len())).saturating_add(place).min(self.waiting - 1)
    }

    /// An asker was told to come back then. It comes for its first call, and brings the others.
    pub(super) fn tell(&mut self, asker: Asker, due: Timestamp) {
        if let Some(turn) = self.turns.get_mut(&asker).filter(|turn| turn.waiting == 1) {
            turn.due = due;
        }
    }

    /// Grants the call whose turn it is, of those who are due; whether there was one.
    pub(super) fn grant(&mut self, now: Timestamp) -> bool {
        let mut place = 0;
        while let Some(asker) = self.ring.get(place).copied() {
            match self.turns.get_mut(&asker) {
                Some(turn) if turn.waiting > 0 && !turn.is_due(now) => {
                    place += 1;
                    continue;
                }
                Some(turn) => turn.queued = false,
                None => {}
            }
            self.ring.remove(place);
            if self.let_through(asker, now) {
                return true;
            }
            self.drop_if_over(asker);
        }
        false
    }

    /// Grants one of its calls to one who was taken from the ring, and puts it back at the end if it has more.
    fn let_through(&mut self, asker: Asker, now: Timestamp) -> bool {
        let Some(turn) = self.turns.get_mut(&asker).filter(|turn| turn.waiting > 0) else { return false };
        turn.waiting -= 1;
        turn.granted += 1;
        turn.granted_at = now;
        turn.queued = turn.waiting > 0;
        if turn.queued {
            self.ring.push_back(asker);
        }
        self.waiting -= 1;
        self.granted += 1;
        true
    }

    /// Gives a token away that is kept for one who is late; whether there is one.
    pub(super) fn surrender(&mut self, now: Timestamp) -> bool {
        let is_late = |turn: &Turn| turn.granted > 0 && turn.granted_at + GRACE <= now;
        if self.granted == 0 {
            return false;
        }
        let Some((asker, turn)) = self.turns.iter_mut().find(|(_, turn)| is_late(turn)) else { return false };
        turn.granted -= 1;
        turn.waiting += 1;
        self.granted -= 1;
        self.waiting += 1;
        if !turn.queued {
            turn.queued = true;
            self.ring.push_front(*asker);
        }
        true
    }

    /// There is no token for what was granted: it waits again, before the others.
    pub(super) fn revoke(&mut self) {
        for (asker, turn) in self.turns.iter_mut().filter(|(_, turn)| turn.granted > 0) {
            turn.waiting += turn.granted;
            self.waiting += turn.granted;
            turn.granted = 0;
            if !turn.queued {
                turn.queued = true;
                self.ring.push_front(*asker);
            }
        }
        self.granted = 0;
    }

    /// A run is over: what it did not ask for, or was granted and not made, has no use.
    pub(super) fn finish(&mut self, asker: Asker, run: u64) {
        self.begin(asker, run);
        if let Some(turn) = self.turns.get_mut(&asker) {
            self.granted -= turn.granted;
            turn.granted = 0;
            self.drop_if_over(asker);
        }
    }

    /// Somebody gave up.
    pub(super) fn withdraw(&mut self, asker: Asker) {
        if let Some(turn) = self.turns.get_mut(&asker) {
            self.waiting -= turn.waiting;
            turn.waiting = 0;
            let run = turn.run;
            self.finish(asker, run);
        }
    }

    /// Forgets who did not come back.
    pub(super) fn expire(&mut self, now: Timestamp) {
        let (waiting, granted) = (&mut self.waiting, &mut self.granted);
        self.turns.retain(|_, turn| {
            if turn.is_lost(now) {
                *waiting -= turn.waiting;
                *granted -= turn.granted;
            }
            !turn.is_lost(now)
        });
        self.ring.retain(|asker| self.turns.contains_key(asker));
    }

    /// Who stands in the ring is dropped when it comes to its place.
    fn drop_if_over(&mut self, asker: Asker) {
        if self.turns.get(&asker).is_some_and(|turn| turn.is_over() && !turn.queued) {
            self.turns.remove(&asker);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: Timestamp = Timestamp::UNIX_EPOCH;

    fn asker(number: u64) -> Asker {
        Asker::reading(number)
    }

    fn waiting(calls: &[(u64, u32)]) -> Line {
        let mut line = Line::default();
        for (number, count) in calls {
            for _ in 0..*count {
                line.wait(asker(*number), 1, NOW);
            }
        }
        line
    }

    fn granted(line: &Line, number: u64) -> u32 {
        line.turns.get(&asker(number)).map_or(0, |turn| turn.granted)
    }

    #[test]
    fn who_has_two_calls_is_done_before_who_has_five_hundred() {
        let mut line = waiting(&[(1, 500), (2, 2)]);
        for _ in 0..4 {
            assert!(line.grant(NOW));
        }
        assert_eq!((granted(&line, 1), granted(&line, 2)), (2, 2));
        assert_eq!((line.waiting(), line.granted()), (498, 4));
    }

    #[test]
    fn at_most_so_many_come_before_as_is_said() {
        let mut line = waiting(&[(1, 500)]);
        assert_eq!(line.wait(asker(2), 1, NOW), 1, "one of the first");
        assert_eq!(line.wait(asker(2), 1, NOW), 4, "at most two of the first, and its own");
        assert_eq!(line.wait(asker(1), 1, NOW), 502);
        line.begin(asker(1), 2);
        assert_eq!(line.wait(asker(1), 2, NOW), 0, "its turn is the next");
    }

    #[test]
    fn a_new_run_asks_anew_and_keeps_its_place() {
        let mut line = waiting(&[(1, 3), (2, 3)]);
        line.begin(asker(1), 2);
        assert_eq!(line.waiting(), 3);
        line.wait(asker(1), 2, NOW);
        assert!(line.grant(NOW));
        assert_eq!((granted(&line, 1), granted(&line, 2)), (1, 0));
        assert_eq!(line.waiting(), 3);
    }

    #[test]
    fn what_a_run_does_not_use_goes_to_the_others() {
        let mut line = waiting(&[(1, 3)]);
        assert!(line.grant(NOW) && line.grant(NOW));
        assert_eq!(line.claim(asker(1)), Some(NOW));
        line.finish(asker(1), 1);
        assert_eq!((line.granted(), line.waiting()), (0, 1), "what it asked for in this run still waits");
        line.finish(asker(1), 2);
        assert_eq!((line.granted(), line.waiting()), (0, 0));
        assert!(!line.grant(NOW) && line.is_empty());
    }

    #[test]
    fn who_does_not_come_back_is_forgotten() {
        let mut line = waiting(&[(1, 3)]);
        assert!(line.grant(NOW));
        line.wait(asker(2), 1, NOW + HOLD / 2);
        line.expire(NOW + HOLD);
        assert_eq!((line.granted(), line.waiting()), (0, 1));
        assert!(line.grant(NOW + HOLD));
        assert_eq!(granted(&line, 2), 1);
    }

    #[test]
    fn what_is_revoked_waits_before_the_others() {
        let mut line = waiting(&[(1, 1), (2, 1)]);
        assert!(line.grant(NOW));
        line.revoke();
        assert_eq!((line.granted(), line.waiting()), (0, 2));
        assert!(line.grant(NOW));
        assert_eq!(granted(&line, 1), 1);
    }

    #[test]
    fn who_gave_up_holds_nothing() {
        let mut line = waiting(&[(1, 2), (2, 1)]);
        assert!(line.grant(NOW));
        line.withdraw(asker(1));
        assert_eq!((line.granted(), line.waiting()), (0, 1));
        assert!(line.grant(NOW));
        assert_eq!(granted(&line, 2), 1);
    }
    #[test]
    fn nothing_is_kept_for_one_who_is_not_due() {
        let mut line = waiting(&[(1, 2), (2, 1)]);
        line.tell(asker(2), NOW + GRACE);
        assert!(line.grant(NOW) && line.grant(NOW));
        assert_eq!((granted(&line, 1), granted(&line, 2)), (2, 0));
        assert!(!line.grant(NOW) && line.grant(NOW + GRACE));
        assert_eq!(granted(&line, 2), 1);
    }

    #[test]
    fn who_is_late_surrenders_and_is_the_next() {
        let mut line = waiting(&[(1, 1), (2, 1)]);
        assert!(line.grant(NOW));
        assert!(!line.surrender(NOW), "it may come yet");
        assert!(line.surrender(NOW + GRACE));
        assert_eq!((line.granted(), line.waiting()), (0, 2));
        assert!(line.grant(NOW + GRACE));
        assert_eq!(granted(&line, 1), 1);
    }
}
