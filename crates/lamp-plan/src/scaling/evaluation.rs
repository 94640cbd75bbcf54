//! From findings to a capacity: several policies, stabilisation windows, rates, bounds.
//!
//! It must not know what is scaled: tiers and read replicas use the same.

use jiff::Timestamp;
use lamp_api::v1alpha1::{Scaling, ScalingBehavior};

use super::history::{Direction, Window};
use super::target_tracking::{EPSILON, Finding, Wish, wish};
use crate::ScalingMemory;

/// What is to be decided, and on what.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) scaling: &'a Scaling,
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// The capacity in force.
    pub(crate) current: u32,
    pub(crate) findings: Vec<Finding<'a>>,
    /// Why nothing may be removed now, whatever the metrics say.
    pub(crate) hold_down: Option<String>,
    pub(crate) now: Timestamp,
}

/// What was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Answer {
    pub(crate) desired: u32,
    /// Action and reason, where there is something to say.
    pub(crate) decision: Option<(&'static str, String)>,
    /// When time alone changes the answer.
    pub(crate) look_at: Option<Timestamp>,
}

/// Decides the capacity, and adds to the history.
pub(crate) fn evaluate(question: &Question<'_>, memory: &mut ScalingMemory) -> Answer {
    let wish = question.wish();
    let behavior = &question.scaling.behavior;
    let (up, down) = (up_window(behavior), down_window(behavior));
    memory.note(question.now, wish.minute, up.length.max(down.length));
    let wanted = question.clamp(wish.now);
    if wanted > question.current {
        let asked = memory.lowest(question.now, up).unwrap_or(wish.now);
        question.grow(wanted, question.clamp(asked.min(wish.now)), memory)
    } else {
        let enough = memory.enough(question.now, down).unwrap_or(wish.minute);
        question.shrink(question.clamp(wish.steady), question.clamp(enough.max(wish.steady)), memory)
    }
}

fn up_window(behavior: &ScalingBehavior) -> Window {
    Window::new(behavior.scale_up.stabilization_window_seconds, 100)
}

fn down_window(behavior: &ScalingBehavior) -> Window {
    let rules = &behavior.scale_down;
    Window::new(rules.stabilization_window_seconds, rules.agreement_percent)
}

impl Question<'_> {
    fn clamp(&self, wanted: u32) -> u32 {
        wanted.max(self.min).min(self.max.max(self.min))
    }

    /// The largest wish; no wish to shrink unless every policy has all its data.
    fn wish(&self) -> Wish {
        let behavior = &self.scaling.behavior;
        let wishes = self.findings.iter().filter_map(|finding| {
            let evidence = finding.evidence.as_ref().ok()?;
            Some(wish(self.current, *evidence, finding.policy.target, behavior))
        });
        let stay = Wish::stay(self.current);
        let largest = wishes.reduce(Wish::max).unwrap_or(stay);
        if self.is_complete() { largest } else { largest.max(stay) }
    }

    fn is_complete(&self) -> bool {
        self.findings.iter().all(Finding::is_complete)
    }

    fn grow(&self, wanted: u32, stable: u32, memory: &mut ScalingMemory) -> Answer {
        let rules = &self.scaling.behavior.scale_up;
        if rules.percent_per_minute == 0 {
            return self.hold(wanted, "behavior.scaleUp.percentPerMinute is 0", None);
        }
        if stable <= self.current {
            let window = up_window(&self.scaling.behavior);
            let when = memory.agreed_at(window, |past| self.clamp(past) > self.current);
            return self.hold(wanted, &format!("it grows at {when} if the load stays"), Some(when));
        }
        let (limit, again) = memory.limit(self.now, self.current, Direction::Up, rules.percent_per_minute);
        self.change("ScaleUp", wanted, stable.min(limit), again, memory)
    }

    /// Shrinks to what was `enough`, if that is fewer by more than the tolerance.
    fn shrink(&self, wanted: u32, enough: u32, memory: &mut ScalingMemory) -> Answer {
        let rules = &self.scaling.behavior.scale_down;
        let fewer = |past: u32| self.is_fewer(self.clamp(past));
        if !fewer(wanted) && !fewer(enough) {
            return self.silent();
        }
        if rules.percent_per_minute == 0 {
            return self.hold(wanted, "behavior.scaleDown.percentPerMinute is 0", None);
        }
        if let Some(why) = &self.hold_down {
            return self.hold(wanted, &format!("nothing shrinks while {why}"), None);
        }
        let when = memory.agreed_at(down_window(&self.scaling.behavior), fewer);
        if !fewer(enough) || when > self.now {
            return self.hold(wanted, &format!("it shrinks at {when} if the load stays low"), Some(when));
        }
        let (limit, again) = memory.limit(self.now, self.current, Direction::Down, rules.percent_per_minute);
        self.change("ScaleDown", wanted, enough.max(limit), again, memory)
    }

    /// Whether a capacity is fewer than the one in force by the tolerance, and by a whole instance at least.
    fn is_fewer(&self, wanted: u32) -> bool {
        let most = f64::from(self.current) * (1.0 - self.scaling.behavior.tolerance);
        wanted < self.current && f64::from(wanted) <= most + EPSILON
    }

    fn change(
        &self,
        action: &'static str,
        wanted: u32,
        desired: u32,
        again: Timestamp,
        memory: &mut ScalingMemory,
    ) -> Answer {
        if desired == self.current {
            return self.hold(wanted, &format!("the rate per minute is used up until {again}"), Some(again));
        }
        memory.changed(self.now, self.current);
        let reason = format!("{} -> {desired}: {}", self.current, self.sentences());
        Answer { desired, decision: Some((action, reason)), look_at: None }
    }

    fn hold(&self, wanted: u32, why: &str, look_at: Option<Timestamp>) -> Answer {
        let reason = format!("{} stay, {wanted} would do: {why}; {}", self.current, self.sentences());
        // An instant that has come is waited for no longer; the next observation decides.
        let look_at = look_at.filter(|when| *when > self.now);
        Answer { desired: self.current, decision: Some(("Hold", reason)), look_at }
    }

    /// No wish: worth a word only if capacity that may not be needed stays for lack of data.
    fn silent(&self) -> Answer {
        let blind = self.current > self.min && !self.is_complete();
        let reason = || format!("{} stay: {}", self.current, self.sentences());
        Answer { desired: self.current, decision: blind.then(|| ("Hold", reason())), look_at: None }
    }

    fn sentences(&self) -> String {
        let sentences = self.findings.iter().map(|finding| finding.sentence(&self.scaling.behavior));
        sentences.collect::<Vec<_>>().join("; ")
    }
}
