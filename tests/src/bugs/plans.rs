//! Bugs of planning: each spoils a plan that was made well, in the way in which a rule left out would.

use std::collections::BTreeSet;

use lamp_api::v1alpha1::PlanEffect;
use lamp_cloud::kinds::Repeat;
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, Change as GroupChange};
use lamp_cloud::kinds::route_table::Change as RouteChange;
use lamp_cloud::{Body, Change, Kind, LedgerEntry, Part, Request, Resource, ResourceId, State, tag};
use lamp_plan::{Action, Memory, Plan, PlanInput, Precondition, Settlement};

use super::Bug;

/// Whether it is a bug of planning.
pub(super) fn spoils(bug: Bug) -> bool {
    !matches!(
        bug,
        Bug::IntentNotWritten
            | Bug::AcknowledgedLost
            | Bug::TagsStripped
            | Bug::MutationsRetried
            | Bug::LostReplyIsDone
            | Bug::ErrorIsAbsence
            | Bug::RateIgnored
    )
}

/// Puts it into a plan.
pub(super) fn spoil(bug: Bug, input: &PlanInput<'_>, plan: &mut Plan) {
    match bug {
        Bug::QuarantineSkipped => settle_open(input, plan, Settlement::NextAttempt),
        Bug::CreationForgotten => settle_open(input, plan, Settlement::Void),
        Bug::TokenChanged => change_tokens(input, plan),
        Bug::AbsenceBelieved => believe_absence(input, plan),
        Bug::UnknownIsAbsent => believe_unknown(input, plan),
        Bug::RecordDropped => drop_a_record(input, plan),
        Bug::TwinsLeft => plan.actions.retain(|action| !sweeps(input, action)),
        Bug::TagsAreEnough => delete_unrecorded(input, plan),
        Bug::BreakerLeftOut => replace_sick(input, plan, 3, usize::MAX),
        Bug::GraceSkipped => replace_young(input, plan),
        Bug::HourIgnored => replace_sick(input, plan, 3, 1),
        Bug::WrongInstance => mistake_instances(input, plan),
        Bug::Forgetful => plan.memory = Memory::default(),
        Bug::RolloutAtOnce => roll_out_at_once(input, plan),
        Bug::BelowMinimum => shrink(input, plan, |group| group.min.saturating_sub(1), false),
        Bug::NoStabilization => {
            shrink(input, plan, |group| group.desired.saturating_sub(1).max(group.min), true)
        }
        Bug::ScalesBlind => scale_blind(input, plan),
        Bug::SnapshotSkipped => skip_snapshots(plan),
        Bug::MadeAgainEmpty => make_again_empty(input, plan),
        Bug::ReplicasAtOnce => delete_replicas(input, plan),
        Bug::EarlyRoute => route_early(input, plan),
        Bug::WarWithoutEnd => plan.corrections.clear(),
        Bug::SameAttempt => same_attempt(plan),
        Bug::FinishedEarly => plan.finished |= input.deleting && plan.actions.is_empty(),
        Bug::NeverSettles => write_always(input, plan),
        _ => {}
    }
}

fn action(part: impl Into<Part>, kind: Kind, effect: PlanEffect, request: Request) -> Action {
    Action {
        part: part.into(),
        kind,
        effect,
        request,
        reason: "a bug".to_owned(),
        changes: Vec::new(),
        precondition: None,
    }
}

fn push(plan: &mut Plan, action: Action) {
    if !plan.actions.iter().any(|other| other.part == action.part) {
        plan.actions.push(action);
    }
}

/// Parts on record whose resource the last reading did not show.
fn unseen<'a>(input: &PlanInput<'a>) -> impl Iterator<Item = (&'a Part, &'a LedgerEntry)> + use<'a> {
    let inventory = input.inventory;
    input.ledger.iter().filter(move |(part, _)| inventory.present(part).is_none())
}

fn settle_open(input: &PlanInput<'_>, plan: &mut Plan, settlement: Settlement) {
    for (part, entry) in unseen(input) {
        let open = entry.open.as_ref().filter(|open| matches!(open.request, Request::Create { .. }));
        let tokenless = entry.kind.is_some_and(|kind| kind.repeat() == Repeat::AfterQuarantine);
        if open.is_some() && tokenless {
            plan.settlements.insert(part.clone(), settlement.clone());
        }
    }
}

fn change_tokens(input: &PlanInput<'_>, plan: &mut Plan) {
    for action in &mut plan.actions {
        let sent = input.ledger.get(&action.part).and_then(|entry| entry.open.as_ref()).map(|open| open.sent);
        if let (Request::Create { token, .. }, Some(sent)) = (&mut action.request, sent) {
            *token = format!("{token}-{sent}");
        }
    }
}

