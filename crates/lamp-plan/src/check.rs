//! Laws that every plan obeys, whatever made it: checked before anything is carried out.
//!
//! It must not share code with what makes plans, so that one mistake does not hide in both.

mod healing;
mod interruption;
mod promotion;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use lamp_api::v1alpha1::{Capacity, DeletionPolicy, Tier, ignore_policy};
use lamp_cloud::kinds::auto_scaling_group::Change as GroupChange;
use lamp_cloud::kinds::db_instance::Change as DatabaseChange;
use lamp_cloud::{Body, Change, Kind, Part, Request, Resource, ResourceId, tag, unique_name};

use crate::{Action, Plan, PlanInput, Precondition, Settlement, parts, spec_in_force};

/// A law that a plan breaks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Violation {
    pub part: Part,
    /// Name of the law.
    pub law: &'static str,
    pub detail: String,
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}: {}", self.part, self.law, self.detail)
    }
}

/// Every law that the plan breaks; a plan with any is not carried out.
pub fn check(input: &PlanInput<'_>, plan: &Plan) -> Vec<Violation> {
    let spec = spec_in_force(input.spec, input.now);
    let input = &PlanInput { spec: &spec, ..*input };
    let mut violations = Vec::new();
    for action in &plan.actions {
        for law in [ours, known, names, capacity, one_owner, versions, storage, data, replicas, creations] {
            violations.extend(law(input, plan, action));
        }
    }
    violations.extend(one_action_each(plan));
    violations.extend(budget(input, plan));
    violations.extend(healing::check(input, plan));
    violations.extend(interruption::check(input, plan));
    violations.extend(promotion::check(input, plan));
    violations
}

fn violation(action: &Action, law: &'static str, detail: impl Into<String>) -> Option<Violation> {
    Some(Violation { part: action.part.clone(), law, detail: detail.into() })
}

fn resource<'a>(input: &PlanInput<'a>, id: &str) -> Option<&'a Resource> {
    input.inventory.resources().find(|row| row.id == id).map(AsRef::as_ref)
}

/// The group that has an instance as its member.
fn group_of<'a>(input: &PlanInput<'a>, instance: &str) -> Option<&'a ResourceId> {
    let has = |row: &&std::sync::Arc<Resource>| {
        matches!(&row.body, Body::AutoScalingGroup(group)
            if group.members.iter().any(|member| member.instance == instance))
    };
    input.inventory.resources().find(has).map(|row| &row.id)
}

/// Two keys: our tags on it, and its id in our records (or being written there by this very plan).
fn ours(input: &PlanInput<'_>, plan: &Plan, action: &Action) -> Option<Violation> {
    const LAW: &str = "two keys";
    let recorded = |part: &Part, id: &str| {
        let entry = input.ledger.get(part).and_then(|entry| entry.id.as_deref()) == Some(id);
        let settled = matches!(plan.settlements.get(part),
            Some(Settlement::Created(new) | Settlement::Adopted(_, new)) if new == id);
        entry || settled
    };
    let id = match &action.request {
        Request::Create { .. } => return None,
        // A resource whose tags were removed is known by our record alone, and gets only its tags back.
        Request::Tag { id, .. } if recorded(&action.part, id) => return None,
        // What a person named becomes ours by its tags, unless it is somebody else's.
        Request::Tag { id, .. } if input.adoption.parts.get(&action.part) == Some(id) => {
            return anothers(input, action, id);
        }
        Request::Change { id, .. } | Request::Tag { id, .. } | Request::Delete { id, .. } => id,
        Request::ReplaceInstance { group, .. } => group,
        // An instance is ours by its group.
        Request::TagInstance { instance, .. } => match group_of(input, instance) {
            Some(group) => group,
            None => return violation(action, LAW, format!("{instance} is in no group of the stack")),
        },
        Request::RegisterTargets { target_group, .. } | Request::DeregisterTargets { target_group, .. } => {
            target_group
        }
    };
    let Some(row) = resource(input, id) else {
        return violation(action, LAW, format!("{id} is not listed with our tags"));
    };
    if !row.belongs_to(input.owner) {
        return violation(action, LAW, format!("{id} does not carry our tags"));
    }
    let part = row.part().unwrap_or_else(|| action.part.clone());
    let duplicate = input.inventory.parts.get(&part).is_some_and(|rows| rows.len() > 1);
    if recorded(&part, id) || (duplicate && input.ledger.contains_key(&part)) {
        return None;
    }
    violation(action, LAW, format!("{id} is not in our records"))
}

