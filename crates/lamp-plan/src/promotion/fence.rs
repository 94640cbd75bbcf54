//! Security groups of the database: after each promotion another one. The group of a primary that was replaced has no
//! rules, so that nobody reaches what stands in it, whatever becomes of it.

use lamp_cloud::kinds::security_group::SecurityGroup;
use lamp_cloud::{Body, Kind, Part, Reference, Resource, ResourceId};

use super::{instance, last};
use crate::observed::held;
use crate::protocol::is_stale;
use crate::{Draft, PlanInput, parts};

/// The group in which the database stands now, or is to stand.
pub(crate) fn security_group(input: &PlanInput<'_>) -> Part {
    parts::database_security_group_after(generation(input))
}

fn generation(input: &PlanInput<'_>) -> u32 {
    last(input).map_or(0, lamp_cloud::Promotion::generation)
}

/// The groups that tiers reach the database by: the one of now, that of the old primary until the replica has left it,
/// and one of a promotion that was called off until all have left it.
pub(crate) fn open_groups(input: &PlanInput<'_>) -> Vec<Part> {
    let mut open = vec![security_group(input)];
    open.extend(others(input).filter(|part| !is_fenced(input, part)));
    open
}

/// The groups that nobody is let in by.
pub(crate) fn fenced_groups(input: &PlanInput<'_>) -> Vec<Part> {
    others(input).filter(|part| is_fenced(input, part)).collect()
}

/// Recorded groups of the database but the one of now, as long as something may stand in them.
fn others<'a>(input: &'a PlanInput<'_>) -> impl Iterator<Item = Part> + 'a {
    let now = generation(input);
    let recorded =
        input.ledger.keys().filter(move |part| parts::promotions_before(part).is_some_and(|n| n != now));
    recorded.filter(|part| is_used(input, part)).cloned()
}

fn is_used(input: &PlanInput<'_>, part: &Part) -> bool {
    if input.inventory.region.unknown(Kind::DbInstance.listing()).is_some() {
        return true;
    }
    let Some(id) = input.ledger.get(part).and_then(|entry| entry.id.as_deref()) else { return false };
    let stands = |row: &Resource| match &row.body {
        Body::DbInstance(body) => body.security_groups.iter().any(|group| group.as_id() == Some(id)),
        _ => false,
    };
    let kept = super::under_way(input).is_some();
    kept || input.inventory.resources().any(|row| stands(row))
}

/// Whether a part is the group of a primary that was replaced, or is about to be: then it has no rules, whatever else is
/// said about it.
pub(crate) fn is_fenced(input: &PlanInput<'_>, part: &Part) -> bool {
    let Some(before) = parts::promotions_before(part) else { return false };
    before < generation(input) && super::under_way(input).is_none_or(|open| has_moved(input, &open.to))
}

/// Whether an instance stands in the group of now, and in no other.
pub(super) fn has_moved(input: &PlanInput<'_>, id: &str) -> bool {
    let Some(group) = held(input, &security_group(input), Kind::SecurityGroup) else { return false };
    let only = [Reference::id(group.id.as_str())];
    instance(input, id).is_some_and(|(_, body)| body.security_groups == only)
}

/// The groups of the old primary, once a reading shows that nobody is let in by them; else what is in the way.
pub(super) fn verify(draft: &Draft<'_>, from: &str) -> Result<Vec<ResourceId>, String> {
    let input = &draft.input;
    let mut fences = Vec::new();
    for part in input.ledger.keys().filter(|part| is_fenced(input, part)) {
        let recorded = held(input, part, Kind::SecurityGroup);
        let Some(row) = recorded else { continue };
        let busy = input.ledger.get(part).is_some_and(|entry| entry.open.is_some());
        if busy || is_stale(draft, part) || !is_shut(row) {
            return Err(format!("the way to {from} is being closed: {part} still lets the tiers in"));
        }
        fences.push(row.id.clone());
    }
    let stands_in = instance(input, from).map(|(_, body)| body.security_groups.clone()).unwrap_or_default();
    let foreign =
        stands_in.iter().filter_map(Reference::as_id).find(|id| !fences.iter().any(|fence| fence == id));
    match foreign {
        Some(id) => {
            Err(format!("{from} also stands in {id}, which is not closed: take it out of that group"))
        }
        None => Ok(fences),
    }
}

fn is_shut(row: &Resource) -> bool {
    matches!(&row.body, Body::SecurityGroup(SecurityGroup { ingress, .. }) if ingress.is_empty())
}
