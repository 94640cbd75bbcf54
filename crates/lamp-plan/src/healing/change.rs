//! What was changed between visitors and instances when these fell sick: by us, or by others.
//!
//! It is named, and waited for; it is not taken back. A change of ours is what the spec asks for, and whoever wrote that
//! takes it back by writing the spec; a launch template, which has to prove itself, goes back by itself in `rollout`.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::{LedgerEntry, Outcome, Part, Request};

use crate::kinds::zones;
use crate::status::seconds;
use crate::{Draft, parts, site};

/// What falls sick so soon after a change may have it from there.
const SOON: SignedDuration = SignedDuration::from_secs(900);
/// What others changed is noticed, and put back, within this time.
const NOTICED: SignedDuration = SignedDuration::from_secs(300);

/// What explains that instances of a tier have looked sick since `since`, in a sentence.
pub(super) fn before(draft: &Draft<'_>, tier: &Tier, since: Timestamp) -> Option<String> {
    on_the_way(draft, tier).iter().find_map(|part| {
        let entry = draft.entry(part).filter(|entry| entry.completed_at.is_some())?;
        drifted(draft, part).or_else(|| changed_near(entry, part, since, draft.input.now))
    })
}

/// The parts through which visitors and health checks reach a tier, and it what it uses.
fn on_the_way(draft: &Draft<'_>, tier: &Tier) -> Vec<Part> {
    let mut found = vec![parts::tier_security_group(&tier.name)];
    let balanced = site::used_tiers(draft.input.spec, tier).chain(std::iter::once(tier));
    for tier in balanced.filter(|tier| tier.load_balancer.is_some()) {
        found.extend([
            parts::load_balancer_security_group(&tier.name),
            parts::target_group(&tier.name),
            parts::load_balancer(&tier.name),
        ]);
        found.extend([80, 443].map(|port| parts::listener(&tier.name, port)));
    }
    found.extend(site::used_tiers(draft.input.spec, tier).map(|used| parts::tier_security_group(&used.name)));
    if site::uses_database(draft.input.spec, tier) {
        found.push(parts::database_security_group());
    }
    found.extend(zones(&draft.input).map(parts::application_route_table));
    found
}

/// It is not as the spec says now, and is being put back.
fn drifted(draft: &Draft<'_>, part: &Part) -> Option<String> {
    let differences = draft.differences.get(part).filter(|differences| !differences.is_empty())?;
    let fields: Vec<&str> = differences.iter().map(|difference| difference.field.as_str()).collect();
    draft.acts_on(part).then(|| {
        format!(
            "{part} is not as the spec says ({}), and is put right: nothing is replaced",
            fields.join(", ")
        )
    })
}

/// We changed it: because the spec did, or to put back what somebody else had done shortly before.
fn changed_near(entry: &LedgerEntry, part: &Part, since: Timestamp, now: Timestamp) -> Option<String> {
    // While it is being made, it is changed as well.
    let (at, what) = changed(entry).filter(|(at, _)| entry.completed_at.is_some_and(|done| done <= *at))?;
    let until = at.checked_add(SOON).unwrap_or(at);
    let earliest = at.checked_sub(NOTICED).unwrap_or(at);
    (earliest <= since && since < until && now < until).then(|| {
        format!(
            "{part} was changed at {} ({what}), which may be the cause: nothing is replaced before {}",
            seconds(at).0,
            seconds(until).0
        )
    })
}

/// When a part was last changed, and why.
fn changed(entry: &LedgerEntry) -> Option<(Timestamp, &str)> {
    let open = entry.open.as_ref().map(|open| (&open.request, open.started_at, open.reason.as_str()));
    let done = entry.last.as_ref().filter(|last| last.outcome == Outcome::Done);
    let done = done.map(|last| (&last.request, last.at, last.reason.as_str()));
    let changes =
        open.into_iter().chain(done).filter(|(request, ..)| matches!(request, Request::Change { .. }));
    changes.map(|(_, at, why)| (at, why)).max()
}
