//! Taking over what exists: resources that a person named, part by part.
//!
//! Nothing is guessed, and nothing is taken by halves: while one of the named resources cannot be taken over, none is,
//! and until all are, nothing else is planned. Whatever is taken gets our tags first; then it is ours as anything that
//! carries them, and goes into the records.

mod future;
mod judge;
mod place;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use lamp_api::v1alpha1::PartState;
use lamp_cloud::{
    Difference, FieldOwner, Kind, LedgerEntry, Mutability, Part, Request, Resource, ResourceId,
};

use crate::protocol::{is_stale, propose, settle_open, stale};
use crate::{Action, Draft, Effect, Settlement, parts};
pub use future::{Future, Taken};
use judge::{Verdict, judge};

/// What a person allowed to be taken over.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Adoption {
    /// Whatever carries the stack's tags already.
    pub tagged: bool,
    /// These resources, each as the part that it is to be.
    pub parts: BTreeMap<Part, ResourceId>,
    /// `metadata.uid` of stacks that the store has lost: what carries one of them, and is named, belongs to nobody.
    pub lost: BTreeSet<String>,
}

impl Adoption {
    /// Of whatever carries the stack's tags already.
    pub fn of_tagged() -> Self {
        Self { tagged: true, ..Self::default() }
    }

    /// Whether a resource that carries the tags of a part may go into the records.
    pub(crate) fn allows(&self, part: &Part, id: &ResourceId) -> bool {
        self.tagged || self.parts.get(part) == Some(id)
    }
}

/// A resource that a person named.
struct Named {
    part: Part,
    kind: Option<Kind>,
    id: ResourceId,
}

/// Plans the takeover, if one is due. `true`: nothing else may be planned before it is done.
pub(crate) fn plan_adoption(draft: &mut Draft<'_>) -> bool {
    let named = due(draft);
    if named.is_empty() {
        return false;
    }
    let future = Future::of(&draft.input, &taken(draft, &named));
    let verdicts: Vec<_> = named.iter().map(|one| judge(draft, &future, one)).collect();
    let obstacle = obstacle(&verdicts);
    let mut due = false;
    for (one, verdict) in named.iter().zip(verdicts) {
        due |= !matches!(verdict, Verdict::Past(_));
        ask(draft, one);
        step(draft, &future, one, verdict, obstacle);
    }
    due
}

/// What is named and not in the records yet. What was in them once is not taken again.
fn due(draft: &Draft<'_>) -> Vec<Named> {
    let named = draft.input.adoption.parts.iter();
    let due = named.filter(|(part, _)| draft.entry(part).is_none_or(is_untaken));
    due.map(|(part, id)| Named { part: part.clone(), kind: parts::kind(part), id: id.clone() }).collect()
}

/// Whether a record shows no more than that tags were put on something.
fn is_untaken(entry: &LedgerEntry) -> bool {
    let open = entry.open.as_ref().map(|intent| &intent.request);
    let mut requests = open.into_iter().chain(entry.last.as_ref().map(|last| &last.request));
    let only_tagged = requests.all(|request| matches!(request, Request::Tag { .. }));
    entry.id.is_none() && entry.attempt == 0 && only_tagged
}

/// The named resources, as far as AWS has shown them.
fn taken(draft: &Draft<'_>, named: &[Named]) -> Vec<Taken> {
    let inventory = draft.input.inventory;
    let row = |kind: Kind, id: &ResourceId| -> Option<Arc<Resource>> {
        let listed = inventory.resources().find(|row| row.kind() == kind && row.id == *id);
        listed.or_else(|| inventory.described(kind, id)?.as_ref()).cloned()
    };
    let of = |one: &Named| {
        Some(Taken { part: one.part.clone(), id: one.id.clone(), row: row(one.kind?, &one.id) })
    };
    named.iter().filter_map(of).collect()
}

