//! From findings to a capacity: several policies, stabilisation windows, rates, bounds.
//!
//! It must not know what is scaled: tiers and read replicas use the same.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{Scaling, ScalingBehavior, ScalingPolicyType};

use super::finding::{Finding, Wish, label};
use super::history::{Direction, Window};
use super::scheduled::Setting;
use super::target_tracking::EPSILON;
use crate::ScalingMemory;

/// What is to be decided, and on what.
#[derive(Debug)]
pub(crate) struct Question<'a> {
    pub(crate) scaling: &'a Scaling,
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// What bounds growth below `max`, and why.
    pub(crate) bound: Option<(u32, String)>,
    /// The capacity in force.
    pub(crate) current: u32,
    /// Of every policy that measures.
    pub(crate) findings: Vec<Finding<'a>>,
    /// What the capacity must not be less than, whatever is measured.
    pub(crate) floors: Vec<Floor>,
    /// The capacity that a schedule set last.
    pub(crate) setting: Option<Setting>,
    /// Why nothing may be removed now, whatever the metrics say.
    pub(crate) hold_down: Option<String>,
    pub(crate) now: Timestamp,
}

/// A capacity that is needed for a reason of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Floor {
    pub(crate) capacity: u32,
    /// Why, with numbers.
    pub(crate) reason: String,
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
pub(crate) fn evaluate(mut question: Question<'_>, memory: &mut ScalingMemory) -> Answer {
    question.floors.extend(fallbacks(&question, memory));
    let wish = question.wish(memory);
    let behavior = &question.scaling.behavior;
    let (up, down) = (up_window(behavior), down_window(behavior));
    memory.note(question.now, wish.minute, up.length.max(down.length));
    let wanted = question.clamp(wish.now);
    memory.bounded =
        question.bound.as_ref().map(|(most, _)| *most).filter(|most| wanted > *most).map(|_| wanted);
    if let Some(answer) = question.set(memory) {
        return answer;
    }
    if wanted > question.current {
        let asked = memory.lowest(question.now, up).unwrap_or(wish.now);
        question.grow(wanted, question.clamp(asked.min(wish.now)), memory)
    } else {
        question.shrink(wish, memory.enough(question.now, down).unwrap_or(wish.minute), memory)
    }
}

