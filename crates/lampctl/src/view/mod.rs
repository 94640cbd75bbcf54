//! What a person sees of an object: pure text from the object and the time.

pub(crate) mod describe;
pub(crate) mod event;
pub(crate) mod import;
pub(crate) mod orphans;
pub(crate) mod plan;
pub(crate) mod replay;
pub(crate) mod scaling;
pub(crate) mod tree;
pub(crate) mod why;

#[cfg(test)]
pub(crate) mod fixture;

use jiff::Timestamp;
use lamp_api::Condition;
use lamp_api::conditions::types;
use lamp_api::v1alpha1::{Blocker, LampStack, LampStackStatus, LeftAlone, Waiting};

use crate::printer::style;

/// The stack's name and namespace as a heading.
fn title(stack: &LampStack) -> String {
    let name = stack.metadata.name.as_deref().unwrap_or_default();
    let namespace = stack.metadata.namespace.as_deref().unwrap_or("default");
    format!("{} {}", style::heading(name), style::faint(&format!("({namespace}, {})", stack.spec.region)))
}

/// The stack's one word, and its sentence.
fn health(status: &LampStackStatus) -> String {
    let condition = |kind: &str| status.conditions.iter().find(|c| c.type_ == kind && c.status == "True");
    let word = [
        (types::STALLED, style::bad as fn(&str) -> String),
        (types::PAUSED, style::attention),
        (types::DEGRADED, style::attention),
        (types::PROGRESSING, style::attention),
        (types::READY, style::good),
    ]
    .into_iter()
    .find(|(kind, _)| condition(kind).is_some());
    let word = word.map_or_else(|| style::attention("NotReady"), |(kind, paint)| paint(kind));
    if status.summary.is_empty() { word } else { format!("{word}: {}", status.summary) }
}

/// What a stack says of the present: the times at which it was last looked at, changed and decided on.
fn times(stack: &LampStack) -> impl Iterator<Item = Timestamp> {
    let status = stack.status.iter();
    status.flat_map(|status| {
        let conditions = status.conditions.iter().map(|condition| condition.last_transition_time.0);
        let decisions = status.decisions.iter().map(|decision| decision.time.0);
        conditions.chain(decisions).chain(status.observed_time.iter().map(|time| time.0))
    })
}

/// A condition that is as it should be.
fn is_good(condition: &Condition) -> bool {
    let bad_when_true = [
        types::DEGRADED,
        types::STALLED,
        types::PAUSED,
        types::PROGRESSING,
        types::DRIFT_REPORTED,
        types::CONTENDED,
        types::HELD,
    ];
    let expected = if bad_when_true.contains(&condition.type_.as_str()) { "False" } else { "True" };
    condition.status == expected
}

/// `≠ launch-template/web userData: …` for each field that is not as the spec says, and is left so.
pub(crate) fn left_alone_lines(left: &[LeftAlone]) -> Vec<String> {
    let line = |LeftAlone { part, field, wanted, found, corrections, next_attempt_time, .. }: &LeftAlone| {
        let often = corrections.map(|often| format!("; put back {often} times, and changed again"));
        let next = next_attempt_time.as_ref().map(|time| format!("; next attempt at {}", time.0));
        let contended = often.into_iter().chain(next).collect::<String>();
        format!("{} {part} {field}: {found}, and the spec says {wanted}{contended}", style::attention("≠"))
    };
    left.iter().map(line).collect()
}

/// `! subnet-1 (subnet/app/1) is held by …` for what a person must remove, `○ …` for what goes by itself.
pub(crate) fn blocker_lines(blockers: &[Blocker]) -> Vec<String> {
    let line = |one: &Blocker| {
        let sign = if one.foreign { style::bad("!") } else { style::faint("○") };
        format!("{sign} {}", one.message)
    };
    blockers.iter().map(line).collect()
}

/// `! database: …` for what a person must unblock, `○ tier/web: …` for what waits by itself; blocked ones first.
pub(crate) fn waiting_lines(waiting: &[Waiting]) -> Vec<String> {
    let line = |one: &Waiting| {
        let sign = if one.blocked { style::bad("!") } else { style::faint("○") };
        let hint = if one.blocked { style::bad(" (a person must act)") } else { String::new() };
        format!("{sign} {}: {}{hint}", one.part, one.reason)
    };
    let blocked = waiting.iter().filter(|one| one.blocked);
    blocked.chain(waiting.iter().filter(|one| !one.blocked)).map(line).collect()
}
