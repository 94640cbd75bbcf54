//! A part that is there, compared with what the spec wants, field by field.

use jiff::Timestamp;
use lamp_api::v1alpha1::PartState;
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::{Body, Change, Difference, Mutability, Part, Request, Resource, State, token};

use super::attempt::propose;
use super::removal::{Removal, delete};
use crate::disruption::{self, Permit, how_to_consent, report_pending, waits_until};
use crate::kinds::{consequence, promotes_anothers, without_disruption, yield_to_owners};
use crate::left_alone::{self, Cause, Split};
use crate::observed::{list, referrers, resolve};
use crate::{Action, Draft, Effect, PlanInput, Wanted, ailments, contention};

pub(super) fn present(draft: &mut Draft<'_>, wanted: &Wanted, row: &Resource) {
    match &row.state {
        State::Ready => ready(draft, wanted, row),
        State::Pending(word) => {
            draft.report(&wanted.part, wanted.kind, Some(&row.id), PartState::Progressing, word.clone());
        }
        State::Deleting => {
            let reason = "it is being deleted; it is made again once it is gone".to_owned();
            draft.report(&wanted.part, wanted.kind, Some(&row.id), PartState::Deleting, reason);
        }
        State::Failed(why) => failed(draft, wanted, row, why),
    }
}

/// AWS gave up on it: what holds no data is deleted, and made again when it is gone.
fn failed(draft: &mut Draft<'_>, wanted: &Wanted, row: &Resource, why: &str) {
    let replica = matches!(&row.body, Body::DbInstance(instance) if instance.is_replica());
    if wanted.kind.holds_data() && !replica {
        let remedy = ailments::remedy(why).unwrap_or("repair or restore it");
        let reason = format!("AWS says that it failed: {why}; it holds data, so a person must act: {remedy}");
        return draft.block(&wanted.part, wanted.kind, Some(&row.id), reason);
    }
    let reason = format!("AWS says that it failed: {why}; it is made again");
    delete(draft, &wanted.part, row, Effect::Replace, reason, &Removal::default());
}

/// What of a part that stands is not as it shall be, with the parts that must be known before that is certain.
pub(crate) fn differences(
    input: &PlanInput<'_>,
    wanted: &Wanted,
    row: &Resource,
) -> (Vec<Difference>, Vec<Part>) {
    let Ok(body) = &wanted.body else { return (Vec::new(), Vec::new()) };
    let Comparison { differences, unresolved, .. } = compare(input, &wanted.part, body, row);
    (differences, unresolved)
}

/// A part that is there beside what is wanted of it.
struct Comparison {
    /// What is wanted, with what others own and what is left alone as it was found.
    desired: Body,
    left: Vec<(Difference, Cause)>,
    unresolved: Vec<Part>,
    differences: Vec<Difference>,
}

fn compare(input: &PlanInput<'_>, part: &Part, body: &Body, row: &Resource) -> Comparison {
    let specified = yield_to_owners(body.clone(), row);
    let Split { mut desired, left } = left_alone::split(input, part, specified, &row.body);
    let unresolved = resolve(input, &mut desired, Some(&row.body));
    let differences = desired.differences(&row.body);
    Comparison { desired, left, unresolved, differences }
}

