//! May this resource be taken over as that part?

use lamp_cloud::{Kind, Part, Resource, ResourceId, State, tag};

use super::{Future, Named, place};
use crate::observed::rows;
use crate::{Draft, parts};

/// What is to be done about a named resource.
#[derive(Debug)]
pub(super) enum Verdict<'a> {
    /// It carries our tags, and is listed with them.
    Tagged(&'a Resource),
    /// Nobody has it, and nothing speaks against taking it.
    Free(&'a Resource),
    /// It cannot be said yet, and why.
    Unknown(String),
    /// It is not taken, and why.
    Refused(String),
    /// It is long past: nothing waits for it.
    Past(String),
}

pub(super) fn judge<'a>(draft: &Draft<'a>, future: &Future, one: &Named) -> Verdict<'a> {
    let (part, id) = (&one.part, &one.id);
    let Some(kind) = one.kind.filter(|_| future.wanted.contains(part)) else {
        return past_or_refused(draft, one, format!("the spec has no part {part}"));
    };
    if let Some(why) = misnamed(draft, part, kind, id) {
        return Verdict::Refused(why);
    }
    let inventory = draft.input.inventory;
    if let Some(why) = inventory.region.unknown(kind.listing()) {
        return Verdict::Unknown(format!("{} could not be listed: {why}", kind.name()));
    }
    let listed = rows(&draft.input, part, kind);
    match (listed.iter().find(|row| row.id == *id), listed.first()) {
        (Some(row), _) => return Verdict::Tagged(row),
        (None, Some(other)) => return Verdict::Refused(format!("{} is {part} of this stack", other.id)),
        (None, None) => {}
    }
    match inventory.described(kind, id) {
        None => Verdict::Unknown(format!("AWS is asked for {id} by its id")),
        Some(None) => past_or_refused(draft, one, "AWS knows nothing of it".to_owned()),
        Some(Some(row)) => match objection(draft, future, part, row) {
            Some(why) => Verdict::Refused(why),
            None => Verdict::Free(row),
        },
    }
}

/// What the annotation itself says wrongly.
fn misnamed(draft: &Draft<'_>, part: &Part, kind: Kind, id: &ResourceId) -> Option<String> {
    if !kind.may_have_id(id) {
        return Some(format!("{part} is of kind {}, which has no such ids", kind.name()));
    }
    let named = draft.input.adoption.parts.iter();
    let mut others = named.filter(|(other, named)| *named == id && *other != part).map(|(other, _)| other);
    if let Some(other) = others.find(|other| in_one_namespace(kind, part, other)) {
        return Some(format!("it is named as {other} as well"));
    }
    let recorded = draft.input.ledger.iter();
    let mut recorded = recorded.filter(|(other, entry)| entry.id.as_ref() == Some(id) && *other != part);
    let (other, _) = recorded.find(|(other, _)| in_one_namespace(kind, part, other))?;
    Some(format!("it is {other} of this stack"))
}

/// Whether equal ids of two parts are one resource. Kinds that AWS knows by name may have the same one: a group and a
/// database, for example.
fn in_one_namespace(kind: Kind, part: &Part, other: &Part) -> bool {
    let family = |part: &Part| part.as_str().split('/').next().unwrap_or_default().to_owned();
    let by_name = matches!(
        kind,
        Kind::AutoScalingGroup | Kind::DbSubnetGroup | Kind::DbParameterGroup | Kind::DbInstance
    );
    let databases = |part: &Part| *part == parts::database() || parts::replica_slot(part).is_some();
    !by_name || family(part) == family(other) || (databases(part) && databases(other))
}

/// Why a resource that is there is not taken.
fn objection(draft: &Draft<'_>, future: &Future, part: &Part, row: &Resource) -> Option<String> {
    if let Some((key, value)) = contradiction(draft, part, row) {
        return Some(format!("its tag {key}={value} says that it belongs to another stack or part"));
    }
    match &row.state {
        State::Deleting => return Some("it is being deleted".to_owned()),
        State::Failed(why) => return Some(format!("AWS says that it failed: {why}")),
        State::Pending(_) | State::Ready => {}
    }
    if let Some(stray) = place::outside(draft, &row.body) {
        return Some(format!("it stands in {stray}, which is neither named nor part of this stack"));
    }
    let obstacle = future.obstacle(part)?;
    Some(format!("{obstacle}; put the spec right, or let spec.ignore leave the field alone"))
}

/// A tag that says that it is another's. What carries our tags and belonged to a stack that is lost is nobody's.
fn contradiction<'a>(draft: &Draft<'_>, part: &Part, row: &'a Resource) -> Option<(&'a str, &'a str)> {
    let uid = row.tags.get(tag::UID);
    let is_left = uid.is_some_and(|uid| draft.input.adoption.lost.contains(uid));
    let mut contradictions = draft.input.owner.contradictions(part, &row.tags);
    contradictions.find(|(key, _)| !(is_left && [tag::UID, tag::STACK].contains(key)))
}

/// A resource that cannot be found stops a takeover that has not begun. After one, an annotation may stay that names
/// what is gone by now; only data is never taken for gone.
fn past_or_refused<'a>(draft: &Draft<'_>, one: &Named, why: String) -> Verdict<'a> {
    let recorded = |(part, id): (&Part, &ResourceId)| {
        draft.entry(part).is_some_and(|entry| entry.id.as_ref() == Some(id))
    };
    let begun = draft.input.adoption.parts.iter().any(recorded);
    let data = one.kind.is_some_and(Kind::holds_data) && parts::replica_slot(&one.part).is_none();
    if begun && !data { Verdict::Past(why) } else { Verdict::Refused(why) }
}
