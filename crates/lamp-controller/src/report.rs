//! What a run tells: Events for people, metrics for machines, errors for the status, and how it went.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_api::conditions::types;
use lamp_api::event::{NORMAL, WARNING};
use lamp_api::v1alpha1::{LampStackStatus, PartState};
use lamp_cloud::{Applied, CloudError, Part, Request};
use lamp_plan::{Action, Plan, Settlement, Violation};
use lamp_store::Key;

use crate::execute::Executed;
use crate::metrics::Metrics;
use crate::outcome::Ending;
use crate::recollection::Recollections;
use crate::recorder::Happened;
use crate::requeue::Next;

/// How the run went, from what was planned and done.
pub(crate) fn next(plan: &Plan, executed: &Executed, ledger_changed: bool, is_settled: bool) -> Next {
    let postponed = executed.ended.iter().filter_map(|(_, ending)| match ending {
        Ending::Postponed(at) => Some(*at),
        _ => None,
    });
    let superseded = executed.ended.iter().any(|(_, ending)| *ending == Ending::Superseded);
    let at: Option<Timestamp> = plan.next_look.into_iter().chain(postponed).min();
    match () {
        () if executed.was_sent() => Next::Progress,
        () if superseded || ledger_changed => Next::Again,
        () if is_settled => Next::Settled { at: plan.next_look },
        () => Next::Waiting { at },
    }
}

/// The value of the metric's label.
pub(crate) fn result(next: &Next) -> &'static str {
    match next {
        Next::Idle => "idle",
        Next::Again => "again",
        Next::Progress => "progress",
        Next::Observe => "observe",
        Next::Waiting { .. } => "waiting",
        Next::Settled { .. } => "settled",
        Next::Failed(_) => "error",
    }
}

/// Errors for the status: those of this run, and those of earlier ones whose part is not well yet.
pub(crate) fn failures(
    recollections: &Recollections,
    uid: &str,
    plan: &Plan,
    executed: &Executed,
) -> Vec<(Part, CloudError)> {
    let is_ready = |part: &Part| plan.parts.get(part).is_none_or(|report| report.state == PartState::Ready);
    let mut failures = BTreeMap::new();
    recollections.change(uid, |recollection| {
        recollection.failures.retain(|part, _| !is_ready(part));
        for (action, ending) in &executed.ended {
            match ending.error() {
                Some(error) => recollection.failures.insert(action.part.clone(), error.clone()),
                None => recollection.failures.remove(&action.part),
            };
        }
        failures.clone_from(&recollection.failures);
    });
    failures.into_iter().collect()
}

/// What happened, for people.
pub(crate) fn happened(plan: &Plan, executed: &Executed) -> Vec<Happened> {
    let adopted = plan.settlements.iter().filter_map(|(part, settlement)| match settlement {
        Settlement::Adopted(kind, id) => {
            Some(Happened::new(NORMAL, "Adopted", format!("took over {} {id} as {part}", kind.name())))
        }
        _ => None,
    });
    let ended = executed.ended.iter().filter_map(|(action, ending)| of_action(action, ending));
    let decided = executed.ended.iter().filter(|(_, ending)| matches!(ending, Ending::Done(_)));
    let decided = decided.flat_map(|(action, _)| of_decisions(plan, &action.part));
    let acted: Vec<&Part> = executed.ended.iter().map(|(action, _)| &action.part).collect();
    let noted = plan.decisions.iter().filter(|(part, decision, _)| tells(decision) && !acted.contains(&part));
    let noted = noted.map(|(part, decision, reason)| {
        Happened::new(severity(decision), decision.clone(), format!("{part}: {reason}"))
    });
    adopted.chain(ended).chain(decided).chain(noted).collect()
}

/// Whether a decision is told though no call follows from it: it was written down, and is made once.
fn tells(decision: &str) -> bool {
    matches!(decision, "FailedOver" | "Lost" | "Promote" | "Promoted" | "PromotionCalledOff")
}

