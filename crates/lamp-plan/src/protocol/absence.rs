//! A wanted part that is not there: made for the first time, not visible yet, or lost.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::PartState;
use lamp_cloud::{
    Body, Kind, LedgerEntry, Outcome, Part, Request, Resource, ResourceId, State, Tags, tag, token,
};

use super::attempt::propose;
use super::intents;
use crate::observed::{list, resolve};
use crate::status::seconds;
use crate::{Action, Draft, Effect, Settlement, Wanted, naming};

/// The ceiling of making a part again is counted over this time.
const HOUR: SignedDuration = SignedDuration::from_secs(3600);

/// Complete readings since `since` do not list the part.
pub(super) fn absent(draft: &mut Draft<'_>, wanted: &Wanted, since: Timestamp) {
    let entry = draft.entry(&wanted.part);
    match entry.and_then(|entry| entry.open.as_ref()) {
        Some(intent) if intents::is_creation(intent) => {
            return intents::creation(draft, wanted, intent, since);
        }
        Some(_) if !intents::settle(draft, &wanted.part, wanted.kind) => return,
        _ => {}
    }
    let agreed_at = since + draft.input.settings.agreement;
    if draft.input.inventory.observed_at() < agreed_at {
        draft.look_at(agreed_at);
        let id = super::recorded_id(entry);
        id.into_iter().for_each(|id| draft.ask(wanted.kind, id));
        let reason = "not listed once; a second reading must agree".to_owned();
        return draft.report(&wanted.part, wanted.kind, id, PartState::Waiting, reason);
    }
    match entry.and_then(|entry| Some((entry, entry.id.as_ref()?))) {
        Some((entry, id)) => vanished(draft, wanted, entry, id),
        None => create(draft, wanted),
    }
}

/// AWS itself says that the part is gone.
pub(super) fn gone(draft: &mut Draft<'_>, wanted: &Wanted) {
    match draft.entry(&wanted.part) {
        Some(entry) if entry.open.as_ref().is_some_and(intents::is_creation) => {
            next_attempt(draft, wanted, "what was made is gone again");
        }
        Some(entry) if entry.id.is_some() => next_attempt(draft, wanted, "it was deleted"),
        _ => create(draft, wanted),
    }
}

fn next_attempt(draft: &mut Draft<'_>, wanted: &Wanted, why: &str) {
    if let Some(until) = ceiling(draft, &wanted.part) {
        draft.look_at(until);
        let reason = format!(
            "{why}; it was made again too often within an hour (spec.breakers.maxRemakesPerHour), and is not before \
             {}: a person must look",
            seconds(until).0
        );
        return draft.block(&wanted.part, wanted.kind, None, reason);
    }
    draft.settle(&wanted.part, Settlement::NextAttempt);
    draft.look_at(draft.input.now);
    let reason = format!("{why}; it is made again");
    draft.report(&wanted.part, wanted.kind, None, PartState::Progressing, reason);
}

/// Until when a part is not made again, as that was done too often.
fn ceiling(draft: &Draft<'_>, part: &Part) -> Option<Timestamp> {
    let remakes = draft.entry(part).map(|entry| entry.remakes.as_slice()).unwrap_or_default();
    let allowed = usize::try_from(draft.input.spec.breakers.max_remakes_per_hour).unwrap_or(usize::MAX);
    // The last `allowed` of them fall within an hour.
    let first = remakes.len().checked_sub(allowed).and_then(|index| remakes.get(index))?;
    let until = first.checked_add(HOUR).ok()?;
    (draft.input.now < until).then_some(until)
}

/// A recorded resource is no longer listed.
fn vanished(draft: &mut Draft<'_>, wanted: &Wanted, entry: &LedgerEntry, id: &ResourceId) {
    if deleted_by_us(entry, id) {
        return next_attempt(draft, wanted, "it was deleted to be replaced");
    }
    let visible_at = entry.created_at.map(|at| at + draft.input.settings.consistency_window);
    if let Some(visible_at) = visible_at.filter(|at| draft.input.inventory.observed_at() < *at) {
        draft.look_at(visible_at);
        let reason = "created, and not visible yet".to_owned();
        return draft.report(&wanted.part, wanted.kind, Some(id), PartState::Progressing, reason);
    }
    if is_lost(draft, &wanted.part, wanted.kind, id) {
        lost(draft, wanted, id);
    }
}

