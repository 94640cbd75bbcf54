//! Deleting a stack: everything that is ours by both keys, in reverse order of references, and the data as the spec's
//! deletion policy says.

use std::collections::{BTreeMap, BTreeSet};

use lamp_api::v1alpha1::{DeletionPolicy, PartState};
use lamp_cloud::kinds::security_group::{Change, Peer, Rule, SecurityGroup};
use lamp_cloud::{Body, ErrorClass, Kind, Outcome, Part, Request, Resource, ResourceId, token};

use crate::observed::held;
use crate::parts::Layer;
use crate::protocol::interfaces::foreign;
use crate::protocol::{Removal, final_snapshot, propose, remove};
use crate::{Action, Blocker, DatabaseReport, Draft, Effect, Settlement, obsolete, parts};

/// Plans the next safe steps of a deletion.
pub(crate) fn plan_teardown(draft: &mut Draft<'_>) {
    let declared = obsolete::declared(&draft.input);
    let retained = retained(draft, &declared);
    let mut left = false;
    find_foreign(draft, &declared, &retained);
    for (part, kind) in &declared {
        if !retained.contains(part) {
            left |= !remove_one(draft, part, *kind);
        }
    }
    for part in &retained {
        left |= !release(draft, part, declared.get(part).copied(), &retained);
    }
    report_database(draft);
    if left {
        find_refusals(draft);
        return obsolete::settle_live_records(draft);
    }
    for part in draft.input.ledger.keys() {
        draft.settle(part, Settlement::Forget);
    }
    draft.plan.finished = true;
}

/// What others have in the way is named from the start, though much of ours goes before it.
fn find_foreign(draft: &mut Draft<'_>, declared: &BTreeMap<Part, Kind>, retained: &BTreeSet<Part>) {
    for (part, kind) in declared.iter().filter(|(part, _)| !retained.contains(*part)) {
        if let Some(row) = held(&draft.input, part, *kind) {
            foreign(draft, part, row);
        }
    }
}

/// Where AWS refuses a deletion and nothing else says why, its refusal must do.
fn find_refusals(draft: &mut Draft<'_>) {
    let named: BTreeSet<Part> = draft.plan.blockers.iter().map(|blocker| blocker.part.clone()).collect();
    let waiting = draft.plan.parts.keys().filter(|part| !named.contains(*part));
    let refusals: Vec<Blocker> = waiting.filter_map(|part| refusal(draft, part)).collect();
    draft.plan.blockers.extend(refusals);
}

fn refusal(draft: &Draft<'_>, part: &Part) -> Option<Blocker> {
    let entry = draft.entry(part)?;
    let (id, last) = (entry.id.clone()?, entry.last.as_ref()?);
    let Outcome::Failed(error) = &last.outcome else { return None };
    let message = format!("{id} ({part}): AWS refuses {}: {}", error.operation, error.message);
    let by = error.code.clone();
    (error.class == ErrorClass::Dependency).then(|| Blocker {
        part: part.clone(),
        id,
        by,
        message,
        foreign: false,
    })
}

fn remove_one(draft: &mut Draft<'_>, part: &Part, kind: Kind) -> bool {
    let removal = removal(draft);
    let gone = remove(draft, part, kind, "the stack is being deleted", &removal);
    if gone {
        draft.plan.parts.remove(part);
    }
    gone
}

fn removal(draft: &Draft<'_>) -> Removal {
    match draft.input.spec.deletion_policy {
        DeletionPolicy::Delete => {
            Removal { data_consent: true, final_snapshot: false, without_recovery: true }
        }
        DeletionPolicy::Snapshot => {
            Removal { data_consent: true, final_snapshot: true, without_recovery: false }
        }
        DeletionPolicy::Retain => Removal::default(),
    }
}

fn report_database(draft: &mut Draft<'_>) {
    if draft.input.spec.database.is_none() {
        return;
    }
    let part = parts::database();
    let row = held(&draft.input, &part, Kind::DbInstance);
    let present = row.and_then(|row| match &row.body {
        Body::DbInstance(instance) => Some(instance),
        _ => None,
    });
    let recorded = draft.entry(&part).and_then(|entry| entry.id.as_ref());
    let snapshot = recorded.filter(|_| draft.input.spec.deletion_policy == DeletionPolicy::Snapshot);
    draft.plan.database = Some(DatabaseReport {
        status: present.map_or_else(|| "deleted".to_owned(), |instance| instance.facts.status.clone()),
        version: present.map(|instance| instance.version.clone()),
        final_snapshot: snapshot.map(final_snapshot),
        ..DatabaseReport::default()
    });
}

