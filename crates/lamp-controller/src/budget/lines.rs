//! Priority between what waits for one bucket: what comes first goes first, what comes last goes all the same.
//!
//! * **Reserves.** A lower priority leaves the last tokens alone, so that a higher one is let through at once while a
//!   thousand stacks wait.
//! * **A floor.** Each time that others go first, what waits is owed a small part of a call. Once that is a whole one, it
//!   goes next, as if it had the priority of those who went first.

use jiff::Timestamp;
use lamp_plan::Priority;

use super::line::{Asker, Line};

/// One call that wants to be made.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Demand {
    pub(crate) asker: Asker,
    /// Each run of a stack asks for everything anew.
    pub(crate) run: u64,
    pub(crate) priority: Priority,
}

/// The share of a full bucket that a priority leaves to those above it.
///
/// Healing is held to few replacements an hour by its own limits, so a tenth lasts for many sites at once. Scaling comes
/// in waves when visitors do: a fifth more. Who deploys can wait, and takes most of what there is. Drift and readings are
/// spread out by themselves; when tokens are short, something else needs them more.
fn reserved_share(priority: Priority) -> f64 {
    match priority {
        Priority::Heal => 0.0,
        Priority::Scale => 0.1,
        Priority::Deploy => 0.3,
        Priority::Drift => 0.4,
        Priority::Inventory => 0.5,
    }
}

/// What a waiting priority is owed for each call of others that goes first. If all of them wait without end, healing
/// still has five of eight calls, and the last ones one of sixteen or so.
fn floor(priority: Priority) -> f64 {
    match priority {
        Priority::Heal => 1.0,
        Priority::Scale => 0.25,
        Priority::Deploy => 0.125,
        Priority::Drift | Priority::Inventory => 0.0625,
    }
}

/// Nobody collects more than this: who waited for long does not take over.
const MOST_OWED: f64 = 2.0;

/// Tokens that a priority leaves in a bucket of this size; a bucket of one leaves none.
pub(super) fn reserve(priority: Priority, burst: f64) -> f64 {
    // A little less than all but one: a bucket that is full to rounding must let everybody go.
    (reserved_share(priority) * burst).ceil().min((burst - 1.0).max(0.0) * 0.99)
}

#[derive(Debug)]
struct Class {
    priority: Priority,
    line: Line,
    owed: f64,
    /// Who went first the last time.
    by: Priority,
}

impl Class {
    fn new(priority: Priority) -> Self {
        Self { priority, line: Line::default(), owed: 0.0, by: priority }
    }

    fn waits(&self) -> bool {
        self.line.waiting() > 0
    }
}

/// Everything that waits for one bucket.
#[derive(Debug)]
pub(super) struct Lines {
    classes: [Class; Priority::ALL.len()],
    expired_at: Timestamp,
}

impl Lines {
    pub(super) fn new(now: Timestamp) -> Self {
        Self { classes: Priority::ALL.map(Class::new), expired_at: now }
    }

