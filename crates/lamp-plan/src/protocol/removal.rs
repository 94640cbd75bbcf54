//! Removing a part: with both keys, after everything that uses it, and with what its data needs.

use jiff::Timestamp;
use lamp_api::v1alpha1::PartState;
use lamp_cloud::{Body, DeleteOptions, Kind, Part, Request, Resource, ResourceId, State, Tags};

use super::attempt::propose;
use super::compare::change_request;
use super::users::{going_until, instances, only_rules_name_it, unknown_users, users};
use super::{absence, adopt, intents, interfaces, is_stale, stale, unknown};
use crate::observed::{Holding, find, list, referrers};
use crate::{Action, Draft, Effect, Precondition, Settlement};

/// What may be done to data.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Removal {
    /// Whether data may go. Without it, what holds data is left and blocks.
    pub data_consent: bool,
    /// Takes a final snapshot of what is no replica.
    pub final_snapshot: bool,
    /// Deletes a secret at once instead of keeping it restorable.
    pub without_recovery: bool,
}

/// Plans the next safe step to remove a part. `true` once it is gone for good, and its record with it.
pub fn remove(draft: &mut Draft<'_>, part: &Part, kind: Kind, reason: &str, removal: &Removal) -> bool {
    let holding = find(&draft.input, part, kind);
    if let Holding::Unknown(why) = holding {
        unknown(draft, part, kind, why);
        return false;
    }
    if is_stale(draft, part) {
        stale(draft, part, kind);
        return false;
    }
    match holding {
        Holding::Held(row) => {
            if intents::settle(draft, part, kind) {
                delete(draft, part, row, Effect::Delete, reason.to_owned(), removal);
            }
            false
        }
        Holding::Proven(row) => {
            draft.settle(part, Settlement::Created(row.id.clone()));
            delete(draft, part, row, Effect::Delete, reason.to_owned(), removal);
            false
        }
        Holding::Unrecorded(row) => {
            if adopt(draft, part, row) {
                delete(draft, part, row, Effect::Delete, reason.to_owned(), removal);
            }
            false
        }
        Holding::Gone => grave(draft, part, kind),
        Holding::Absent { since } => absent(draft, part, kind, since),
        Holding::Unknown(_) => false,
    }
}

fn forget(draft: &mut Draft<'_>, part: &Part) -> bool {
    if draft.entry(part).is_some() {
        draft.settle(part, Settlement::Forget);
    }
    true
}

fn grave(draft: &mut Draft<'_>, part: &Part, kind: Kind) -> bool {
    match draft.entry(part).and_then(going_until).filter(|until| draft.input.now < *until) {
        Some(until) => {
            draft.look_at(until);
            draft.report(part, kind, None, PartState::Deleting, "AWS is removing it".to_owned());
            false
        }
        None => forget(draft, part),
    }
}

fn absent(draft: &mut Draft<'_>, part: &Part, kind: Kind, since: Timestamp) -> bool {
    let Some(entry) = draft.entry(part) else { return true };
    let agreed_at = since + draft.input.settings.agreement;
    let window = draft.input.settings.consistency_window;
    let certain_at = match (&entry.open, &entry.last) {
        (Some(intent), _) if intents::is_creation(intent) => intents::quarantine_end(draft, intent),
        (Some(_), _) if !intents::settle(draft, part, kind) => return false,
        (_, Some(last)) if is_deletion(&last.request) && absence::is_effective(&last.outcome) => agreed_at,
        _ => entry.created_at.map_or(agreed_at, |at| at + window),
    };
    if intents::is_over(draft, certain_at, since) {
        // What we did not delete ourselves may only not be listed: to forget it then would leave it behind.
        let unaccounted = entry.id.clone().filter(|id| !absence::deleted_by_us(entry, id));
        return match unaccounted {
            Some(id) if !absence::is_lost(draft, part, kind, &id) => false,
            _ => forget(draft, part),
        };
    }
    draft.look_at(certain_at.max(agreed_at));
    entry.id.iter().for_each(|id| draft.ask(kind, id));
    let reason = "not listed any more; a later reading must agree".to_owned();
    draft.report(part, kind, entry.id.as_ref(), PartState::Deleting, reason);
    false
}

fn is_deletion(request: &Request) -> bool {
    matches!(request, Request::Delete { .. })
}

