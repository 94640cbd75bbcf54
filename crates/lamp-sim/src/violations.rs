//! What no sane controller should ever cause, as far as the region itself can see it.

use std::sync::Arc;
use std::time::Duration;

use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::kinds::security_group::SecurityGroup;
use lamp_cloud::{Body, Change, Kind, Reference, Request, Resource, State, Tags, tag};

use crate::Fault;
use crate::agenda::Event;
use crate::calls::Call;
use crate::faults::Calling;
use crate::world::{World, of_install};

/// Keys that every resource of ours carries from its creation.
const KEYS: [&str; 5] = [tag::INSTALL, tag::STACK, tag::UID, tag::PART, tag::INTENT];

/// How long a twin may stand that came after every quarantine was over.
const SWEEP: Duration = Duration::from_secs(900);

impl World {
    /// Before a request is made: does it look like one of ours?
    pub(crate) fn check_request(&mut self, request: &Request) {
        if let Request::Create { part, tags, body, .. } = request {
            let missing: Vec<&str> = KEYS.into_iter().filter(|key| !tags.contains_key(*key)).collect();
            if !missing.is_empty() {
                let kind = body.kind().name();
                let missing = missing.join(", ");
                self.violate(format!("S-U3: {kind} {part} was created without the tags {missing}"));
            }
        }
        if let Some(place) = shows_password(request) {
            self.violate(format!("S-X3: {} shows a password in its {place}", request.operation()));
        }
        if let Request::Change { id, change, .. } = request {
            self.check_ours(change.kind(), id, request.operation());
            self.check_interruption(id, change);
        }
    }

    /// Before any call: is there something left for the others in the account?
    pub(crate) fn check_courtesy(&mut self, calling: &Calling) {
        let Some(share) = self.config.courtesy else { return };
        let called = (calling.service, calling.operation);
        if !self.throttle.is_courteous(called, calling.mutates, share, self.now) {
            self.violate(format!("S-R1: {} goes beyond its share of the rate", calling.operation));
        }
    }

    /// Before a database is interrupted: do the others of its stack serve?
    fn check_interruption(&mut self, id: &str, change: &Change) {
        if !matches!(change, Change::DbInstance(change) if change.is_disruptive()) {
            return;
        }
        let uid = |row: &Resource| row.tags.get(tag::UID).cloned();
        let Some(stack) = self.resource(Kind::DbInstance, id).and_then(|row| uid(row)) else { return };
        let others =
            self.each::<DbInstance>().filter(|(row, _)| row.id != id && uid(row).as_ref() == Some(&stack));
        let busy = others.map(|(row, _)| row.id.clone()).find(|other| self.is_interrupted(other));
        if let Some(busy) = busy {
            self.violate(format!("S-C2: {id} is interrupted while {busy} is"));
        }
    }

    /// After a creation: is there one too many?
    pub(crate) fn check_created(&mut self, kind: Kind, id: &str) {
        if let Some((created, twin)) = self.twins(kind, id) {
            if self.is_doubled || self.came_late(&created) || self.came_late(&twin) {
                self.agenda.plan(self.now + SWEEP, Event::TwinDue { kind, id: id.to_owned() });
            } else {
                self.violate(existing_twice(&created, &twin));
            }
        }
        self.check_primaries(id);
    }

    /// Some time after a creation that came too late for anybody to know of it: is there still one too many?
    pub(crate) fn check_swept(&mut self, kind: Kind, id: &str) {
        if let Some((created, twin)) = self.twins(kind, id) {
            self.violate(format!("{}, and nobody sweeps them", existing_twice(&created, &twin)));
        }
    }

    /// A resource, and another one that is the same part of the same stack.
    fn twins(&self, kind: Kind, id: &str) -> Option<(Arc<Resource>, Arc<Resource>)> {
        let created = self.resource(kind, id).filter(|created| counts(created))?;
        let mine = identity(created)?;
        let all = self.truths.get(&kind)?.values().filter_map(|truth| truth.resource());
        let mut others = all.filter(|other| other.id != created.id && counts(other));
        let twin = others.find(|other| identity(other) == Some(mine))?;
        Some((Arc::clone(created), Arc::clone(twin)))
    }