/// What AWS says of a recorded resource that no reading lists, asked for it by its id.
enum Answer {
    /// AWS was not asked yet, or did not answer.
    Unanswered,
    /// There is no such resource.
    Gone,
    /// AWS is removing it.
    Going,
    /// The name is another resource's now.
    Anothers,
    /// It is there and ours, or may be shown as that soon.
    Ours,
    /// It is there, without our tags.
    Untagged,
}

fn answer(draft: &Draft<'_>, part: &Part, kind: Kind, id: &ResourceId) -> Answer {
    match draft.input.inventory.described(kind, id) {
        None => Answer::Unanswered,
        Some(None) => Answer::Gone,
        Some(Some(found)) if found.state == State::Deleting => Answer::Going,
        Some(Some(found)) if is_anothers(draft, part, found) => Answer::Anothers,
        Some(Some(found)) if found.belongs_to(draft.input.owner) => Answer::Ours,
        Some(Some(_)) if was_tagged_just_now(draft, part, id) => Answer::Ours,
        Some(Some(_)) => Answer::Untagged,
    }
}

/// Whether a recorded resource that no reading lists is gone for certain: AWS, asked for it by its id, must say so.
pub(super) fn is_lost(draft: &mut Draft<'_>, part: &Part, kind: Kind, id: &ResourceId) -> bool {
    draft.ask(kind, id);
    let next_look = draft.input.inventory.observed_at() + draft.input.settings.agreement;
    match answer(draft, part, kind, id) {
        Answer::Gone => return true,
        Answer::Unanswered => {
            draft.look_at(next_look);
            let reason = format!("{id} is not listed any more; AWS is asked for it by its id");
            draft.report(part, kind, Some(id), PartState::Unknown, reason);
        }
        Answer::Ours => {
            draft.look_at(next_look);
            let reason =
                format!("{id} is not listed, but AWS shows it by its id: the listing is not believed");
            draft.report(part, kind, Some(id), PartState::Unknown, reason);
        }
        Answer::Going => {
            let reason = format!("somebody deleted {id}; AWS is removing it");
            draft.report(part, kind, Some(id), PartState::Deleting, reason);
        }
        Answer::Anothers => draft.block(part, kind, Some(id), name_taken(kind, id)),
        Answer::Untagged => put_tags_back(draft, part, kind, id),
    }
    false
}

fn name_taken(kind: Kind, id: &ResourceId) -> String {
    format!(
        "{id} was deleted, and another {} of this name was made since: it is not touched; delete it, or give it \
         the tags of this stack and annotate the stack with lamplighter.dev/adopt",
        kind.name()
    )
}

/// Whether a resource under a recorded name is not the recorded one: it was made long after that was known to exist.
fn is_anothers(draft: &Draft<'_>, part: &Part, found: &Resource) -> bool {
    let known_at = draft.entry(part).and_then(|entry| entry.created_at);
    let window = draft.input.settings.consistency_window;
    matches!((found.created_at, known_at), (Some(made_at), Some(known_at)) if made_at > known_at + window)
}

/// Whether a listing may not show yet that the tags are there again.
fn was_tagged_just_now(draft: &Draft<'_>, part: &Part, id: &ResourceId) -> bool {
    let window = draft.input.settings.consistency_window;
    let last = draft.entry(part).and_then(|entry| entry.last.as_ref());
    last.is_some_and(|last| {
        matches!(&last.request, Request::Tag { id: tagged, .. } if tagged == id)
            && last.outcome == Outcome::Done
            && draft.input.inventory.observed_at() < last.at + window
    })
}

