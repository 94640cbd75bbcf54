//! Conditions, and the sentence above them.

use std::collections::BTreeSet;

use lamp_api::Condition;
use lamp_api::conditions::{DELETION_BLOCKED, DELETION_STUCK, HOLD_REQUESTED, MODE_PAUSED, condition, types};
use lamp_api::v1alpha1::{LeftAlone, LeftAloneReason, Mode, PartState};
use lamp_cloud::Kind;

use super::deletion;
use super::facts::{Facts, Room, Unready};
use crate::parts;

/// What a condition says.
struct Verdict {
    status: bool,
    reason: String,
    message: String,
}

impl Verdict {
    fn new(status: bool, reason: impl Into<String>, message: impl Into<String>) -> Self {
        Self { status, reason: reason.into(), message: message.into() }
    }
}

/// Every condition, in the order in which they are shown.
pub(super) fn conditions(facts: &Facts<'_>) -> Vec<Condition> {
    let mut verdicts = vec![
        (types::READY, ready(facts)),
        (types::PROGRESSING, progressing(facts)),
        (types::DEGRADED, degraded(facts)),
        (types::STALLED, stalled(facts)),
        (types::PAUSED, paused(facts)),
        (types::DRIFT_REPORTED, drift_reported(facts)),
        (types::CONTENDED, contended(facts)),
        (types::NETWORK_READY, room(facts, Room::Network)),
        (types::TIERS_READY, tiers_ready(facts)),
    ];
    if facts.input.spec.database.is_some() {
        verdicts.push((types::DATABASE_READY, room(facts, Room::Database)));
    }
    verdicts.extend(held(facts).map(|held| (types::HELD, held)));
    let now = super::seconds(facts.input.now).0;
    let mut conditions: Vec<Condition> = verdicts
        .into_iter()
        .map(|(kind, v)| condition(kind, v.status, &v.reason, v.message, Some(facts.input.generation), now))
        .collect();
    // What could not be observed may be as it should be, or not.
    if let Some(ready) = conditions.first_mut().filter(|_| facts.only_unknown()) {
        ready.status = "Unknown".to_owned();
    }
    conditions
}

/// One sentence for a person.
pub(super) fn summary(facts: &Facts<'_>) -> String {
    let verdict = ready(facts);
    let numbers = numbers(facts);
    match (facts.input.spec.mode, facts.input.deleting) {
        (Mode::Paused, _) => "paused: nothing is changed".to_owned(),
        (_, true) if facts.plan.finished => "deleted".to_owned(),
        (_, true) => format!("deleting: {}", verdict.message),
        _ if verdict.status => format!("serving: {numbers}"),
        (Mode::Observe, _) => format!("observing only: {}", verdict.message),
        _ => verdict.message,
    }
}

fn numbers(facts: &Facts<'_>) -> String {
    let tiers = facts.plan.tiers.iter();
    let tiers = tiers.map(|(name, tier)| format!("{name} {}/{}", tier.ready, tier.desired));
    let database = facts.plan.database.iter().map(|database| match database.replicas_desired {
        0 => format!("database {}", database.status),
        wanted => format!("database {} with {}/{wanted} replicas", database.status, database.replicas_ready),
    });
    let all: Vec<String> = tiers.chain(database).collect();
    if all.is_empty() { "the network stands".to_owned() } else { all.join(", ") }
}

fn ready(facts: &Facts<'_>) -> Verdict {
    if facts.input.deleting {
        let message = facts.unready.first().map_or_else(|| "nothing is left".to_owned(), sentence);
        return Verdict::new(false, "Deleting", message);
    }
    if let Some(first) = facts.unready.first() {
        let rest = match facts.unready.len() - 1 {
            0 => String::new(),
            1 => ", and 1 more part".to_owned(),
            more => format!(", and {more} more parts"),
        };
        let waiting = if first.report.blocked { "" } else { "waiting for " };
        return Verdict::new(false, reason(facts, first), format!("{waiting}{}{rest}", sentence(first)));
    }
    match facts.too_few.first() {
        Some((tier, ready, min)) => Verdict::new(
            false,
            "InstancesNotReady",
            format!("tier {tier} has {ready} instances that serve, and {min} is its minimum"),
        ),
        None => Verdict::new(true, "Serving", numbers(facts)),
    }
}

