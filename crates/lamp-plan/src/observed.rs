//! What is there of a part, and whose it is: tags and record together.

use std::sync::Arc;

use jiff::Timestamp;
use lamp_cloud::{
    Body, Kind, LedgerEntry, Lookup, Part, Reference, Request, Resource, ResourceId, State, tag, token,
};

use crate::PlanInput;

/// What is there of a part.
#[derive(Clone, Debug)]
pub(crate) enum Holding<'a> {
    /// Ours by both keys: our tags are on it, and its id is in our records.
    Held(&'a Arc<Resource>),
    /// Its tags prove that our recorded intent made it, but its id is not recorded yet.
    Proven(&'a Arc<Resource>),
    /// It carries our tags, but we have no record of it.
    Unrecorded(&'a Arc<Resource>),
    /// AWS says that it is gone.
    Gone,
    /// Not listed by complete readings since then.
    Absent { since: Timestamp },
    /// Nothing can be said, and why.
    Unknown(String),
}

/// What is there of `part`, which is of `kind`. Of several the recorded one counts, then the one that our intent
/// made, then the one with the smallest id.
pub(crate) fn find<'a>(input: &PlanInput<'a>, part: &Part, kind: Kind) -> Holding<'a> {
    if let Some(why) = input.inventory.region.unknown(kind.listing()) {
        return Holding::Unknown(format!("{} could not be listed: {why}", kind.name()));
    }
    let rows = rows(input, part, kind);
    let recorded = input.ledger.get(part).and_then(|entry| entry.id.as_ref());
    let live = || rows.iter().copied().filter(|row| !is_grave(row));
    let held = live().find(|row| Some(&row.id) == recorded);
    let proven = || live().filter(|row| made_by_us(input, part, row)).min_by_key(|row| &row.id);
    let any = || live().min_by_key(|row| &row.id);
    if let Some(row) = held {
        Holding::Held(row)
    } else if let (None, Some(row)) = (recorded, proven()) {
        Holding::Proven(row)
    } else if let Some(row) = any() {
        Holding::Unrecorded(row)
    } else if !rows.is_empty() {
        Holding::Gone
    } else {
        absent(input, part, kind)
    }
}

fn absent<'a>(input: &PlanInput<'a>, part: &Part, kind: Kind) -> Holding<'a> {
    if kind == Kind::Listener && listeners_unread(input, part) {
        return Holding::Unknown("the listeners of its load balancer were not read yet".to_owned());
    }
    match input.inventory.lookup(part, kind) {
        Lookup::Absent { since } => Holding::Absent { since },
        Lookup::Unknown(why) => Holding::Unknown(why),
        // Rows of another kind carry this part's tag: nothing of this kind is there, as of this reading.
        Lookup::Present(_) | Lookup::Duplicated(_) => {
            Holding::Absent { since: input.inventory.observed_at() }
        }
    }
}

/// Listeners are read per load balancer: while one was not read, a missing listener means nothing.
fn listeners_unread(input: &PlanInput<'_>, part: &Part) -> bool {
    let tier = part.as_str().split('/').nth(1).unwrap_or_default();
    let balancer = input.inventory.present(&crate::parts::load_balancer(tier));
    balancer.is_some_and(|balancer| input.inventory.incomplete.contains(&balancer.id))
}

/// Everything of a part and kind that carries the stack's tags, graves included.
pub(crate) fn rows<'a>(input: &PlanInput<'a>, part: &Part, kind: Kind) -> Vec<&'a Arc<Resource>> {
    let rows = input.inventory.parts.get(part).into_iter().flatten();
    rows.filter(|row| row.kind() == kind && row.belongs_to(input.owner)).collect()
}

/// What AWS shows for up to an hour after it is gone.
pub(crate) fn is_grave(row: &Resource) -> bool {
    row.kind() == Kind::NatGateway && row.state == State::Deleting
}

