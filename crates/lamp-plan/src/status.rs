//! What a person is told of a stack: conditions, numbers, what waits and why. Pure, and the same for the same facts,
//! so that a settled stack is not written again and again.

mod decisions;
mod deletion;
mod facts;
mod verdict;

pub use deletion::blockers;

use std::time::Duration;

use jiff::Timestamp;
use lamp_api::Time;
use lamp_api::conditions::{is_true, set_condition, types};
use lamp_api::v1alpha1::{
    DatabaseStatus, LampStackStatus, PartState, PartStatus, Scheme, TierStatus, Waiting,
};
use lamp_cloud::{CloudError, Part};

use crate::backoff;
use crate::observed::dns_name;
use crate::{Plan, PlanInput, site, spec_in_force};

/// How old `observedTime` may get while nothing else changes.
const REFRESH: Duration = Duration::from_secs(300);

/// The status after a plan was made and carried out; `failures` are the calls of this round that failed, `denied`
/// the readings that are not allowed.
pub fn status(
    input: &PlanInput<'_>,
    plan: &Plan,
    failures: &[(Part, CloudError)],
    denied: &[CloudError],
    previous: Option<&LampStackStatus>,
) -> LampStackStatus {
    let spec = spec_in_force(input.spec, input.now);
    let input = &PlanInput { spec: &spec, ..*input };
    let mut conditions = previous.map(|previous| previous.conditions.clone()).unwrap_or_default();
    let first_ready = previous.and_then(|previous| previous.first_ready_time.clone());
    let deletion = deletion::of(input, plan, previous);
    let facts =
        facts::Facts::gather(input, plan, (failures, denied), first_ready.is_some(), deletion.as_ref());
    let verdicts = verdict::conditions(&facts);
    conditions.retain(|old| verdicts.iter().any(|new| new.type_ == old.type_));
    for condition in verdicts {
        set_condition(&mut conditions, condition);
    }
    let ready = is_true(&conditions, types::READY);
    let mut status = LampStackStatus {
        observed_generation: Some(input.generation),
        observed_time: previous.and_then(|previous| previous.observed_time.clone()),
        first_ready_time: first_ready.or_else(|| ready.then(|| seconds(input.now))),
        summary: verdict::summary(&facts),
        conditions,
        url: url(input),
        tiers: tiers(input, plan),
        database: database(plan),
        parts: part_statuses(plan),
        waiting: waiting(input, plan, failures),
        deletion: deletion.clone(),
        strangers: plan.strangers.clone(),
        left_alone: plan.left_alone.clone(),
        decisions: decisions::merge(input, plan, previous),
        last_handled_reconcile_at: previous.and_then(|previous| previous.last_handled_reconcile_at.clone()),
    };
    refresh(&mut status, previous, input);
    status
}

/// Sets the time of the observation where something else changed, or it has grown old.
fn refresh(status: &mut LampStackStatus, previous: Option<&LampStackStatus>, input: &PlanInput<'_>) {
    let observed_at = input.inventory.observed_at();
    let old = |time: &Time| observed_at >= time.0 + REFRESH;
    let keep = previous == Some(&*status) && status.observed_time.as_ref().is_some_and(|time| !old(time));
    if !keep {
        status.observed_time = Some(seconds(observed_at));
    }
}

/// A time as Kubernetes writes it: whole seconds.
pub(crate) fn seconds(time: Timestamp) -> Time {
    Time(Timestamp::from_second(time.as_second()).unwrap_or(time))
}

/// The address of the first tier that the internet can reach.
fn url(input: &PlanInput<'_>) -> Option<String> {
    let public = input.spec.tiers.iter().find_map(|tier| {
        let balancer = tier.load_balancer.as_ref().filter(|balancer| balancer.scheme == Scheme::Internet)?;
        Some((tier, balancer))
    });
    let (tier, balancer) = public?;
    Some(format!("{}://{}", site::url_scheme(balancer), dns_name(input, &tier.name)?))
}

fn tiers(input: &PlanInput<'_>, plan: &Plan) -> Vec<TierStatus> {
    let reported = plan.tiers.iter();
    reported
        .map(|(name, report)| TierStatus {
            name: name.clone(),
            desired: report.desired,
            instances: report.instances,
            ready: report.ready,
            endpoint: report.endpoint.clone().or_else(|| dns_name(input, name)),
        })
        .collect()
}

fn database(plan: &Plan) -> Option<DatabaseStatus> {
    plan.database.as_ref().map(|report| DatabaseStatus {
        state: report.status.clone(),
        endpoint: report.endpoint.clone(),
        engine_version: report.version.clone(),
        secret_arn: report.secret.clone(),
        replicas_desired: report.replicas_desired,
        replicas_ready: report.replicas_ready,
        next_maintenance_time: report.scheduled.values().min().copied().map(seconds),
        final_snapshot: report.final_snapshot.clone(),
        operation: report.operation.clone(),
        former_primaries: report.former_primaries.clone(),
    })
}

/// Every part that a plan speaks of.
pub fn part_statuses(plan: &Plan) -> Vec<PartStatus> {
    let reported = plan.parts.iter();
    reported
        .map(|(part, report)| PartStatus {
            part: part.to_string(),
            kind: report.kind.name().to_owned(),
            id: report.id.clone(),
            state: report.state,
            reason: report.reason.clone(),
        })
        .collect()
}

fn waiting(input: &PlanInput<'_>, plan: &Plan, failures: &[(Part, CloudError)]) -> Vec<Waiting> {
    let before = |part| {
        let last = input.ledger.get(part).and_then(|entry| entry.last.as_ref());
        last.map_or(0, |last| last.failures)
    };
    let failed = failures.iter().map(|(part, error)| Waiting {
        part: part.to_string(),
        reason: error.to_string(),
        blocked: backoff::after(error.class, before(part) + 1).needs_person,
    });
    let waits = |state| {
        matches!(state, PartState::Waiting | PartState::Failed | PartState::Unknown | PartState::Deleting)
    };
    let parts = plan.parts.iter().filter(|(part, report)| {
        (report.blocked || waits(report.state)) && !failures.iter().any(|(failed, _)| failed == *part)
    });
    let held = parts.map(|(part, report)| Waiting {
        part: part.to_string(),
        reason: report.reason.clone().unwrap_or_default(),
        blocked: report.blocked,
    });
    let mut waiting: Vec<Waiting> = failed.chain(held).collect();
    waiting.sort_by(|a, b| (!a.blocked, &a.part).cmp(&(!b.blocked, &b.part)));
    waiting
}