fn progressing(facts: &Facts<'_>) -> Verdict {
    let actions = &facts.plan.actions;
    if facts.input.spec.mode != Mode::Enforce {
        return Verdict::new(false, "NotEnforced", format!("spec.mode is {:?}", facts.input.spec.mode));
    }
    if let Some(first) = actions.first() {
        let message =
            format!("{} calls to AWS, the first of them {}", actions.len(), first.request.operation());
        let reason = if facts.input.deleting { "Deleting" } else { "Changing" };
        return Verdict::new(true, reason, message);
    }
    let moving = |state| matches!(state, PartState::Progressing | PartState::Deleting);
    let under_way = facts.unready.iter().find(|unready| moving(unready.report.state));
    match under_way {
        Some(unready) => Verdict::new(true, "Waiting", sentence(unready)),
        None => deletion_goes_on(facts)
            .or_else(|| rolling_out(facts))
            .or_else(|| for_window(facts))
            .unwrap_or_else(|| Verdict::new(false, "Settled", "nothing is to be done")),
    }
}

/// What goes on when the maintenance window of the database opens.
fn for_window(facts: &Facts<'_>) -> Option<Verdict> {
    let part = facts.plan.database.as_ref()?.scheduled.keys().next()?;
    let why = facts.plan.parts.get(part)?.reason.as_deref().unwrap_or_default();
    Some(Verdict::new(false, "WaitingForWindow", format!("{part}: {why}")))
}

/// A deletion goes on while something of ours is awaited, whether or not anything was called just now.
fn deletion_goes_on(facts: &Facts<'_>) -> Option<Verdict> {
    let first = facts.unready.first().filter(|_| facts.input.deleting)?;
    Some(match deletion_blocked(facts).filter(|_| first.report.blocked) {
        Some(blocked) => Verdict::new(false, blocked.reason, blocked.message),
        None => Verdict::new(true, "Deleting", sentence(first)),
    })
}

/// Instances follow a new version, with pauses between one and the next.
fn rolling_out(facts: &Facts<'_>) -> Option<Verdict> {
    let mut tiers = facts.plan.tiers.iter();
    let (tier, sentence) = tiers.find_map(|(name, tier)| Some((name, tier.rollout.as_ref()?)))?;
    Some(Verdict::new(true, "RollingOut", format!("tier {tier}: {sentence}")))
}

fn degraded(facts: &Facts<'_>) -> Verdict {
    if let Some((part, error)) = facts.failures.first() {
        return Verdict::new(true, error.class.reason(), format!("{part}: {error}"));
    }
    let failed = facts.unready.iter().find(|unready| unready.report.state == PartState::Failed);
    if let Some(failed) = failed {
        return Verdict::new(true, reason(facts, failed), sentence(failed));
    }
    missing(facts)
}

/// What the site had, and has no longer.
fn missing(facts: &Facts<'_>) -> Verdict {
    if !facts.was_whole && !facts.input.deleting && !ready(facts).status {
        return Verdict::new(false, "ComingUp", "the site comes up for the first time");
    }
    let serving = facts.plan.tiers.values().all(|tier| tier.ready > 0);
    if let Some((tier, ready, desired)) = facts.short.first().filter(|_| serving) {
        let healing = facts.plan.tiers.get(*tier).and_then(|tier| tier.healing.as_ref());
        let detail = healing.map(|healing| format!(": {healing}")).unwrap_or_default();
        let message = format!("tier {tier} has {ready} of {desired} instances that serve{detail}");
        return Verdict::new(true, "InstancesMissing", message);
    }
    let short = facts.plan.database.as_ref().filter(|database| {
        database.status == "available" && database.replicas_ready < database.replicas_desired
    });
    match short {
        Some(database) => {
            let (ready, desired) = (database.replicas_ready, database.replicas_desired);
            let out: String = database.out_of_pool.iter().map(|why| format!("; {why}")).collect();
            Verdict::new(true, "ReplicasMissing", format!("{ready} of {desired} read replicas serve{out}"))
        }
        None => Verdict::new(false, "NothingMissing", "nothing is missing that the site had"),
    }
}