fn ready(draft: &mut Draft<'_>, wanted: &Wanted, row: &Resource) {
    let Ok(body) = &wanted.body else {
        let reason = wanted.body.as_ref().err().cloned();
        return draft.report(&wanted.part, wanted.kind, Some(&row.id), PartState::Waiting, reason);
    };
    let Comparison { desired, left, unresolved, differences } =
        compare(&draft.input, &wanted.part, body, row);
    left_alone::report(draft, &wanted.part, &left);
    draft.differences.insert(wanted.part.clone(), differences.clone());
    // While references are not known, a difference may be none.
    let certain: &[Difference] = if unresolved.is_empty() { &differences } else { &[] };
    let permit = permit(draft, &wanted.part, row, certain);
    let held_back = held_back(draft, wanted, row, certain, permit.as_ref());
    let effective = match permit {
        Some(Permit::Now(_)) => desired,
        _ => without_disruption(desired, &row.body),
    };
    let releases = releases(row, permit.as_ref());
    let mut changes = effective.changes(&row.body).into_iter().filter(|_| releases.is_none());
    let change = changes.find(|change| left.is_empty() || !promotes_anothers(change, &row.body));
    let is_correctable = |difference: &Difference| {
        matches!(difference.mutability, Mutability::InPlace | Mutability::Disruptive)
    };
    let mut corrected = effective.differences(&row.body);
    corrected.retain(is_correctable);
    let is_permitted = matches!(permit, Some(Permit::Now(_)));
    let is_in_place = |difference: &&Difference| match difference.mutability {
        Mutability::Replacement => false,
        Mutability::Disruptive => is_permitted,
        Mutability::InPlace | Mutability::Never => true,
    };
    let in_place = || differences.iter().filter(is_in_place).cloned().collect();
    match (change, held_back) {
        (Some(change), _) => {
            apply(draft, &wanted.part, row, (change, permit), in_place());
            if draft.acts_on(&wanted.part) {
                contention::note(draft, &wanted.part, &corrected);
            }
        }
        (None, Some(HeldBack::Block(reason))) => {
            draft.block(&wanted.part, wanted.kind, Some(&row.id), reason)
        }
        (None, Some(HeldBack::Wait(reason, until))) => {
            until.into_iter().for_each(|until| waits_until(draft, &wanted.part, until));
            draft.report(&wanted.part, wanted.kind, Some(&row.id), PartState::Waiting, reason);
        }
        (None, Some(HeldBack::Replace(reason))) => {
            delete(draft, &wanted.part, row, Effect::Replace, reason, &Removal::default());
        }
        (None, None) => {
            let left = left.iter().map(|(difference, _)| difference.field.as_str());
            contention::forget(draft, &wanted.part, &left.collect::<Vec<_>>());
            match releases {
                Some(body) => report_pending(draft, &wanted.part, row, body),
                None => settled(draft, &wanted.part, row, &differences, &unresolved),
            }
        }
    }
}

/// Whether what interrupts service may be made now; `None` where nothing does.
fn permit(draft: &Draft<'_>, part: &Part, row: &Resource, differences: &[Difference]) -> Option<Permit> {
    let disruptive: Vec<&Difference> =
        differences.iter().filter(|difference| difference.mutability == Mutability::Disruptive).collect();
    (!disruptive.is_empty()).then(|| disruption::permit(draft, part, row, &disruptive))
}

/// The database of which any change would release an interruption that waits for RDS's window, and may not be made.
fn releases<'a>(row: &'a Resource, permit: Option<&Permit>) -> Option<&'a DbInstance> {
    match &row.body {
        Body::DbInstance(body) if body.awaits_disruption() && !matches!(permit, Some(Permit::Now(_))) => {
            Some(body)
        }
        _ => None,
    }
}

/// What is not simply put right.
enum HeldBack {
    Block(String),
    /// For others, or until a time.
    Wait(String, Option<Timestamp>),
    Replace(String),
}

fn held_back(
    draft: &Draft<'_>,
    wanted: &Wanted,
    row: &Resource,
    differences: &[Difference],
    permit: Option<&Permit>,
) -> Option<HeldBack> {
    let of = |mutability| -> Vec<&Difference> {
        differences.iter().filter(|difference| difference.mutability == mutability).collect()
    };
    let (never, replacing) = (of(Mutability::Never), of(Mutability::Replacement));
    if !never.is_empty() {
        let what = show(&never);
        return Some(HeldBack::Block(format!("{what}: AWS cannot change this; put the spec back")));
    }
    if !replacing.is_empty() {
        return Some(replacement(draft, wanted, row, &show(&replacing), &how_to_consent(&draft.input)));
    }
    match permit? {
        Permit::Now(_) => None,
        Permit::Asks(why) => Some(HeldBack::Block(why.clone())),
        Permit::Waits { why, until } => Some(HeldBack::Wait(why.clone(), *until)),
    }
}

fn replacement(draft: &Draft<'_>, wanted: &Wanted, row: &Resource, what: &str, consent: &str) -> HeldBack {
    if wanted.kind.holds_data() {
        return HeldBack::Block(format!(
            "{what}: only another one could have this, and its data would be lost"
        ));
    }
    if !draft.input.confirmed {
        return HeldBack::Block(format!(
            "{what}: it must be deleted and made again, which needs consent: {consent}"
        ));
    }
    let users = referrers(&draft.input, &row.id);
    if users.is_empty() {
        return HeldBack::Replace(format!("{what}: replaced with consent"));
    }
    HeldBack::Block(format!(
        "{what}: it must be replaced, but is in use by {}; put the spec back",
        list(&users)
    ))
}

