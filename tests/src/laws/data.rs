//! Data: what holds it, and what becomes of it.

use std::collections::BTreeSet;

use lamp_api::v1alpha1::DeletionPolicy;
use lamp_cloud::{Body, Request, tag};

use super::{Case, Scene};

/// S-D2: a primary goes only with its stack, and not without a final snapshot unless the policy is `Delete`.
pub(super) fn nothing_goes_without_a_snapshot(case: &Case<'_>) -> Option<String> {
    let Request::Delete { options, .. } = case.request else { return None };
    let row = case.subject.as_ref()?;
    let primary = match &row.body {
        Body::DbInstance(body) => !body.is_replica(),
        Body::Secret(_) => false,
        _ => return None,
    };
    let replica = matches!(row.body, Body::DbInstance(_)) && !primary;
    if replica {
        return None;
    }
    let policy = case.dossier.as_ref()?.spec.deletion_policy;
    let why = if !case.deleting() {
        "its stack stays"
    } else if policy == DeletionPolicy::Retain {
        "the policy is Retain"
    } else if primary && options.final_snapshot.is_none() && policy != DeletionPolicy::Delete {
        "it has no final snapshot"
    } else if options.without_recovery && policy != DeletionPolicy::Delete {
        "it cannot be restored"
    } else {
        return None;
    };
    Some(format!("{} is deleted, and {why}", row.id))
}

/// S-D3: what is deleted as a replica is one, in truth.
pub(super) fn only_replicas_go_as_replicas(case: &Case<'_>) -> Option<String> {
    let Request::Delete { id, .. } = case.request else { return None };
    let Body::DbInstance(body) = &case.subject.as_ref()?.body else { return None };
    let as_replica = case.part()?.starts_with("replica/");
    (as_replica && !body.is_replica()).then(|| format!("{id} is deleted as a replica, and is none any more"))
}

/// S-D5: what held data is not made again empty unless a person consented.
pub(super) fn nothing_is_made_again_empty(case: &Case<'_>) -> Option<String> {
    let Request::Create { part, body, .. } = case.request else { return None };
    let holds = match body {
        Body::DbInstance(body) => !body.is_replica(),
        Body::Secret(_) => true,
        _ => false,
    };
    let held = case.scene.history.held_data.contains(&(case.uid.clone(), part.to_string()));
    let confirmed = case.dossier.as_ref().is_some_and(|dossier| dossier.confirmed);
    (holds && held && !confirmed).then(|| format!("{part} held data, and is made again empty"))
}

/// S-P1: of each stack one database at most can be written by whom its security groups let in.
pub(super) fn one_primary(scene: &Scene<'_>) -> Option<String> {
    let uids: BTreeSet<&String> = scene.world.resources().filter_map(|row| row.tags.get(tag::UID)).collect();
    uids.into_iter().find_map(|uid| {
        let ids = scene.world.reachable_primaries(uid);
        (ids.len() > 1).then(|| format!("stack {uid} writes to {}", ids.join(" and ")))
    })
}