fn stalled(facts: &Facts<'_>) -> Verdict {
    // What only waits for something foreign to go is said below.
    let needs_person = |unready: &&Unready<'_>| {
        unready.report.blocked && !(facts.input.deleting && unready.report.state == PartState::Waiting)
    };
    match facts.unready.iter().find(needs_person) {
        Some(unready) => {
            let needed = || unready.error.map_or("NeedsPerson", |error| error.class.reason());
            let reason = halted(facts, unready).or_else(|| named(facts, unready)).unwrap_or_else(needed);
            Verdict::new(true, reason, sentence(unready))
        }
        None => deletion_blocked(facts)
            .or_else(|| reading_denied(facts))
            .or_else(|| deletion_stuck(facts))
            .or_else(|| healing_stalled(facts))
            .unwrap_or_else(|| Verdict::new(false, "NotBlocked", "nothing needs a person")),
    }
}

/// What others have in the way of a deletion stays until a person removes it.
fn deletion_blocked(facts: &Facts<'_>) -> Option<Verdict> {
    let mut foreign = facts.deletion?.blockers.iter().filter(|blocker| blocker.foreign);
    let first = foreign.next()?;
    let others: BTreeSet<&str> =
        foreign.map(|blocker| blocker.by.as_str()).filter(|by| *by != first.by).collect();
    let rest = match others.len() {
        0 => String::new(),
        1 => "; 1 more is in the way".to_owned(),
        more => format!("; {more} more are in the way"),
    };
    Some(Verdict::new(true, DELETION_BLOCKED, format!("{}{rest}", first.message)))
}

/// An hour in which nothing went is worth a word, whatever it is waited for.
fn deletion_stuck(facts: &Facts<'_>) -> Option<Verdict> {
    let deletion = facts.deletion.filter(|deletion| deletion::is_stuck(deletion, facts.input.now))?;
    let refused = deletion.blockers.first().map(|blocker| blocker.message.clone());
    let waits = refused.or_else(|| facts.unready.first().map(sentence)).unwrap_or_default();
    let message = format!("nothing went since {}: {waits}", deletion.last_progress_time.0);
    Some(Verdict::new(true, DELETION_STUCK, message))
}

/// What may not be read is not known, however long it is waited for.
fn reading_denied(facts: &Facts<'_>) -> Option<Verdict> {
    let (first, others) = facts.denied.split_first()?;
    let rest = match others.len() {
        0 => String::new(),
        1 => ", and 1 more reading".to_owned(),
        more => format!(", and {more} more readings"),
    };
    Some(Verdict::new(true, first.class.reason(), format!("AWS may not be read: {first}{rest}")))
}

/// Sick instances that nothing will replace until somebody has looked.
fn healing_stalled(facts: &Facts<'_>) -> Option<Verdict> {
    let mut tiers = facts.plan.tiers.iter();
    let (tier, why) = tiers.find_map(|(tier, report)| Some((tier, report.needs_person.as_ref()?)))?;
    Some(Verdict::new(true, "HealingHeld", format!("tier {tier}: {why}")))
}

fn paused(facts: &Facts<'_>) -> Verdict {
    match facts.input.spec.mode {
        Mode::Paused => {
            Verdict::new(true, MODE_PAUSED, "spec.mode is Paused: nothing is observed or changed")
        }
        Mode::Observe => Verdict::new(false, "Observing", "spec.mode is Observe: changes are only planned"),
        Mode::Enforce => Verdict::new(false, "Enforcing", "spec.mode is Enforce"),
    }
}

/// What a person holds: nothing of it is replaced, scaled in or rolled out.
fn held(facts: &Facts<'_>) -> Option<Verdict> {
    let (holds, spec) = (facts.input.holds, facts.input.spec);
    let stack = holds.stack.as_ref().map(|_| holds.of_tier("").unwrap_or_default());
    let tiers = facts.plan.tiers.values().filter_map(|tier| tier.held.clone());
    let nothing = holds.of_nothing(spec).map(|name| format!("the annotation holds {name}, which is no tier"));
    let all: BTreeSet<String> = stack.into_iter().chain(tiers).chain(nothing).collect();
    let message = all.into_iter().collect::<Vec<_>>().join("; ");
    (!message.is_empty()).then(|| Verdict::new(true, HOLD_REQUESTED, message))
}