/// What keeps everything that is named from being taken over, if something does.
fn obstacle(verdicts: &[Verdict<'_>]) -> Option<&'static str> {
    let any = |is: fn(&Verdict<'_>) -> bool| verdicts.iter().any(is);
    if any(|verdict| matches!(verdict, Verdict::Refused(_))) {
        return Some("it is taken over once everything that lamplighter.dev/adopt names can be");
    }
    let unknown = any(|verdict| matches!(verdict, Verdict::Unknown(_)));
    unknown.then_some("it is taken over once everything that lamplighter.dev/adopt names is known")
}

fn ask(draft: &mut Draft<'_>, one: &Named) {
    let kind = one.kind.filter(|kind| kind.may_have_id(&one.id));
    kind.into_iter().for_each(|kind| draft.ask(kind, &one.id));
}

fn step(
    draft: &mut Draft<'_>,
    future: &Future,
    one: &Named,
    verdict: Verdict<'_>,
    obstacle: Option<&'static str>,
) {
    match (verdict, obstacle) {
        (Verdict::Past(why), _) => {
            draft.decide(&one.part, "Hold", format!("{} is not taken over: {why}", one.id))
        }
        (Verdict::Refused(why), _) => refuse(draft, one, &why),
        (Verdict::Unknown(why), _) => waits(draft, one, PartState::Unknown, why),
        (_, Some(obstacle)) => waits(draft, one, PartState::Waiting, obstacle.to_owned()),
        (Verdict::Tagged(row), None) => take(draft, &one.part, row),
        (Verdict::Free(row), None) => tag(draft, future, &one.part, row),
    }
}

fn refuse(draft: &mut Draft<'_>, one: &Named, why: &str) {
    // What is no part is of no kind; the network is what everything stands in.
    let kind = one.kind.unwrap_or(Kind::Vpc);
    draft.block(&one.part, kind, Some(&one.id), format!("{} is not taken over: {why}", one.id));
}

fn waits(draft: &mut Draft<'_>, one: &Named, state: PartState, why: String) {
    let Some(kind) = one.kind else { return };
    draft.report(&one.part, kind, Some(&one.id), state, why);
    draft.look_at(draft.input.inventory.observed_at() + draft.input.settings.agreement);
}

/// It carries our tags by now: it goes into the records.
fn take(draft: &mut Draft<'_>, part: &Part, row: &Resource) {
    draft.settle(part, Settlement::Adopted(row.kind(), row.id.clone()));
    let reason = "it carries the tags of this stack, and goes into the records".to_owned();
    draft.report(part, row.kind(), Some(&row.id), PartState::Progressing, reason);
}

/// Puts our tags on it.
fn tag(draft: &mut Draft<'_>, future: &Future, part: &Part, row: &Resource) {
    if is_stale(draft, part) {
        return stale(draft, part, row.kind());
    }
    if !settle_open(draft, part, row.kind()) {
        return;
    }
    let tags = draft.input.owner.identity_beside(part, &row.tags);
    let action = Action {
        part: part.clone(),
        kind: row.kind(),
        effect: Effect::Update,
        changes: changes(row, &tags),
        request: Request::Tag { kind: row.kind(), id: row.id.clone(), tags },
        reason: reason(future, part),
        precondition: None,
    };
    propose(draft, action, Some(&row.id), PartState::Progressing);
}

fn reason(future: &Future, part: &Part) -> String {
    let differences: Vec<String> =
        future.differences.get(part).into_iter().flatten().map(ToString::to_string).collect();
    match differences.as_slice() {
        [] => "lamplighter.dev/adopt names it, and it is as the spec says".to_owned(),
        some => format!("lamplighter.dev/adopt names it; it differs in {}", some.join(", ")),
    }
}

/// Each tag that is set, and what it is now.
fn changes(row: &Resource, tags: &lamp_cloud::Tags) -> Vec<Difference> {
    let shown = |key: &str, value: Option<&String>| {
        value.map_or("(none)".to_owned(), |value| format!("{key}={value}"))
    };
    let differs = tags.iter().filter(|(key, value)| row.tags.get(*key) != Some(value));
    differs
        .map(|(key, value)| Difference {
            field: "tags".to_owned(),
            mutability: Mutability::InPlace,
            owner: FieldOwner::Spec,
            desired: shown(key, Some(value)),
            observed: shown(key, row.tags.get(key)),
        })
        .collect()
}