fn believe_absence(input: &PlanInput<'_>, plan: &mut Plan) {
    for (part, entry) in unseen(input) {
        let known = entry.kind.filter(|kind| input.inventory.region.unknown(kind.listing()).is_none());
        if known.is_some() && entry.id.is_some() && !input.deleting {
            plan.settlements.insert(part.clone(), Settlement::NextAttempt);
        }
    }
}

fn believe_unknown(input: &PlanInput<'_>, plan: &mut Plan) {
    for (part, entry) in unseen(input) {
        let unknown = entry.kind.filter(|kind| input.inventory.region.unknown(kind.listing()).is_some());
        if unknown.is_some() && entry.id.is_some() && !input.deleting {
            plan.settlements.insert(part.clone(), Settlement::NextAttempt);
        }
    }
}

fn drop_a_record(input: &PlanInput<'_>, plan: &mut Plan) {
    let part = Part::new("internet-gateway");
    let complete = input.ledger.get(&part).is_some_and(|entry| entry.completed_at.is_some());
    if complete && !input.deleting {
        plan.settlements.insert(part, Settlement::Forget);
    }
}

fn sweeps(input: &PlanInput<'_>, action: &Action) -> bool {
    let twin = input.inventory.parts.get(&action.part).is_some_and(|rows| rows.len() > 1);
    twin && matches!(action.request, Request::Delete { .. })
}

fn delete_unrecorded(input: &PlanInput<'_>, plan: &mut Plan) {
    let recorded: BTreeSet<&ResourceId> =
        input.ledger.values().filter_map(|entry| entry.id.as_ref()).collect();
    let opened: BTreeSet<&Part> =
        input.ledger.iter().filter(|(_, entry)| entry.open.is_some()).map(|(part, _)| part).collect();
    for row in input.inventory.resources().filter(|row| !recorded.contains(&row.id)) {
        let part = row.part().unwrap_or_else(|| Part::new("?"));
        if opened.contains(&part) || row.kind() == Kind::DbInstance || !input.ledger.contains_key(&part) {
            continue;
        }
        let request = Request::Delete { kind: row.kind(), id: row.id.clone(), options: Default::default() };
        push(plan, action(part, row.kind(), PlanEffect::Delete, request));
    }
}

fn groups<'a>(input: &PlanInput<'a>) -> impl Iterator<Item = (&'a Resource, &'a AutoScalingGroup)> + use<'a> {
    input.inventory.resources().filter_map(|row| match &row.body {
        Body::AutoScalingGroup(group) => Some((row.as_ref(), group)),
        _ => None,
    })
}

fn replace(plan: &mut Plan, group: &Resource, instance: &ResourceId, suffix: &str) {
    let request = Request::ReplaceInstance { group: group.id.clone(), instance: instance.clone() };
    let part = Part::new(format!("instance/{instance}{suffix}"));
    push(plan, action(part, Kind::AutoScalingGroup, PlanEffect::Replace, request));
}

/// Replaces what was seen sick so often, up to a number at once in each group.
fn replace_sick(input: &PlanInput<'_>, plan: &mut Plan, observations: u32, most: usize) {
    let sick: BTreeSet<ResourceId> = plan
        .memory
        .sick
        .iter()
        .filter(|(_, sickness)| sickness.observations >= observations)
        .map(|(id, _)| id.clone())
        .collect();
    for (row, group) in groups(input) {
        let members = group.members.iter().filter(|member| sick.contains(&member.instance));
        for member in members.take(most) {
            replace(plan, row, &member.instance, "");
        }
    }
}

fn replace_young(input: &PlanInput<'_>, plan: &mut Plan) {
    for (row, group) in groups(input) {
        let healthy = |id: &ResourceId| {
            input
                .inventory
                .targets
                .values()
                .flat_map(|(_, rows)| rows)
                .any(|row| row.target.instance == *id && row.state == lamp_cloud::TargetState::Healthy)
        };
        let serving =
            |member: &&lamp_cloud::Member| member.lifecycle == lamp_cloud::LifecycleState::InService;
        if let Some(member) = group.members.iter().filter(serving).find(|member| !healthy(&member.instance)) {
            replace(plan, row, &member.instance, "");
        }
    }
}

/// By their place in a list instead of their ids.
fn mistake_instances(input: &PlanInput<'_>, plan: &mut Plan) {
    for action in &mut plan.actions {
        let Request::ReplaceInstance { group, instance } = &mut action.request else { continue };
        let members = groups(input).find(|(row, _)| row.id == *group).map(|(_, body)| &body.members);
        let other = members.into_iter().flatten().find(|member| member.instance != *instance);
        if let Some(other) = other {
            instance.clone_from(&other.instance);
        }
    }
}