/// Whether we deleted the resource ourselves.
pub(super) fn deleted_by_us(entry: &LedgerEntry, id: &ResourceId) -> bool {
    entry.last.as_ref().is_some_and(|last| {
        matches!(&last.request, Request::Delete { id: deleted, .. } if deleted == id)
            && is_effective(&last.outcome)
    })
}

/// Whether a deletion with this outcome leaves nothing.
pub(super) fn is_effective(outcome: &Outcome) -> bool {
    match outcome {
        Outcome::Done => true,
        Outcome::Failed(error) => error.class == lamp_cloud::ErrorClass::NotFound,
    }
}

/// Without its tags a resource is not listed as ours, but it is there.
fn put_tags_back(draft: &mut Draft<'_>, part: &Part, kind: Kind, id: &ResourceId) {
    let shown =
        draft.input.inventory.described(kind, id).and_then(Option::as_ref).map(|row| row.tags.clone());
    let tags = draft.input.owner.identity_beside(part, &shown.unwrap_or_default());
    let reason = format!("somebody removed the tags of {id}: they are put back");
    let action = Action {
        part: part.clone(),
        kind,
        effect: Effect::Update,
        request: Request::Tag { kind, id: id.clone(), tags },
        reason,
        changes: Vec::new(),
        precondition: None,
    };
    propose(draft, action, Some(id), PartState::Drifted);
}

/// The resource is gone. What held data is not made again empty without consent.
fn lost(draft: &mut Draft<'_>, wanted: &Wanted, id: &ResourceId) {
    let replica = matches!(&wanted.body, Ok(Body::DbInstance(instance)) if instance.is_replica());
    if wanted.kind.holds_data() && !replica && !draft.input.confirmed {
        let reason = format!(
            "{id} is gone, and its data with it; restore it under this name, or annotate the stack with \
             lamplighter.dev/confirm-replace={} to make an empty one",
            draft.input.generation
        );
        return draft.block(&wanted.part, wanted.kind, Some(id), reason);
    }
    next_attempt(draft, wanted, &format!("{id} is gone"));
}

fn create(draft: &mut Draft<'_>, wanted: &Wanted) {
    let mut body = match &wanted.body {
        Ok(body) => body.clone(),
        Err(why) => {
            return draft.report(&wanted.part, wanted.kind, None, PartState::Waiting, why.clone());
        }
    };
    let missing = missing_needs(draft, &mut body);
    if !missing.is_empty() {
        let reason = format!("waiting for {}", list(&missing));
        return draft.report(&wanted.part, wanted.kind, None, PartState::Waiting, reason);
    }
    let attempt = draft.entry(&wanted.part).map_or(0, |entry| entry.attempt);
    let token = token(draft.input.owner, &wanted.part, "create", attempt);
    let action = Action {
        part: wanted.part.clone(),
        kind: wanted.kind,
        effect: Effect::Create,
        request: Request::Create {
            part: wanted.part.clone(),
            name: naming::name(&draft.input, &wanted.part),
            tags: tags(draft, &wanted.part, &token),
            token,
            body,
        },
        reason: "it does not exist yet".to_owned(),
        changes: Vec::new(),
        precondition: None,
    };
    propose(draft, action, None, PartState::Progressing);
}

/// What it carries from its creation on.
fn tags(draft: &Draft<'_>, part: &Part, intent: &str) -> Tags {
    let mut tags = draft.input.owner.tags(part, intent);
    tags.extend(draft.input.settings.epoch.map(|epoch| (tag::EPOCH.to_owned(), epoch.to_string())));
    tags
}

/// Resolves references, and returns those parts without which it cannot be created.
fn missing_needs(draft: &Draft<'_>, body: &mut Body) -> Vec<lamp_cloud::Part> {
    let unresolved = resolve(&draft.input, body, None);
    let needed = body.needs();
    let is_needed = |part: &lamp_cloud::Part| {
        needed.iter().any(|reference| matches!(reference, lamp_cloud::Reference::Part(p) if p == part))
    };
    unresolved.into_iter().filter(is_needed).collect()
}