    /// Whether the request that made it, named by its intent, came late or twice: nobody could know.
    fn came_late(&self, resource: &Resource) -> bool {
        let intent = resource.tags.get(tag::INTENT);
        let odd = |call: &&Call| matches!(call.fault, Some(Fault::LateEffect | Fault::Duplicate));
        self.log.calls.iter().filter(odd).any(
            |call| matches!(call.request(), Some(Request::Create { token, .. }) if Some(token) == intent),
        )
    }

    /// Before a deletion: is it ours to delete?
    pub(crate) fn check_deleted(&mut self, kind: Kind, id: &str) {
        self.check_ours(kind, id, kind.delete_operation());
    }

    /// Whether a resource carries our install tag, or did so lately: a reading may still show it.
    pub fn was_tagged(&self, kind: Kind, id: &str) -> bool {
        let truth = self.truths.get(&kind).and_then(|truths| truths.get(id));
        let versions = truth.into_iter().flat_map(|truth| truth.history.versions());
        versions.into_iter().any(|version| of_install(&version.tags, &self.config.install))
    }

    fn check_ours(&mut self, kind: Kind, id: &str, operation: &str) {
        if self.resource(kind, id).is_some() && !self.was_tagged(kind, id) {
            self.violate(format!(
                "S-D1: {operation} of {} {id}, which does not carry our install tag",
                kind.name()
            ));
        }
    }

    /// At most one database of a stack can be written by whom the rules of its security groups let in.
    pub(crate) fn check_primaries(&mut self, id: &str) {
        self.check_primaries_beside(Kind::DbInstance, id);
    }

    /// The same for the stack of any resource, after it changed.
    pub(crate) fn check_primaries_beside(&mut self, kind: Kind, id: &str) {
        let Some(uid) = self.resource(kind, id).and_then(|row| row.tags.get(tag::UID).cloned()) else {
            return;
        };
        let primaries = self.reachable_primaries(&uid);
        if primaries.len() > 1 {
            self.violate_once(format!(
                "S-P1: stack {uid} has more than one writable database that tiers reach: {}",
                primaries.join(", ")
            ));
        }
    }

    /// The databases of a stack that can be written and reached.
    pub fn reachable_primaries(&self, uid: &str) -> Vec<String> {
        let writable = |found: &Resource, body: &DbInstance| {
            found.tags.get(tag::UID).is_some_and(|it| it == uid) && counts(found) && !body.is_replica()
        };
        self.each::<DbInstance>()
            .filter(|(found, body)| writable(found, body) && self.is_reachable(body))
            .map(|(found, _)| found.id.clone())
            .collect()
    }

    /// Whether a rule of one of its security groups lets anybody in.
    fn is_reachable(&self, body: &DbInstance) -> bool {
        let groups = body.security_groups.iter().filter_map(Reference::as_id);
        groups.filter_map(|id| self.body::<SecurityGroup>(id)).any(|group| !group.ingress.is_empty())
    }

    fn violate_once(&mut self, text: String) {
        if !self.violations.iter().any(|known| known.ends_with(&text)) {
            self.violate(text);
        }
    }
}

fn existing_twice(one: &Resource, other: &Resource) -> String {
    let [_, stack, part] = identity(one).unwrap_or_default();
    format!("S-U1: {} {part} of {stack} exists twice: {} and {}", one.kind().name(), other.id, one.id)
}

/// Installation, stack and part.
fn identity(resource: &Resource) -> Option<[&str; 3]> {
    let value = |key| resource.tags.get(key).map(String::as_str);
    Some([value(tag::INSTALL)?, value(tag::UID)?, value(tag::PART)?])
}

/// Whether it counts as existing: neither failed nor on its way out.
fn counts(resource: &Resource) -> bool {
    !matches!(resource.state, State::Deleting | State::Failed(_))
}

/// Where a request shows what looks like a password. The port has no field for one, so any is a leak.
fn shows_password(request: &Request) -> Option<&'static str> {
    let Request::Create { name, tags, body, .. } = request else { return None };
    let shows = |text: &str| text.to_ascii_lowercase().contains("password=");
    let tagged = |tags: &Tags| tags.iter().any(|(key, value)| shows(key) || shows(value));
    let described = match body {
        Body::SecurityGroup(group) => shows(&group.description),
        Body::Secret(secret) => shows(&secret.description) || shows(&secret.username),
        _ => false,
    };
    if shows(name) {
        return Some("name");
    }
    if tagged(tags) {
        return Some("tags");
    }
    described.then_some("description")
}