fn roll_out_at_once(input: &PlanInput<'_>, plan: &mut Plan) {
    for (row, group) in groups(input) {
        for member in
            group.members.iter().filter(|member| member.template_version != Some(group.template_version))
        {
            replace(plan, row, &member.instance, "/rollout");
        }
    }
}

/// Sets another capacity; `grown`: only where the last change made it larger.
fn shrink(input: &PlanInput<'_>, plan: &mut Plan, to: impl Fn(&AutoScalingGroup) -> u32, grown: bool) {
    for (row, group) in groups(input) {
        let part = row.part().unwrap_or_else(|| Part::new("?"));
        let memory = input.memory.scaling.get(&part);
        let before = memory.and_then(|memory| memory.changes.last()).map(|(_, before)| *before);
        let grew = before.is_some_and(|before| before < group.desired);
        let desired = to(group);
        let wants = if grown { grew } else { before.is_some_and(|before| before > group.desired) };
        if wants && desired < group.desired && !input.deleting {
            set_desired(plan, row, part, desired);
        }
    }
}

fn set_desired(plan: &mut Plan, row: &Resource, part: Part, desired: u32) {
    let change = Change::AutoScalingGroup(GroupChange::SetDesired(desired));
    let request = Request::Change { id: row.id.clone(), token: String::new(), change };
    push(plan, action(part, Kind::AutoScalingGroup, PlanEffect::Update, request));
}

fn scale_blind(input: &PlanInput<'_>, plan: &mut Plan) {
    let signals = &input.inventory.region.signals;
    let silent = !signals.series.is_empty()
        && signals.series.values().all(|series| !series.points.iter().any(|(_, value)| value.is_finite()));
    for (row, group) in groups(input).filter(|(_, group)| silent && group.desired > group.min) {
        let part = row.part().unwrap_or_else(|| Part::new("?"));
        set_desired(plan, row, part, group.min);
    }
}

fn skip_snapshots(plan: &mut Plan) {
    for action in &mut plan.actions {
        if let Request::Delete { kind: Kind::DbInstance, options, .. } = &mut action.request {
            options.final_snapshot = None;
        }
    }
}

fn make_again_empty(input: &PlanInput<'_>, plan: &mut Plan) {
    for (part, entry) in unseen(input) {
        let (Some(kind), Some(id)) = (entry.kind, &entry.id) else { continue };
        let gone = matches!(input.inventory.described(kind, id), Some(None));
        if kind.holds_data() && gone && !input.deleting {
            plan.settlements.insert(part.clone(), Settlement::NextAttempt);
        }
    }
}

fn delete_replicas(input: &PlanInput<'_>, plan: &mut Plan) {
    let replicas: Vec<_> = input
        .inventory
        .resources()
        .filter_map(|row| match &row.body {
            Body::DbInstance(body) if body.is_replica() => Some((row, body)),
            _ => None,
        })
        .collect();
    let broken = replicas.iter().any(|(_, body)| body.facts.replication.as_deref() == Some("error"));
    for (row, _) in replicas.iter().filter(|_| broken) {
        let request =
            Request::Delete { kind: Kind::DbInstance, id: row.id.clone(), options: Default::default() };
        let part = row.part().unwrap_or_else(|| Part::new("?"));
        let precondition = Some(Precondition::IsReplica { id: row.id.clone() });
        push(plan, Action { precondition, ..action(part, Kind::DbInstance, PlanEffect::Delete, request) });
    }
}

fn route_early(input: &PlanInput<'_>, plan: &mut Plan) {
    for row in input.inventory.resources() {
        let (Body::NatGateway(_), State::Pending(_), Some(part)) = (&row.body, &row.state, row.part()) else {
            continue;
        };
        let table = Part::new(part.as_str().replace("nat-gateway/", "route-table/application/"));
        let Some(found) = input.inventory.present(&table) else { continue };
        let (destination, target) = ("0.0.0.0/0".to_owned(), row.id.clone());
        let change = Change::RouteTable(RouteChange::CreateRoute { destination, target });
        let request = Request::Change { id: found.id.clone(), token: String::new(), change };
        push(plan, action(table, Kind::RouteTable, PlanEffect::Update, request));
    }
}

fn same_attempt(plan: &mut Plan) {
    for settlement in plan.settlements.values_mut().filter(|one| **one == Settlement::NextAttempt) {
        *settlement = Settlement::Forget;
    }
}

fn write_always(input: &PlanInput<'_>, plan: &mut Plan) {
    let Some(vpc) = input.inventory.present(&Part::new("vpc")).filter(|_| !input.deleting) else { return };
    let mut tags = vpc.tags.clone();
    tags.remove(tag::INTENT);
    let request = Request::Tag { kind: Kind::Vpc, id: vpc.id.clone(), tags };
    if plan.actions.is_empty() {
        push(plan, action("vpc", Kind::Vpc, PlanEffect::Update, request));
    }
}