fn severity(decision: &str) -> &'static str {
    if matches!(decision, "Lost" | "PromotionCalledOff") { WARNING } else { NORMAL }
}

fn of_action(action: &Action, ending: &Ending) -> Option<Happened> {
    let Action { part, request, reason, .. } = action;
    match ending {
        Ending::Done(applied) => {
            let id = named(applied, request);
            let message = format!("{} {part}{id}: {reason}", request.operation());
            Some(Happened::new(NORMAL, past(request), message))
        }
        Ending::Failed(error) | Ending::Refused(error) => {
            Some(Happened::new(WARNING, error.class.reason(), format!("{part}: {}", without_request(error))))
        }
        Ending::Unknown(error) => {
            let message = format!("{part}: the outcome is not known: {}", without_request(error));
            Some(Happened::new(WARNING, "OutcomeUnknown", message))
        }
        Ending::Postponed(_) | Ending::Superseded => None,
    }
}

/// The error without AWS's request id: equal errors are one Event.
fn without_request(error: &CloudError) -> CloudError {
    CloudError { request_id: None, ..error.clone() }
}

fn named(applied: &Applied, request: &Request) -> String {
    let id = applied.id.as_deref().or_else(|| request.target());
    id.map(|id| format!(" ({id})")).unwrap_or_default()
}

/// The reason of the Event of a mutation.
fn past(request: &Request) -> &'static str {
    match request {
        Request::Create { .. } => "Created",
        Request::Change { .. } => "Updated",
        Request::Tag { .. } | Request::TagInstance { .. } => "Tagged",
        Request::Delete { options, .. } if options.final_snapshot.is_some() => "DeletedWithSnapshot",
        Request::Delete { .. } => "Deleted",
        Request::ReplaceInstance { .. } => "InstanceTerminated",
        Request::RegisterTargets { .. } => "TargetsRegistered",
        Request::DeregisterTargets { .. } => "TargetsDeregistered",
    }
}

fn of_decisions<'a>(plan: &'a Plan, part: &'a Part) -> impl Iterator<Item = Happened> + 'a {
    let decisions = plan.decisions.iter().filter(move |(decided, action, _)| decided == part && acts(action));
    decisions.map(|(part, action, reason)| Happened::new(NORMAL, action.clone(), format!("{part}: {reason}")))
}

/// Whether a decision changes something.
fn acts(decision: &str) -> bool {
    !matches!(decision, "Hold" | "Duplicate")
}

/// Strangers that were not there before.
pub(crate) fn newcomers(old: Option<&LampStackStatus>, new: &LampStackStatus) -> Vec<Happened> {
    let known = old.map(|status| status.strangers.as_slice()).unwrap_or_default();
    let newcomers = new.strangers.iter().filter(|stranger| !known.contains(stranger));
    newcomers
        .map(|stranger| {
            let name = stranger.name.as_ref().map(|name| format!(" ({name})")).unwrap_or_default();
            let message = format!(
                "{}{name} runs in the network of this stack and is none of its instances; it is left alone",
                stranger.instance
            );
            Happened::new(WARNING, "StrangerFound", message)
        })
        .collect()
}

/// Conditions that turned.
pub(crate) fn transitions(old: Option<&LampStackStatus>, new: &LampStackStatus) -> Vec<Happened> {
    let was = |kind: &str| {
        let conditions = old.map(|status| status.conditions.as_slice()).unwrap_or_default();
        conditions.iter().find(|one| one.type_ == kind).map(|one| one.status.as_str())
    };
    let turned = new.conditions.iter().filter(|one| match was(&one.type_) {
        Some(before) => before != one.status,
        // One that is new and says nothing special is no news.
        None => one.status == "True",
    });
    turned
        .map(|one| {
            let is = one.status == "True";
            let severity = if is_bad(&one.type_, is) { WARNING } else { NORMAL };
            let reason = if is { one.type_.clone() } else { format!("Not{}", one.type_) };
            Happened::new(severity, reason, format!("{}: {}", one.reason, one.message))
        })
        .collect()
}