/// The parts that data stands in, if it is to stay.
fn retained(draft: &Draft<'_>, declared: &BTreeMap<Part, Kind>) -> BTreeSet<Part> {
    let mut retained = BTreeSet::new();
    if draft.input.spec.deletion_policy != DeletionPolicy::Retain {
        return retained;
    }
    if !declared.values().any(|kind| kind.holds_data()) {
        return retained;
    }
    // By name as well as by reference: a reading may lack what names it.
    let mut queue: Vec<Part> = declared
        .iter()
        .filter(|(part, kind)| is_of_data(part, **kind))
        .map(|(part, _)| part.clone())
        .collect();
    let owners: BTreeMap<&ResourceId, Part> =
        draft.input.inventory.resources().filter_map(|row| Some((&row.id, row.part()?))).collect();
    while let Some(part) = queue.pop() {
        let rows = draft.input.inventory.parts.get(&part).into_iter().flatten();
        for row in rows {
            let needs = row.body.needs();
            queue.extend(
                needs
                    .iter()
                    .filter_map(|need| owners.get(&need.as_id()?.to_owned()).cloned())
                    .filter(|need| !retained.contains(need)),
            );
        }
        retained.insert(part);
    }
    retained
}

fn is_of_data(part: &Part, kind: Kind) -> bool {
    let subnet = part.as_str().starts_with(parts::subnets(Layer::Data).as_str());
    let group = parts::promotions_before(part).is_some();
    subnet
        || group
        || matches!(kind, Kind::Vpc | Kind::DbSubnetGroup | Kind::DbParameterGroup)
        || kind.holds_data()
}

/// Leaves a part where it is, once it no longer names what goes. `true` when nothing is left to do.
fn release(draft: &mut Draft<'_>, part: &Part, kind: Option<Kind>, retained: &BTreeSet<Part>) -> bool {
    let Some(kind) = kind else { return true };
    if let Some(why) = draft.input.inventory.region.unknown(kind.listing()) {
        let why = format!("{} could not be listed: {why}", kind.name());
        draft.report(part, kind, None, PartState::Unknown, why);
        return false;
    }
    let Some(row) = held(&draft.input, part, kind) else { return true };
    let reason = "kept, as spec.deletionPolicy is Retain".to_owned();
    draft.report(part, row.kind(), Some(&row.id), PartState::Ready, reason);
    let Body::SecurityGroup(group) = &row.body else { return true };
    let going = going_rules(draft, group, retained);
    match going {
        Some(change) => {
            revoke(draft, part, row, change);
            false
        }
        None => true,
    }
}

/// Rules that name security groups which are deleted: AWS does not delete a group that a rule names.
fn going_rules(draft: &Draft<'_>, group: &SecurityGroup, retained: &BTreeSet<Part>) -> Option<Change> {
    let kept: BTreeSet<&str> = retained
        .iter()
        .filter_map(|part| held(&draft.input, part, Kind::SecurityGroup))
        .map(|row| row.id.as_str())
        .collect();
    let goes = |rule: &&Rule| match &rule.peer {
        Peer::Group(peer) => peer.as_id().is_some_and(|id| !kept.contains(id)),
        Peer::Range(_) => false,
    };
    let of = |rules: &[Rule]| -> Vec<Rule> { rules.iter().filter(goes).cloned().collect() };
    let (ingress, egress) = (of(&group.ingress), of(&group.egress));
    if !ingress.is_empty() {
        Some(Change::RevokeIngress(ingress))
    } else if !egress.is_empty() {
        Some(Change::RevokeEgress(egress))
    } else {
        None
    }
}

fn revoke(draft: &mut Draft<'_>, part: &Part, row: &Resource, change: Change) {
    let change = lamp_cloud::Change::SecurityGroup(change);
    let token = token(draft.input.owner, part, "release", 0);
    let action = Action {
        part: part.clone(),
        kind: Kind::SecurityGroup,
        effect: Effect::Update,
        request: Request::Change { id: row.id.clone(), token, change },
        reason: "it names security groups that are being deleted".to_owned(),
        changes: Vec::new(),
        precondition: None,
    };
    propose(draft, action, Some(&row.id), PartState::Progressing);
}