/// What the spec wants where a metric has said nothing for long.
fn fallbacks(question: &Question<'_>, memory: &mut ScalingMemory) -> Vec<Floor> {
    let mut floors = Vec::new();
    for finding in &question.findings {
        let name = label(finding.policy);
        if finding.evidence.is_ok() {
            memory.silent.remove(&name);
            continue;
        }
        let since = *memory.silent.entry(name.clone()).or_insert(question.now);
        let Some(fallback) = &finding.policy.fallback else { continue };
        let silence = question.now.duration_since(since);
        if silence >= SignedDuration::from_secs(i64::from(fallback.after_seconds)) {
            let reason = format!(
                "{name} has said nothing since {since}, and then its fallback is {}",
                fallback.capacity
            );
            floors.push(Floor { capacity: fallback.capacity, reason });
        }
    }
    floors
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

    /// How far it may grow. What bounds growth takes nothing away that is there.
    fn most(&self) -> u32 {
        self.bound.as_ref().map_or(u32::MAX, |(most, _)| (*most).max(self.min).max(self.current))
    }

    /// The largest wish; no wish to shrink unless every policy has all its data.
    fn wish(&self, memory: &ScalingMemory) -> Wish {
        let behavior = &self.scaling.behavior;
        let wishes =
            self.findings.iter().filter_map(|finding| finding.wish(self.current, behavior, memory, self.now));
        let stay = Wish::at_least(self.current);
        let largest = wishes.reduce(Wish::max).unwrap_or(stay);
        let largest = if self.is_complete() { largest } else { largest.max(stay) };
        self.floors.iter().fold(largest, |wish, floor| wish.max(Wish::at_least(floor.capacity)))
    }

    fn is_complete(&self) -> bool {
        self.findings.iter().all(Finding::is_complete)
    }

    /// The capacity that a schedule sets, until it is reached.
    fn set(&self, memory: &mut ScalingMemory) -> Option<Answer> {
        let setting = self.setting.as_ref().filter(|setting| memory.reached != Some(setting.at))?;
        let wanted = self.clamp(setting.capacity);
        if wanted == self.current || setting.is_late(self.now) {
            memory.reached = Some(setting.at);
            return None;
        }
        if let Some(why) = self.hold_down.as_ref().filter(|_| wanted < self.current) {
            return Some(self.hold(wanted, &format!("nothing shrinks while {why}"), None));
        }
        let desired = wanted.min(self.most());
        memory.changed(self.now, self.current, desired);
        let bound = self.bound_reached(wanted);
        let reason = format!("{} -> {desired}: {}{bound}", self.current, setting.reason);
        Some(Answer { desired, decision: Some(("Scheduled", reason)), look_at: None })
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
        if self.most() <= self.current {
            let why = self.bound.as_ref().map_or("", |(_, why)| why.as_str());
            return self.hold(wanted, why, None);
        }
        let (limit, again) = memory.limit(self.now, self.current, Direction::Up, rules.percent_per_minute);
        self.change("ScaleUp", wanted, stable.min(limit).min(self.most()), again, memory)
    }

    /// Shrinks to what was `enough`, if that is fewer by more than the tolerance.
    fn shrink(&self, wish: Wish, enough: u32, memory: &mut ScalingMemory) -> Answer {
        let rules = &self.scaling.behavior.scale_down;
        let wanted = self.clamp(wish.steady.max(wish.now));
        let fewer = |past: u32| self.is_fewer(self.clamp(past));
        if !fewer(wish.steady) || wanted >= self.current {
            return self.silent();
        }
        if rules.percent_per_minute == 0 {
            return self.hold(wanted, "behavior.scaleDown.percentPerMinute is 0", None);
        }
        if let Some(why) = &self.hold_down {
            return self.hold(wanted, &format!("nothing shrinks while {why}"), None);
        }
        if let Some(until) = self.cools_until(memory) {
            return self.hold(
                wanted,
                &format!("it grew just now, and nothing shrinks until {until}"),
                Some(until),
            );
        }
        let when = memory.agreed_at(down_window(&self.scaling.behavior), fewer);
        if !fewer(enough.max(wish.steady)) || when > self.now {
            return self.hold(wanted, &format!("it shrinks at {when} if the load stays low"), Some(when));
        }
        let (limit, again) = memory.limit(self.now, self.current, Direction::Down, rules.percent_per_minute);
        self.change("ScaleDown", wanted, self.clamp(enough).max(wanted).max(limit), again, memory)
    }

    /// Until when nothing shrinks because it grew; none, if that is over.
    fn cools_until(&self, memory: &ScalingMemory) -> Option<Timestamp> {
        let cooldown = self.scaling.behavior.scale_down.cooldown_seconds;
        let until = memory.grown_at?.saturating_add(SignedDuration::from_secs(i64::from(cooldown))).ok()?;
        (self.now < until).then_some(until)
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
        memory.changed(self.now, self.current, desired);
        let bound = self.bound_reached(wanted);
        let reason = format!("{} -> {desired}: {}{bound}", self.current, self.sentences());
        Answer { desired, decision: Some((action, reason)), look_at: None }
    }

    fn hold(&self, wanted: u32, why: &str, look_at: Option<Timestamp>) -> Answer {
        let said = self.sentences();
        let said = if said.is_empty() { said } else { format!("; {said}") };
        let reason = format!("{} stay, {wanted} would do: {why}{said}", self.current);
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

    /// Why it is fewer than wanted, where something bounds it.
    fn bound_reached(&self, wanted: u32) -> String {
        let reached = self.bound.as_ref().filter(|_| wanted > self.most());
        reached.map_or_else(String::new, |(_, why)| format!("; {wanted} would do, but {why}"))
    }

    fn sentences(&self) -> String {
        let findings = self.findings.iter().map(|finding| finding.sentence(&self.scaling.behavior));
        let floors = self.floors.iter().filter(|floor| floor.capacity > self.min);
        findings.chain(floors.map(|floor| floor.reason.clone())).collect::<Vec<_>>().join("; ")
    }
}

/// Whether a policy measures something, and so makes a finding.
pub(crate) fn measures(kind: ScalingPolicyType) -> bool {
    !matches!(kind, ScalingPolicyType::Scheduled | ScalingPolicyType::Predictive)
}
