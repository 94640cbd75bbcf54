//! From findings to a capacity: several policies, stabilisation windows, rates, bounds.
//!
//! It must not know what is scaled: tiers and read replicas use the same.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{Scaling, ScalingRules};

use super::history::Direction;
use super::target_tracking::{Finding, recommend};
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
    let wanted = question.recommendation();
    let behavior = &question.scaling.behavior;
    let (up, down) = (window(&behavior.scale_up), window(&behavior.scale_down));
    memory.note(question.now, wanted, up.max(down));
    let lowest = memory.extremes(question.now, up).map_or(wanted, |(lowest, _)| lowest);
    let highest = memory.extremes(question.now, down).map_or(wanted, |(_, highest)| highest);
    let stable = question.current.max(lowest).min(highest);
    let (wanted, stable) = (question.clamp(wanted), question.clamp(stable));
    if wanted > question.current {
        question.grow(wanted, stable, memory)
    } else if wanted < question.current {
        question.shrink(wanted, stable, memory)
    } else {
        question.silent()
    }
}

fn window(rules: &ScalingRules) -> SignedDuration {
    SignedDuration::from_secs(i64::from(rules.stabilization_window_seconds))
}

impl Question<'_> {
    fn clamp(&self, wanted: u32) -> u32 {
        wanted.max(self.min).min(self.max.max(self.min))
    }

    /// The largest wish; no wish to shrink unless every policy has all its data.
    fn recommendation(&self) -> u32 {
        let tolerance = self.scaling.behavior.tolerance;
        let wishes = self.findings.iter().filter_map(|finding| {
            let evidence = finding.evidence.as_ref().ok()?;
            Some(recommend(self.current, *evidence, finding.policy.target, tolerance))
        });
        let largest = wishes.max().unwrap_or(self.current);
        let complete = self.findings.iter().all(Finding::is_complete);
        if complete { largest } else { largest.max(self.current) }
    }

    fn grow(&self, wanted: u32, stable: u32, memory: &mut ScalingMemory) -> Answer {
        let rules = &self.scaling.behavior.scale_up;
        if rules.percent_per_minute == 0 {
            return self.hold(wanted, "behavior.scaleUp.percentPerMinute is 0", None);
        }
        if stable <= self.current {
            let when = memory.agreed_at(window(rules), |past| self.clamp(past) > self.current);
            return self.hold(wanted, &format!("it grows at {when} if the load stays"), Some(when));
        }
        let (limit, again) = memory.limit(self.now, self.current, Direction::Up, rules.percent_per_minute);
        self.change("ScaleUp", wanted, stable.min(limit), again, memory)
    }

    fn shrink(&self, wanted: u32, stable: u32, memory: &mut ScalingMemory) -> Answer {
        let rules = &self.scaling.behavior.scale_down;
        if rules.percent_per_minute == 0 {
            return self.hold(wanted, "behavior.scaleDown.percentPerMinute is 0", None);
        }
        if let Some(why) = &self.hold_down {
            return self.hold(wanted, &format!("nothing shrinks while {why}"), None);
        }
        let when = memory.agreed_at(window(rules), |past| self.clamp(past) < self.current);
        if stable >= self.current || when > self.now {
            return self.hold(wanted, &format!("it shrinks at {when} if the load stays low"), Some(when));
        }
        let (limit, again) = memory.limit(self.now, self.current, Direction::Down, rules.percent_per_minute);
        self.change("ScaleDown", wanted, stable.max(limit), again, memory)
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
        let blind = self.current > self.min && !self.findings.iter().all(Finding::is_complete);
        let reason = || format!("{} stay: {}", self.current, self.sentences());
        Answer { desired: self.current, decision: blind.then(|| ("Hold", reason())), look_at: None }
    }

    fn sentences(&self) -> String {
        self.findings.iter().map(Finding::sentence).collect::<Vec<_>>().join("; ")
    }
}