fn show(differences: &[&Difference]) -> String {
    differences.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ")
}

fn apply(
    draft: &mut Draft<'_>,
    part: &Part,
    row: &Resource,
    (change, permit): (Change, Option<Permit>),
    differences: Vec<Difference>,
) {
    let reason = why(draft, &change, permit, &differences);
    let action = Action {
        part: part.clone(),
        kind: row.kind(),
        effect: Effect::Update,
        request: change_request(draft, part, row, change),
        reason,
        changes: differences,
        precondition: None,
    };
    let state = if is_new(draft, part) { PartState::Progressing } else { PartState::Drifted };
    propose(draft, action, Some(&row.id), state);
}

/// Why a change is made, and what it costs.
fn why(draft: &Draft<'_>, change: &Change, permit: Option<Permit>, differences: &[Difference]) -> String {
    let what: Vec<&str> = differences.iter().map(|difference| difference.field.as_str()).collect();
    let reason = match what.as_slice() {
        [] => "it is not yet as the spec says".to_owned(),
        fields => format!("differs in {}", fields.join(", ")),
    };
    let interrupts = matches!(change, Change::DbInstance(change) if change.is_disruptive());
    match (permit, consequence(&draft.input, change)) {
        (Some(Permit::Now(cost)), _) if interrupts => format!("{reason}; {cost}"),
        (_, Some(consequence)) => format!("{reason}; {consequence}"),
        _ => reason,
    }
}

/// A change with a token that is the same for the same change.
pub(super) fn change_request(draft: &Draft<'_>, part: &Part, row: &Resource, change: Change) -> Request {
    let what = serde_json::to_string(&change).unwrap_or_default();
    let version = match &row.body {
        Body::LaunchTemplate(template) => u32::try_from(template.latest_version).unwrap_or(u32::MAX),
        _ => 0,
    };
    let token = token(draft.input.owner, part, &format!("{} {what}", row.id), version);
    Request::Change { id: row.id.clone(), token, change }
}

/// Whether the part is still being completed after its creation: then a difference is no drift.
fn is_new(draft: &Draft<'_>, part: &Part) -> bool {
    let created_at = draft.entry(part).and_then(|entry| entry.created_at);
    created_at.is_none_or(|at| draft.input.now < at + 2 * draft.input.settings.consistency_window)
}

/// Nothing can be changed now: it waits for others, lacks tags, was not read completely, or is as it should be.
fn settled(
    draft: &mut Draft<'_>,
    part: &Part,
    row: &Resource,
    differences: &[Difference],
    unresolved: &[Part],
) {
    let kind = row.kind();
    let identity = draft.input.owner.identity_beside(part, &row.tags);
    if !identity.iter().all(|(key, value)| row.tags.get(key) == Some(value)) {
        let action = Action {
            part: part.clone(),
            kind,
            effect: Effect::Update,
            request: Request::Tag { kind, id: row.id.clone(), tags: identity },
            reason: "its tags were changed".to_owned(),
            changes: Vec::new(),
            precondition: None,
        };
        return propose(draft, action, Some(&row.id), PartState::Drifted);
    }
    if !unresolved.is_empty() && !differences.is_empty() {
        let reason = format!("waiting for {}", list(unresolved));
        return draft.report(part, kind, Some(&row.id), PartState::Waiting, reason);
    }
    if draft.input.inventory.incomplete.contains(&row.id) {
        let reason = "its details were not read yet".to_owned();
        return draft.report(part, kind, Some(&row.id), PartState::Unknown, reason);
    }
    if !differences.is_empty() {
        let what = show(&differences.iter().collect::<Vec<_>>());
        return draft.block(part, kind, Some(&row.id), format!("differs, and no call puts it right: {what}"));
    }
    if draft.entry(part).is_some_and(|entry| entry.completed_at.is_none()) {
        draft.plan.completed.insert(part.clone());
    }
    draft.report(part, kind, Some(&row.id), PartState::Ready, None);
}
