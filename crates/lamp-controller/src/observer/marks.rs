//! What our own actions tell the observer: which readings they made out of date, and what they removed.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::Change as GroupChange;
use lamp_cloud::kinds::listener::Listener;
use lamp_cloud::{Body, Change, Request, ResourceId};

use crate::time::since;

/// Marks of resources that we changed or removed.
#[derive(Clone, Debug, Default)]
pub(crate) struct Marks {
    changed: BTreeMap<ResourceId, Mark>,
    removed: BTreeSet<ResourceId>,
}

#[derive(Clone, Copy, Debug)]
struct Mark {
    /// The first pass whose readings began after the change.
    pass: u64,
    at: Timestamp,
}

impl Marks {
    /// Notes a call that ended at `at`; readings of passes before `pass` may not show it.
    pub(crate) fn note(&mut self, request: &Request, pass: u64, at: Timestamp) {
        for id in touched(request) {
            self.changed.insert(id, Mark { pass, at });
        }
        if let Request::Delete { id, .. } = request {
            self.removed.insert(id.clone());
        }
    }

    /// Marks another resource whose details change with `id`.
    pub(crate) fn spread(&mut self, id: &str, to: impl Iterator<Item = ResourceId>) {
        if let Some(mark) = self.changed.get(id).copied() {
            for id in to {
                let newer = self.changed.get(&id).is_none_or(|known| known.pass < mark.pass);
                if newer {
                    self.changed.insert(id, mark);
                }
            }
        }
    }

    /// The resources that are marked as changed.
    pub(crate) fn changed(&self) -> impl Iterator<Item = &ResourceId> {
        self.changed.keys()
    }

    /// The resources that we removed.
    pub(crate) fn removed(&self) -> &BTreeSet<ResourceId> {
        &self.removed
    }

    /// Whether a reading of `pass` shows every change that we made.
    pub(crate) fn is_fresh(&self, id: &str, pass: u64) -> bool {
        self.changed.get(id).is_none_or(|mark| mark.pass <= pass)
    }

    /// Whether AWS may still show what was before our change.
    pub(crate) fn is_settling(&self, id: &str, window: Duration, now: Timestamp) -> bool {
        self.changed.get(id).is_some_and(|mark| since(mark.at, now) < window)
    }

    /// Forgets marks that have done their work.
    pub(crate) fn prune(
        &mut self,
        window: Duration,
        now: Timestamp,
        shown: impl Fn(&ResourceId, u64) -> bool,
    ) {
        self.changed.retain(|id, mark| since(mark.at, now) < window || !shown(id, mark.pass));
    }

    /// Forgets removed resources that are no longer listed.
    pub(crate) fn prune_removed(&mut self, is_listed: impl Fn(&ResourceId) -> bool) {
        self.removed.retain(is_listed);
    }
}

/// How marks of groups begin whose scaling policies we changed.
const POLICIES_OF: &str = "policies of ";

/// The mark of a group whose scaling policies we changed.
pub(super) fn policies_of(group: &str) -> ResourceId {
    format!("{POLICIES_OF}{group}")
}

/// The group of such a mark.
pub(super) fn group_of(mark: &str) -> Option<&str> {
    mark.strip_prefix(POLICIES_OF)
}

fn touched(request: &Request) -> Vec<ResourceId> {
    match request {
        Request::Change {
            id,
            change: Change::AutoScalingGroup(GroupChange::PutPolicy(_) | GroupChange::DeletePolicy(_)),
            ..
        } => {
            vec![id.clone(), policies_of(id)]
        }
        Request::Create { body: Body::Listener(Listener { load_balancer, .. }), .. } => {
            load_balancer.as_id().map(str::to_owned).into_iter().collect()
        }
        Request::Create { .. } | Request::ReplaceInstance { .. } => Vec::new(),
        _ => request.target().map(str::to_owned).into_iter().collect(),
    }
}
