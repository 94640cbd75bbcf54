//! Whether what an order names may be deleted: all of it, or nothing. Pure.

use std::collections::BTreeMap;
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::v1alpha1::{DoomedResource, OrphanDeletionSpec, RefusedResource};

use super::order::kind;
use super::{Orphan, Orphans};
use crate::observer::Observed;

/// What an order is judged by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence<'a> {
    pub(super) observed: &'a Observed,
    pub(super) orphans: &'a Orphans,
    /// Namespace and name of each stack in the store, by uid.
    pub(super) stacks: &'a BTreeMap<String, String>,
    /// How long AWS may hide what is new, or show what is gone.
    pub(super) window: Duration,
    pub(super) now: Timestamp,
}

/// What becomes of an order.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Verdict<'a> {
    /// These are to be deleted.
    Accepted(Vec<&'a Orphan>),
    /// Nothing is deleted, because of these.
    Refused(Vec<RefusedResource>),
    /// It cannot be said yet, as this was not listed.
    Unknown(String),
}

/// When an orphan may be deleted.
pub(super) fn deletable_at(orphan: &Orphan, window: Duration) -> Timestamp {
    orphan.seen_since + window
}

pub(super) fn judge<'a>(spec: &OrphanDeletionSpec, evidence: Evidence<'a>) -> Verdict<'a> {
    let unlisted = spec.resources.iter().filter_map(|one| {
        let kind = kind(one)?;
        let why = evidence.observed.region.unknown(kind.listing())?;
        Some(format!("{} could not be listed: {why}", kind.name()))
    });
    if let Some(why) = unlisted.into_iter().next() {
        return Verdict::Unknown(why);
    }
    let (mut accepted, mut refused) = (Vec::new(), Vec::new());
    for one in &spec.resources {
        match orphan(one, &spec.uid, evidence) {
            Ok(orphan) => accepted.push(orphan),
            Err(why) => refused.push(RefusedResource { kind: one.kind.clone(), id: one.id.clone(), why }),
        }
    }
    if refused.is_empty() { Verdict::Accepted(accepted) } else { Verdict::Refused(refused) }
}

/// The orphan that a resource is, or why it is none that may be deleted.
fn orphan<'a>(named: &DoomedResource, uid: &str, evidence: Evidence<'a>) -> Result<&'a Orphan, String> {
    let Some(kind) = kind(named) else { return Err(format!("{:?} is no kind of resource", named.kind)) };
    let is_it = |row: &&Orphan| row.kind == kind && row.id == named.id;
    let Some(found) = evidence.orphans.rows.iter().find(is_it) else {
        return Err(no_orphan(named, evidence));
    };
    if found.uid != uid {
        return Err(format!("it belonged to {} ({}), and the order is about {uid}", found.stack, found.uid));
    }
    let at = deletable_at(found, evidence.window);
    if evidence.now < at {
        let since = found.seen_since;
        return Err(format!("it is without a stack only since {since}; it may be deleted from {at} on"));
    }
    Ok(found)
}

fn no_orphan(named: &DoomedResource, evidence: Evidence<'_>) -> String {
    let mut tagged = evidence.observed.tagged.iter();
    let owner = tagged.find(|(_, _, kind, id)| kind.name() == named.kind && *id == named.id);
    match owner.and_then(|(uid, ..)| evidence.stacks.get(uid)) {
        Some(stack) => format!("it belongs to the stack {stack}"),
        None => "nothing with this id carries the tags of this installation".to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use lamp_cloud::{Kind, Listing, Part, Region, Section};

    use super::*;

    const WINDOW: Duration = Duration::from_secs(300);

    struct Scene {
        observed: Observed,
        orphans: Orphans,
        stacks: BTreeMap<String, String>,
    }

    fn scene() -> Scene {
        let since = Timestamp::UNIX_EPOCH;
        let sections = Listing::all().into_iter().map(|one| (one, Section::Known { since })).collect();
        let row = |uid: &str, id: &str| (uid.to_owned(), Part::new("vpc"), Kind::Vpc, id.to_owned());
        let observed = Observed {
            region: Arc::new(Region { sections, ..Region::default() }),
            tagged: [row("lost", "vpc-1"), row("other", "vpc-2"), row("kept", "vpc-3")].into(),
            ..Observed::default()
        };
        let stacks = [("kept".to_owned(), "default/shop".to_owned())].into();
        let orphans = Orphans::find(&observed, &["kept".to_owned()].into(), &Orphans::default());
        Scene { observed, orphans, stacks }
    }

    fn verdict(scene: &Scene, ids: &[&str], seconds: u64) -> Result<usize, String> {
        let resource = |id: &&str| DoomedResource { kind: "Vpc".to_owned(), id: (*id).to_owned() };
        let resources = ids.iter().map(resource).collect();
        let spec = OrphanDeletionSpec { uid: "lost".to_owned(), region: None, resources };
        let evidence = Evidence {
            observed: &scene.observed,
            orphans: &scene.orphans,
            stacks: &scene.stacks,
            window: WINDOW,
            now: Timestamp::UNIX_EPOCH + Duration::from_secs(seconds),
        };
        match judge(&spec, evidence) {
            Verdict::Accepted(rows) => Ok(rows.len()),
            Verdict::Refused(rows) => {
                Err(rows.iter().map(|row| format!("{}: {}", row.id, row.why)).collect::<Vec<_>>().join("; "))
            }
            Verdict::Unknown(why) => Err(why),
        }
    }

    #[test]
    fn one_that_is_no_orphan_of_that_stack_refuses_all() {
        let scene = scene();
        assert_eq!(verdict(&scene, &["vpc-1"], 300), Ok(1));
        let refused = |id| verdict(&scene, &["vpc-1", id], 300).unwrap_err();
        assert_eq!(refused("vpc-3"), "vpc-3: it belongs to the stack default/shop");
        assert!(refused("vpc-2").contains("it belonged to"), "{}", refused("vpc-2"));
        assert!(refused("vpc-4").contains("carries the tags of this installation"), "{}", refused("vpc-4"));
    }

    #[test]
    fn nothing_goes_that_may_just_have_lost_its_stack() {
        let scene = scene();
        assert!(verdict(&scene, &["vpc-1"], 299).unwrap_err().contains("without a stack only since"));
        assert_eq!(verdict(&scene, &["vpc-1"], 300), Ok(1));
    }

    #[test]
    fn what_cannot_be_listed_is_neither_accepted_nor_refused() {
        let mut scene = scene();
        let region = Arc::make_mut(&mut scene.observed.region);
        region.sections.remove(&Listing::Resources(Kind::Vpc));
        assert!(verdict(&scene, &["vpc-1"], 300).unwrap_err().starts_with("Vpc could not be listed"));
    }
}