/// The tag that says whose a resource is which was never listed as ours.
fn anothers(input: &PlanInput<'_>, action: &Action, id: &ResourceId) -> Option<Violation> {
    const LAW: &str = "nothing foreign is taken";
    let Some(Some(row)) = input.inventory.described(action.kind, id) else {
        return violation(action, LAW, format!("{id} was not read"));
    };
    let ours = [(tag::INSTALL, &input.owner.install), (tag::UID, &input.owner.uid)];
    let is_foreign = |key: &str, ours: &String, tag: &String| {
        tag != ours && !(key == tag::UID && input.adoption.lost.contains(tag))
    };
    let foreign = ours
        .into_iter()
        .find(|(key, value)| row.tags.get(*key).is_some_and(|found| is_foreign(key, value, found)));
    foreign.and_then(|(key, _)| violation(action, LAW, format!("{id} has another {key}")))
}

/// Nothing is created or deleted where nothing is known.
fn known(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    let kind = match &action.request {
        Request::Create { body, .. } => body.kind(),
        Request::Delete { kind, .. } => *kind,
        _ => return None,
    };
    let why = input.inventory.region.unknown(kind.listing())?;
    violation(action, "unknown is not absent", format!("{} could not be listed: {why}", kind.name()))
}

fn names(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    let Request::Create { part, name, .. } = &action.request else { return None };
    let attempt = input.ledger.get(part).map_or(0, |entry| entry.attempt);
    let derived = [attempt, 0].map(|attempt| unique_name(input.owner, part, attempt));
    let fits = *name == derived[0] || (parts::replica_slot(part).is_some() && *name == derived[1]);
    if fits { None } else { violation(action, "derived names", format!("{name} is not derived from {part}")) }
}

/// No group is made larger than its maximum or smaller than its minimum.
fn capacity(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    let tier = input.spec.tiers.iter().find(|tier| parts::auto_scaling_group(&tier.name) == action.part)?;
    let desired = match &action.request {
        Request::Create { body: Body::AutoScalingGroup(group), .. } => group.desired,
        Request::Change { change: Change::AutoScalingGroup(GroupChange::SetDesired(desired)), .. } => {
            *desired
        }
        _ => return None,
    };
    let (min, max) = bounds(input, tier);
    let bounds = min..=max;
    if bounds.contains(&desired) {
        return None;
    }
    violation(action, "capacity within bounds", format!("{desired} is not within {bounds:?}"))
}

/// Nobody sets a capacity that a policy at AWS may take back.
fn one_owner(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    let Request::Change { id, change: Change::AutoScalingGroup(GroupChange::SetDesired(desired)), .. } =
        &action.request
    else {
        return None;
    };
    let Body::AutoScalingGroup(group) = &resource(input, id)?.body else { return None };
    let standing = group.policies.iter().flatten().find(|policy| policy.scales_in)?;
    violation(action, "capacity has one owner", format!("{desired} is set, and {} stands", standing.name))
}

/// No group is pointed at what did not work, unless a person asked for it since.
fn versions(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    let Request::Change { id, change: Change::AutoScalingGroup(GroupChange::Settings(wanted)), .. } =
        &action.request
    else {
        return None;
    };
    let tier = input.spec.tiers.iter().find(|tier| parts::auto_scaling_group(&tier.name) == action.part)?;
    let entry = input.ledger.get(&parts::launch_template(&tier.name))?;
    let failed = entry.versions.failed.as_ref()?;
    let Body::AutoScalingGroup(group) = &resource(input, id)?.body else { return None };
    let moves = group.template_version != wanted.template_version;
    let asked = input.requested.is_some_and(|request| Some(request) != failed.requested.as_deref());
    let same = failed.version.number == wanted.template_version
        && failed.version.instance_types == wanted.instance_types;
    if !moves || !same || asked {
        return None;
    }
    violation(action, "what failed stays out", format!("version {}: {}", failed.version.number, failed.why))
}

/// The bounds of a tier. Where the spec leaves those of the group alone, its own hold as well.
fn bounds(input: &PlanInput<'_>, tier: &Tier) -> (u32, u32) {
    let Capacity { min, max, .. } = tier.capacity;
    let part = parts::auto_scaling_group(&tier.name);
    let left = |field| ignore_policy(&input.spec.ignore, part.as_str(), field).is_some();
    match input.inventory.present(&part).map(|row| &row.body) {
        Some(Body::AutoScalingGroup(group)) => (
            if left("min") { min.min(group.min) } else { min },
            if left("max") { max.max(group.max) } else { max },
        ),
        _ => (min, max),
    }
}