    /// Calls that wait, by priority.
    pub(super) fn waiting(&self) -> impl Iterator<Item = (Priority, u32)> + '_ {
        self.classes.iter().map(|class| (class.priority, class.line.waiting()))
    }

    /// Tokens that are promised.
    pub(super) fn granted(&self) -> f64 {
        self.classes.iter().map(|class| f64::from(class.line.granted())).sum()
    }

    /// Lets through what may go with so many tokens in a bucket of this size.
    pub(super) fn distribute(&mut self, tokens: f64, burst: f64, now: Timestamp) {
        self.expire(now);
        while self.grant(tokens - self.granted(), burst, now) {}
    }

    /// Takes a token that is promised, or free; since when the call waited. `None`: there is none for it.
    pub(super) fn take(
        &mut self,
        demand: &Demand,
        tokens: f64,
        burst: f64,
        now: Timestamp,
    ) -> Option<Timestamp> {
        let free = tokens - self.granted();
        let line = &mut self.class_mut(demand.priority).line;
        line.begin(demand.asker, demand.run);
        if let Some(since) = line.claim(demand.asker) {
            return Some(since);
        }
        let since = line.since(demand.asker).unwrap_or(now);
        let is_free = free >= 1.0 + reserve(demand.priority, burst);
        if !is_free && !self.surrender(demand.priority, now) {
            return None;
        }
        self.passed(demand.priority);
        Some(since)
    }

    /// A token that is kept for one of a lower priority who is late; whether there is one.
    fn surrender(&mut self, priority: Priority, now: Timestamp) -> bool {
        self.classes
            .iter_mut()
            .rev()
            .take_while(|class| class.priority > priority)
            .any(|class| class.line.surrender(now))
    }

    /// Puts a call at its place, and says how many tokens there must be until it goes.
    pub(super) fn wait(&mut self, demand: &Demand, tokens: f64, burst: f64, now: Timestamp) -> f64 {
        let above = || self.classes.iter().filter(|class| class.priority < demand.priority);
        let waiting: f64 = above().map(|class| f64::from(class.line.waiting())).sum();
        let owed: f64 = above().map(|class| class.owed.floor()).sum();
        let granted = self.granted();
        let class = self.class_mut(demand.priority);
        let ahead = f64::from(class.line.wait(demand.asker, demand.run, now));
        let by_turn = 1.0 + granted + reserve(demand.priority, burst) + waiting + ahead;
        let missing = (1.0 + ahead - class.owed).max(0.0);
        let by_floor = 1.0 + granted + reserve(class.by, burst) + owed;
        by_turn.min(by_floor.max(tokens + missing / floor(demand.priority)))
    }

    /// Whoever waits was told to come back then.
    pub(super) fn tell(&mut self, demand: &Demand, due: Timestamp) {
        self.class_mut(demand.priority).line.tell(demand.asker, due);
    }

    /// The bucket is empty after all.
    pub(super) fn revoke(&mut self) {
        self.classes.iter_mut().for_each(|class| class.line.revoke());
    }

    /// A run is over.
    pub(super) fn finish(&mut self, asker: Asker, run: u64) {
        for class in self.classes.iter_mut().filter(|class| !class.line.is_empty()) {
            class.line.finish(asker, run);
        }
    }

    /// Somebody gave up.
    pub(super) fn withdraw(&mut self, demand: &Demand) {
        self.class_mut(demand.priority).line.withdraw(demand.asker);
    }

    /// Grants the call that goes next with so many free tokens; whether there was one.
    fn grant(&mut self, free: f64, burst: f64, now: Timestamp) -> bool {
        if free < 1.0 {
            return false;
        }
        let enough = |priority| free >= 1.0 + reserve(priority, burst);
        let owed = |class: &Class| class.owed >= 1.0 && enough(class.by);
        let due = |class: &Class| enough(class.priority);
        let next = self.grant_to(owed, now).or_else(|| self.grant_to(due, now));
        if let Some(priority) = next {
            let class = self.class_mut(priority);
            class.owed = (class.owed - 1.0).max(0.0);
            self.passed(priority);
        }
        next.is_some()
    }

    /// Grants a call of the first priority that has one and may go.
    fn grant_to(&mut self, may: impl Fn(&Class) -> bool, now: Timestamp) -> Option<Priority> {
        let mut classes = self.classes.iter_mut().filter(|class| class.waits() && may(class));
        classes.find_map(|class| class.line.grant(now).then_some(class.priority))
    }

    /// A call goes; those that wait below it are owed something.
    fn passed(&mut self, priority: Priority) {
        for class in self.classes.iter_mut().filter(|class| class.priority > priority) {
            let more = (class.owed + floor(class.priority)).min(MOST_OWED);
            class.owed = if class.waits() { more } else { 0.0 };
            class.by = priority;
        }
    }

    /// At most once a second: it looks at all who wait.
    fn expire(&mut self, now: Timestamp) {
        if now.duration_since(self.expired_at).as_secs() == 0 {
            return;
        }
        self.expired_at = now;
        for class in self.classes.iter_mut().filter(|class| !class.line.is_empty()) {
            class.line.expire(now);
        }
    }

    fn class_mut(&mut self, priority: Priority) -> &mut Class {
        // The classes stand in the order of the priorities.
        &mut self.classes[priority as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_priority_leaves_at_least_as_much_as_those_above_it() {
        let small = (1000..4000_u32).map(|permille| f64::from(permille) / 1000.0);
        for burst in small.chain([5.0, 25.0, 1000.0]) {
            let reserves = Priority::ALL.map(|priority| reserve(priority, burst));
            assert!(reserves.is_sorted(), "{burst}: {reserves:?}");
            assert!(
                reserves.iter().all(|reserve| 1.0 + reserve <= burst),
                "{burst}: each can go: {reserves:?}"
            );
        }
        assert_eq!(Priority::ALL.map(|priority| reserve(priority, 5.0)), [0.0, 1.0, 2.0, 2.0, 3.0]);
    }

    #[test]
    fn the_floors_leave_healing_more_than_half() {
        // Of what a priority takes, each below it is owed its floor.
        let shares = Priority::ALL.iter().fold(Vec::new(), |mut shares: Vec<f64>, priority| {
            let above: f64 = shares.iter().sum();
            shares.push(if shares.is_empty() { 1.0 } else { above * floor(*priority) });
            shares
        });
        let all: f64 = shares.iter().sum();
        assert!(shares[0] / all > 0.6, "{shares:?}");
        assert!(shares.iter().all(|share| share / all > 0.05), "{shares:?}");
    }
}