/// Whether the intent tag of a resource names an intent in our record of its part.
pub(crate) fn made_by_us(input: &PlanInput<'_>, part: &Part, row: &Resource) -> bool {
    let Some(entry) = input.ledger.get(part) else { return false };
    let Some(intent) = row.tags.get(tag::INTENT) else { return false };
    let attempted = |attempt| token(input.owner, part, "create", attempt) == *intent;
    entry_has_created(entry) && (0..=entry.attempt).any(attempted)
}

/// Whether the record shows that a creation was ever sent.
fn entry_has_created(entry: &LedgerEntry) -> bool {
    let create = |request: &Request| matches!(request, Request::Create { .. });
    entry.id.is_some()
        || entry.attempt > 0
        || entry.open.as_ref().is_some_and(|intent| create(&intent.request))
        || entry.last.as_ref().is_some_and(|last| create(&last.request))
}

/// The resource that is `part`, if it is there, ours by both keys (or provably made by us), and of `kind`.
pub(crate) fn held<'a>(input: &PlanInput<'a>, part: &Part, kind: Kind) -> Option<&'a Arc<Resource>> {
    match find(input, part, kind) {
        Holding::Held(row) | Holding::Proven(row) => Some(row),
        _ => None,
    }
}

/// The id that a reference to `part` stands for, once what it names can be used by others.
pub(crate) fn usable_id(input: &PlanInput<'_>, part: &Part) -> Option<ResourceId> {
    let kind = input.inventory.parts.get(part)?.first()?.kind();
    let row = held(input, part, kind)?;
    let usable = match (&row.state, &row.body) {
        (State::Ready, Body::InternetGateway(gateway)) => gateway.vpc.is_some(),
        (State::Ready, _) => true,
        // Ids exist from the creation; only these must also work before something is built on them.
        (State::Pending(_), body) => {
            !matches!(body, Body::NatGateway(_) | Body::DbInstance(_) | Body::InternetGateway(_))
        }
        (State::Deleting | State::Failed(_), _) => false,
    };
    usable.then(|| row.id.clone())
}

/// Replaces references to parts by ids as far as these can be used, and returns the parts that cannot. What `observed`
/// names already stays named, in whatever state it is, and even where it is not listed right now.
pub(crate) fn resolve(input: &PlanInput<'_>, body: &mut Body, observed: Option<&Body>) -> Vec<Part> {
    let named: Vec<Reference> = observed.map(Body::references).unwrap_or_default();
    let recorded = |part: &Part| input.ledger.get(part).and_then(|entry| entry.id.clone());
    let is_named = |id: &ResourceId| named.iter().any(|reference| reference.as_id() == Some(id.as_str()));
    let mut unresolved = Vec::new();
    for reference in body.references_mut() {
        let Reference::Part(part) = &*reference else { continue };
        match usable_id(input, part).or_else(|| recorded(part).filter(is_named)) {
            Some(id) => *reference = Reference::Id(id),
            None => unresolved.push(part.clone()),
        }
    }
    unresolved.sort();
    unresolved.dedup();
    unresolved
}

/// Parts whose resources name `id`, as observed.
pub(crate) fn referrers(input: &PlanInput<'_>, id: &str) -> Vec<Part> {
    let names_it =
        |row: &Resource| row.body.references().iter().any(|reference| reference.as_id() == Some(id));
    let others = input.inventory.resources().filter(|row| row.id != id && !is_grave(row) && names_it(row));
    let mut parts: Vec<Part> = others.filter_map(|row| row.part()).collect();
    parts.sort();
    parts.dedup();
    parts
}

/// The DNS name of a tier's load balancer, once there is one.
pub(crate) fn dns_name(input: &PlanInput<'_>, tier: &str) -> Option<String> {
    match &held(input, &crate::parts::load_balancer(tier), Kind::LoadBalancer)?.body {
        Body::LoadBalancer(balancer) => balancer.dns_name.clone(),
        _ => None,
    }
}

/// Names of parts as a sentence lists them.
pub(crate) fn list(parts: &[Part]) -> String {
    parts.iter().map(Part::as_str).collect::<Vec<_>>().join(", ")
}