fn storage(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    let Request::Change { id, change: Change::DbInstance(DatabaseChange::Modify(modification)), .. } =
        &action.request
    else {
        return None;
    };
    let Body::DbInstance(observed) = &resource(input, id)?.body else { return None };
    let wanted = modification.storage_gib?;
    if wanted >= observed.storage_gib {
        return None;
    }
    violation(action, "storage never shrinks", format!("{} GiB to {wanted} GiB", observed.storage_gib))
}

/// A primary goes only with its stack, after its protection was lifted, with a final snapshot unless the policy is
/// not to take one.
fn data(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    const LAW: &str = "data is kept";
    let Request::Delete { id, options, .. } = &action.request else { return None };
    let row = resource(input, id)?;
    let primary = match &row.body {
        Body::DbInstance(instance) => !instance.is_replica(),
        Body::Secret(_) => false,
        _ => return None,
    };
    let replica = matches!(row.body, Body::DbInstance(_)) && !primary;
    if !input.deleting && !replica {
        return violation(action, LAW, "the stack is not being deleted");
    }
    let policy = input.spec.deletion_policy;
    if policy == DeletionPolicy::Retain && !replica {
        return violation(action, LAW, "the deletion policy is Retain");
    }
    if primary && options.final_snapshot.is_none() && policy != DeletionPolicy::Delete {
        return violation(action, LAW, "no final snapshot, and the deletion policy is not Delete");
    }
    if options.without_recovery && policy != DeletionPolicy::Delete {
        return violation(action, LAW, "without recovery, and the deletion policy is not Delete");
    }
    None
}

/// A replica is deleted only after its role was read again.
fn replicas(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    const LAW: &str = "only replicas go as replicas";
    let Request::Delete { id, .. } = &action.request else { return None };
    let Body::DbInstance(instance) = &resource(input, id)?.body else { return None };
    let guarded = action.precondition == Some(Precondition::IsReplica { id: id.clone() });
    match (instance.is_replica(), guarded) {
        (true, false) => violation(action, LAW, format!("the role of {id} is not read again")),
        (false, true) => violation(action, LAW, format!("{id} is no replica")),
        _ => None,
    }
}

/// No part is made that is there.
fn creations(input: &PlanInput<'_>, _: &Plan, action: &Action) -> Option<Violation> {
    const LAW: &str = "no duplicates";
    let Request::Create { part, body, .. } = &action.request else { return None };
    if input.deleting {
        return violation(action, LAW, "the stack is being deleted");
    }
    let rows = input.inventory.parts.get(part).into_iter().flatten();
    let live = |row: &Resource| {
        row.kind() == body.kind()
            && !(matches!(row.body, Body::NatGateway(_)) && row.state == lamp_cloud::State::Deleting)
    };
    let there = rows.into_iter().find(|row| live(row))?;
    violation(action, LAW, format!("{} is there", there.id))
}

/// One action for a resource, and one for a part: a record holds one intent.
fn one_action_each(plan: &Plan) -> Vec<Violation> {
    const LAW: &str = "one action each";
    let mut parts: BTreeSet<&Part> = BTreeSet::new();
    let mut ids: BTreeSet<(Kind, &str)> = BTreeSet::new();
    let mut violations = Vec::new();
    for action in &plan.actions {
        if !parts.insert(&action.part) {
            violations.extend(violation(action, LAW, "the part has two actions"));
        }
        if let Some(id) = action.request.target().filter(|id| !ids.insert((action.kind, id))) {
            violations.extend(violation(action, LAW, format!("{id} has two actions")));
        }
    }
    violations
}

/// At most the tier's share of instances is replaced at once.
fn budget(input: &PlanInput<'_>, plan: &Plan) -> Vec<Violation> {
    let mut replaced: BTreeMap<&ResourceId, Vec<&Action>> = BTreeMap::new();
    for action in &plan.actions {
        if let Request::ReplaceInstance { group, .. } = &action.request {
            replaced.entry(group).or_default().push(action);
        }
    }
    let over = |(group, actions): (&ResourceId, Vec<&Action>)| {
        let part = resource(input, group).and_then(Resource::part)?;
        let tier = input.spec.tiers.iter().find(|tier| parts::auto_scaling_group(&tier.name) == part)?;
        let (_, max) = bounds(input, tier);
        let allowed = (max * tier.healing.max_in_flight_percent / 100).max(1) as usize;
        let first = actions.first().filter(|_| actions.len() > allowed)?;
        violation(
            first,
            "disruption budget",
            format!("{} instances at once, {allowed} allowed", actions.len()),
        )
    };
    replaced.into_iter().filter_map(over).collect()
}