/// Plans the deletion of a resource that is ours, or what must come before it.
pub(super) fn delete(
    draft: &mut Draft<'_>,
    part: &Part,
    row: &Resource,
    effect: Effect,
    reason: String,
    removal: &Removal,
) {
    if let Some(why) = refused(row, removal) {
        return draft.block(part, row.kind(), Some(&row.id), why);
    }
    if let Some((state, why)) = not_yet(draft, row) {
        return draft.report(part, row.kind(), Some(&row.id), state, why);
    }
    let change = row.body.before_delete().into_iter().next();
    // What comes before is not held by interfaces, but for the detachment of an internet gateway.
    let is_held = change.is_none() || row.kind() == Kind::InternetGateway;
    if interfaces::hold(draft, part, row) && is_held {
        return;
    }
    let (request, reason) = match change {
        Some(change) => {
            (change_request(draft, part, row, change), format!("{reason}; this comes before its deletion"))
        }
        None if only_rules_name_it(draft, row) => {
            let users = list(&referrers(&draft.input, &row.id));
            let why = format!("waiting until no rule names it: {users}");
            return draft.report(part, row.kind(), Some(&row.id), PartState::Waiting, why);
        }
        None => (deletion(draft, part, row, removal), reason),
    };
    let is_replica = matches!(&row.body, Body::DbInstance(instance) if instance.is_replica());
    // What prepares the deletion has it too: a replica that was promoted meanwhile keeps its protection.
    let precondition = is_replica.then(|| Precondition::IsReplica { id: row.id.clone() });
    let effect = if is_deletion(&request) { effect } else { Effect::Update };
    let action = Action {
        part: part.clone(),
        kind: row.kind(),
        effect,
        request,
        reason,
        changes: Vec::new(),
        precondition,
    };
    propose(draft, action, Some(&row.id), PartState::Deleting);
}

/// Why data is not deleted, if it is not.
fn refused(row: &Resource, removal: &Removal) -> Option<String> {
    let replica = matches!(&row.body, Body::DbInstance(instance) if instance.is_replica());
    if !row.kind().holds_data() || replica {
        return None;
    }
    if !removal.data_consent {
        return Some(format!("{} holds data and is not deleted without consent", row.id));
    }
    let failed = matches!(row.state, State::Failed(_)) && row.kind() == Kind::DbInstance;
    (failed && removal.final_snapshot).then(|| {
        format!(
            "{} failed, and AWS takes no snapshot of it; repair it, or set spec.deletionPolicy to Delete to lose its data",
            row.id
        )
    })
}

/// What its deletion waits for.
fn not_yet(draft: &Draft<'_>, row: &Resource) -> Option<(PartState, String)> {
    match &row.state {
        State::Deleting => return Some((PartState::Deleting, "AWS is removing it".to_owned())),
        State::Pending(word) if row.kind() == Kind::DbInstance => {
            return Some((PartState::Waiting, format!("waiting until it is available: {word}")));
        }
        _ => {}
    }
    if let Some(why) = unknown_users(draft, row.kind()) {
        return Some((PartState::Unknown, why));
    }
    let users = users(draft, row);
    if !users.is_empty() {
        return Some((PartState::Waiting, format!("still used by {}", list(&users))));
    }
    let instances = instances(draft, row.kind());
    (instances > 0)
        .then(|| (PartState::Waiting, format!("still used by {instances} instances that are leaving")))
}

fn deletion(draft: &Draft<'_>, part: &Part, row: &Resource, removal: &Removal) -> Request {
    let primary = matches!(&row.body, Body::DbInstance(instance) if !instance.is_replica());
    let snapshot = primary && removal.final_snapshot;
    let options = DeleteOptions {
        final_snapshot: snapshot.then(|| final_snapshot(&row.id)),
        snapshot_tags: if snapshot { draft.input.owner.identity(part) } else { Tags::new() },
        without_recovery: removal.without_recovery && row.kind() == Kind::Secret,
    };
    Request::Delete { kind: row.kind(), id: row.id.clone(), options }
}

/// Name of the final snapshot of a database: the same with every attempt, as AWS refuses to take it twice.
pub(crate) fn final_snapshot(database: &ResourceId) -> String {
    format!("{database}-final")
}