fn is_bad(kind: &str, is: bool) -> bool {
    match kind {
        types::STALLED | types::DEGRADED | types::CONTENDED => is,
        types::READY => !is,
        _ => false,
    }
}

/// Counts what was done.
pub(crate) fn publish(metrics: &Metrics, plan: &Plan, executed: &Executed) {
    for (action, _) in executed.ended.iter().filter(|(_, ending)| matches!(ending, Ending::Done(_))) {
        let drifted = plan.parts.get(&action.part).is_some_and(|report| report.state == PartState::Drifted);
        for change in action.changes.iter().filter(|_| drifted) {
            metrics.drift.with_label_values(&[action.kind.name(), change.field.as_str()]).inc();
        }
        for (_, decision, _) in plan.decisions.iter().filter(|(part, ..)| *part == action.part) {
            count_decision(metrics, decision);
        }
    }
}

fn count_decision(metrics: &Metrics, decision: &str) {
    match decision {
        "ScaleUp" => metrics.scaling_decisions.with_label_values(&["up"]).inc(),
        "ScaleDown" => metrics.scaling_decisions.with_label_values(&["down"]).inc(),
        "ReplaceInstance" | "ReplaceReplica" | "Rollout" => {
            metrics.replacements.with_label_values(&[decision]).inc();
        }
        _ => {}
    }
}

const TYPES: [&str; 11] = [
    types::READY,
    types::PROGRESSING,
    types::DEGRADED,
    types::STALLED,
    types::PAUSED,
    types::DRIFT_REPORTED,
    types::CONTENDED,
    types::HELD,
    types::NETWORK_READY,
    types::TIERS_READY,
    types::DATABASE_READY,
];

/// Publishes the conditions of a stack.
pub(crate) fn conditions(metrics: &Metrics, key: &Key, status: &LampStackStatus) {
    for one in status.conditions.iter().filter(|one| TYPES.contains(&one.type_.as_str())) {
        let gauge = metrics.conditions.with_label_values(&[&key.namespace, &key.name, &one.type_]);
        gauge.set(i64::from(one.status == "True"));
    }
    // It is there only while something is held.
    if !status.conditions.iter().any(|one| one.type_ == types::HELD) {
        metrics.conditions.with_label_values(&[&*key.namespace, &*key.name, types::HELD]).set(0);
    }
}

/// Forgets the conditions of a stack that is gone.
pub(crate) fn forget(metrics: &Metrics, key: &Key) {
    for kind in TYPES {
        // One that was never set is not there: nothing is lost.
        metrics.conditions.remove_label_values(&[key.namespace.as_str(), key.name.as_str(), kind]).ok();
    }
}

/// Counts the laws that a plan breaks, and says them.
pub(crate) fn unlawful(metrics: &Metrics, violations: &[Violation]) -> String {
    for violation in violations {
        metrics.violations.with_label_values(&[violation.law]).inc();
    }
    let laws: Vec<String> = violations.iter().map(ToString::to_string).collect();
    format!("the plan breaks {}: nothing is changed; this is a defect of Lamplighter", laws.join("; "))
}

#[cfg(test)]
mod tests {
    use prometheus::Registry;

    use super::*;

    #[test]
    fn replacements_of_a_rollout_are_told_from_those_of_healing() {
        let metrics = Metrics::register(&Registry::new()).unwrap();
        for decision in ["ReplaceInstance", "Rollout", "Rollout", "ReplaceReplica", "Wait"] {
            count_decision(&metrics, decision);
        }
        let count = |reason: &str| metrics.replacements.with_label_values(&[reason]).get();
        assert_eq!(["ReplaceInstance", "Rollout", "ReplaceReplica", "Wait"].map(count), [1, 2, 1, 0]);
    }
}