/// What differs and is left so, because the spec says that it is only reported.
fn drift_reported(facts: &Facts<'_>) -> Verdict {
    let left = facts.plan.left_alone.iter().filter(|left| left.reason == LeftAloneReason::Reported);
    let fields: Vec<String> = left.map(|left| format!("{}: {}", left.part, left.field)).collect();
    match fields.as_slice() {
        [] => Verdict::new(false, "NothingReported", "nothing differs that spec.ignore leaves alone"),
        fields => Verdict::new(true, "LeftAlone", format!("left as found: {}", fields.join(", "))),
    }
}

/// What somebody else keeps changing. It is not tried for a while, so that two tools do not fight without end.
fn contended(facts: &Facts<'_>) -> Verdict {
    let left = facts.plan.left_alone.iter().filter(|left| left.reason == LeftAloneReason::Contended);
    let fields: Vec<String> = left.map(quarrel).collect();
    match fields.as_slice() {
        [] => Verdict::new(false, "NothingContended", "nobody else insists on a field of the site"),
        fields => Verdict::new(true, "ChangedAgainAndAgain", fields.join("; ")),
    }
}

fn quarrel(left: &LeftAlone) -> String {
    let LeftAlone { part, field, wanted, found, .. } = left;
    let often = left.corrections.unwrap_or_default();
    let next = left.next_attempt_time.as_ref().map(|time| format!(" until {}", time.0)).unwrap_or_default();
    format!(
        "{part}: {field} was put back {often} times, and is {found} again where the spec wants {wanted}; it is left alone{next}"
    )
}

fn room(facts: &Facts<'_>, room: Room) -> Verdict {
    match facts.unready_in(room) {
        Some(unready) => Verdict::new(false, reason(facts, unready), sentence(unready)),
        None => match for_window(facts).filter(|_| room == Room::Database) {
            Some(waits) => Verdict { status: true, ..waits },
            None => Verdict::new(true, "AsSpecified", "every part is as the spec says"),
        },
    }
}

fn tiers_ready(facts: &Facts<'_>) -> Verdict {
    let parts = room(facts, Room::Tiers);
    if !parts.status {
        return parts;
    }
    match facts.short.first() {
        Some((tier, ready, desired)) => Verdict::new(
            false,
            "InstancesNotReady",
            format!("tier {tier} has {ready} of {desired} instances that serve"),
        ),
        None => Verdict::new(true, "AsSpecified", "each tier has the instances that it wants"),
    }
}

/// A tier whose new version did not work says so in its own words.
fn halted(facts: &Facts<'_>, unready: &Unready<'_>) -> Option<&'static str> {
    let halted = facts.plan.tiers.iter().filter(|(_, tier)| tier.halted.is_some());
    let mut parts = halted.map(|(name, _)| parts::auto_scaling_group(name));
    parts.any(|part| part == *unready.part).then_some("RolloutHalted")
}

/// A state of the database that has a name of its own.
fn named<'f>(facts: &'f Facts<'_>, unready: &Unready<'_>) -> Option<&'f str> {
    facts.plan.database.as_ref()?.reasons.get(unready.part).map(String::as_str)
}

/// CamelCase: what is not ready, and what it does.
fn reason(facts: &Facts<'_>, unready: &Unready<'_>) -> String {
    if let Some(halted) = halted(facts, unready) {
        return halted.to_owned();
    }
    if let Some(named) = named(facts, unready) {
        return named.to_owned();
    }
    let what = match unready.report.kind {
        Kind::DbInstance => "Database",
        kind => kind.name(),
    };
    let creating = unready.report.id.is_none()
        || unready.report.reason.as_deref().is_some_and(|reason| reason.contains("creating"));
    let state = match unready.report.state {
        _ if unready.report.blocked => "Blocked",
        PartState::Progressing if creating => "Creating",
        PartState::Progressing => "Changing",
        PartState::Waiting => "Waiting",
        PartState::Drifted => "Drifted",
        PartState::Deleting => "Deleting",
        PartState::Failed => "Failed",
        PartState::Unknown => "NotObserved",
        PartState::Ready => "Ready",
    };
    format!("{what}{state}")
}

fn sentence(unready: &Unready<'_>) -> String {
    let why = unready.report.reason.as_deref().unwrap_or("not ready");
    let since = unready.since.filter(|_| unready.report.state == PartState::Progressing);
    let since = since.map(|since| format!(" (since {})", super::seconds(since).0)).unwrap_or_default();
    format!("{}: {why}{since}", unready.part)
}
