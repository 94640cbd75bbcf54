//! A site as it would be if every call succeeded at once.

use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::kinds::listener::{Listener, ListenerAction};
use lamp_cloud::{
    Body, Finished, Inventory, Kind, LedgerEntry, Outcome, Part, Request, Resource, ResourceId, Section,
    State, Tags, Target, TargetHealth, TargetState,
};

use super::born::{born, instance, members, unknown};
use crate::protocol::interfaces::is_ours;
use crate::{Action, Ask, Ledger, Memory, Plan, PlanInput, Settlement, plan};

/// Time between two rounds: longer than two readings must be apart.
const ROUND: Duration = Duration::from_secs(60);

/// The inventory and the records of one stack, carried forward.
#[derive(Clone, Debug)]
pub struct World {
    pub inventory: Inventory,
    pub ledger: Ledger,
    pub memory: Memory,
    pub now: Timestamp,
    /// Instances that were started so far, to give each another id.
    started: u32,
}

impl World {
    /// Begins with what is observed and recorded.
    pub fn new(input: &PlanInput<'_>) -> Self {
        let mut inventory = input.inventory.clone();
        let since = inventory.observed_at();
        let known = |kind: &Kind| {
            matches!(inventory.region.sections.get(&kind.listing()), Some(Section::Known { .. }))
        };
        for kind in Kind::ALL.iter().copied().filter(known).collect::<Vec<_>>() {
            inventory.first_pass.entry(kind).or_insert(since);
        }
        // Interfaces of ours go with what they serve.
        for interfaces in inventory.interfaces.values_mut() {
            interfaces.retain(|interface| !is_ours(input, interface));
        }
        let (ledger, memory) = (input.ledger.clone(), input.memory.clone());
        Self { inventory, ledger, memory, now: input.now, started: 0 }
    }

    /// Plans from here, for the same spec and with the same consents.
    pub fn plan(&self, input: &PlanInput<'_>) -> Plan {
        plan(&PlanInput {
            inventory: &self.inventory,
            ledger: &self.ledger,
            memory: &self.memory,
            now: self.now,
            ..*input
        })
    }

    /// Carries out a plan: every settlement is written down, every action succeeds, and what it asks for is not there
    /// unless somebody said otherwise.
    pub fn apply(&mut self, plan: &Plan) {
        self.memory = plan.memory.clone();
        for (part, settlement) in &plan.settlements {
            self.settle(part, settlement);
        }
        for part in &plan.completed {
            self.ledger.entry(part.clone()).or_default().completed_at = Some(self.now);
        }
        for (part, corrections) in &plan.corrections {
            self.ledger.entry(part.clone()).or_default().corrections.clone_from(corrections);
        }
        for (part, healing) in &plan.healing {
            self.ledger.entry(part.clone()).or_default().healing.clone_from(healing);
        }
        for (part, versions) in &plan.versions {
            self.ledger.entry(part.clone()).or_default().versions.clone_from(versions);
        }
        for (part, seen) in &plan.seen {
            self.ledger.entry(part.clone()).or_default().seen = Some(seen.clone());
        }
        for (part, loss) in &plan.losses {
            self.ledger.entry(part.clone()).or_default().loss.clone_from(loss);
        }
        for (part, promotion) in &plan.promotions {
            self.ledger.entry(part.clone()).or_default().promotion = Some(promotion.clone());
        }
        for action in &plan.actions {
            self.perform(action);
        }
        for ask in &plan.asks {
            self.answer(ask);
        }
    }

    fn answer(&mut self, ask: &Ask) {
        match ask {
            // Of what is not in the records nobody can say whether it is there but AWS.
            Ask::Resource(kind, id) if self.ledger.values().any(|entry| entry.id.as_ref() == Some(id)) => {
                self.inventory.unlisted.entry((*kind, id.clone())).or_insert(None);
            }
            Ask::Resource(..) => {}
            Ask::Interfaces { vpc } => drop(self.inventory.interfaces.entry(vpc.clone()).or_default()),
        }
    }

    /// Lets a round pass, or the time until `at` if that is later, and observes again.
    pub fn pass_time(&mut self, at: Timestamp) {
        self.now = (self.now + ROUND).max(at);
        Arc::make_mut(&mut self.inventory.region).observed_at = self.now;
        self.inventory.targets.values_mut().for_each(|(read_at, _)| *read_at = self.now);
    }

    fn settle(&mut self, part: &Part, settlement: &Settlement) {
        let now = self.now;
        let entry = self.ledger.entry(part.clone()).or_default();
        match settlement {
            Settlement::Created(id) => {
                entry.open = None;
                entry.id = Some(id.clone());
                entry.created_at = Some(now);
            }
            Settlement::Adopted(kind, id) => {
                *entry = LedgerEntry {
                    kind: Some(*kind),
                    id: Some(id.clone()),
                    created_at: Some(now),
                    completed_at: Some(now),
                    promotion: entry.promotion.take(),
                    ..LedgerEntry::default()
                };
            }
            Settlement::Void => entry.open = None,
            Settlement::NextAttempt => {
                let (kind, attempt) = (entry.kind, entry.attempt + 1);
                let remakes = entry.remakes.iter().copied().chain([self.now]).collect();
                *entry = LedgerEntry { kind, attempt, remakes, ..LedgerEntry::default() };
            }
            Settlement::Forget => {
                self.ledger.remove(part);
            }
        }
    }

    fn perform(&mut self, action: &Action) {
        let now = self.now;
        let entry = self.ledger.entry(action.part.clone()).or_default();
        entry.open = None;
        entry.last = Some(Finished {
            request: action.request.clone(),
            reason: action.reason.clone(),
            at: now,
            failures: 0,
            outcome: Outcome::Done,
        });
        if let Request::Create { body, .. } = &action.request {
            entry.kind = Some(body.kind());
            entry.id = Some(id_of(&action.request));
            entry.created_at = Some(now);
        }
        self.take_effect(&action.part, &action.request);
    }

    fn take_effect(&mut self, part: &Part, request: &Request) {
        match request {
            Request::Create { name, tags, body, .. } => {
                let id = id_of(request);
                let (sending, body) = (body, born(part, name, body));
                let resource = Resource {
                    id,
                    name: name.clone(),
                    tags: tags.clone(),
                    state: State::Ready,
                    body,
                    created_at: Some(self.now),
                };
                self.inventory.missing_since.remove(part);
                self.observe_members(&resource);
                self.inventory.parts.entry(part.clone()).or_default().push(Arc::new(resource));
                self.send_visitors(sending);
            }
            Request::Change { id, change, .. } => {
                self.update(change.kind(), id, |resource| resource.body.apply(change));
            }
            Request::Tag { kind, id, tags } => {
                self.list(part, *kind, id);
                self.update(*kind, id, |resource| resource.tags.extend(tags.clone()));
                self.sort_into_parts(*kind, id);
            }
            Request::TagInstance { instance, tags } => self.tag_instance(instance, tags),
            Request::Delete { id, .. } => self.delete(part, id),
            Request::ReplaceInstance { group, instance } => self.replace(group, instance),
            Request::RegisterTargets { target_group, targets } => self.register(target_group, targets),
            Request::DeregisterTargets { target_group, targets } => {
                if let Some((_, known)) = self.inventory.targets.get_mut(target_group) {
                    known.retain(|health| !targets.contains(&health.target));
                }
            }
        }
    }

    /// Lists what was known by its id alone: it gets the tags that listings show.
    fn list(&mut self, part: &Part, kind: Kind, id: &ResourceId) {
        if let Some(row) = self.inventory.unlisted.remove(&(kind, id.clone())).flatten() {
            self.observe_members(&row);
            self.inventory.parts.entry(part.clone()).or_default().push(row);
        }
    }

    /// What got the tag of another part is that part.
    fn sort_into_parts(&mut self, kind: Kind, id: &ResourceId) {
        let is_it = |row: &Arc<Resource>| row.kind() == kind && row.id == *id;
        let Some((old, row)) = self
            .inventory
            .parts
            .iter()
            .find_map(|(part, rows)| Some((part.clone(), rows.iter().find(|row| is_it(row))?.clone())))
        else {
            return;
        };
        let Some(new) = row.part().filter(|new| *new != old) else { return };
        self.inventory.parts.entry(new.clone()).or_default().push(row);
        self.inventory.missing_since.remove(&new);
        self.delete(&old, id);
    }

    fn update(&mut self, kind: Kind, id: &ResourceId, change: impl Fn(&mut Resource)) {
        let rows = self.inventory.parts.values_mut().flatten();
        let Some(row) = rows.into_iter().find(|row| row.kind() == kind && row.id == *id) else { return };
        change(Arc::make_mut(row));
        let row = Arc::clone(row);
        self.fill_group(&row);
    }

    /// With its listener a load balancer sends to a target group, which then names it.
    fn send_visitors(&mut self, body: &Body) {
        let Body::Listener(Listener { load_balancer, action: ListenerAction::Forward(to), .. }) = body else {
            return;
        };
        let (Some(balancer), Some(group)) = (load_balancer.as_id(), to.as_id()) else { return };
        self.update(Kind::TargetGroup, &group.to_owned(), |row| {
            if let Body::TargetGroup(group) = &mut row.body {
                group.load_balancers.push(balancer.to_owned());
                group.load_balancers.dedup();
            }
        });
    }

    fn tag_instance(&mut self, id: &ResourceId, tags: &Tags) {
        let listed = self.inventory.instances.values_mut().flatten();
        let mut rows = listed.chain(self.inventory.unclaimed.values_mut());
        if let Some(row) = rows.find(|row| row.id == *id) {
            row.tags.extend(tags.clone());
        }
    }

    fn delete(&mut self, part: &Part, id: &ResourceId) {
        let Some(rows) = self.inventory.parts.get_mut(part) else { return };
        rows.retain(|row| row.id != *id);
        if rows.is_empty() {
            self.inventory.parts.remove(part);
            self.inventory.missing_since.insert(part.clone(), self.now);
        }
        self.inventory.instances.remove(id);
    }

    fn replace(&mut self, group: &ResourceId, old: &ResourceId) {
        self.update(Kind::AutoScalingGroup, group, |resource| {
            if let Body::AutoScalingGroup(group) = &mut resource.body {
                group.members.retain(|member| member.instance != *old);
            }
        });
    }

    fn register(&mut self, target_group: &ResourceId, targets: &[Target]) {
        let now = self.now;
        let (_, known) =
            self.inventory.targets.entry(target_group.clone()).or_insert_with(|| (now, Vec::new()));
        known.extend(targets.iter().map(|target| healthy(target.clone())));
    }

    /// Starts or ends instances until the group has as many as it wants.
    fn fill_group(&mut self, row: &Arc<Resource>) {
        let Body::AutoScalingGroup(group) = &row.body else { return };
        let mut filled = group.clone();
        filled.members.truncate(group.desired as usize);
        let lacking = group.desired - u32::try_from(filled.members.len()).unwrap_or(group.desired);
        self.started += lacking;
        filled.members.extend(members(&row.id, group, 1000 + self.started, lacking));
        let mut resource = row.as_ref().clone();
        resource.body = Body::AutoScalingGroup(filled);
        self.observe_members(&resource);
        let rows = self.inventory.parts.values_mut().flatten();
        if let Some(old) = rows.into_iter().find(|old| old.id == resource.id) {
            *old = Arc::new(resource);
        }
    }

    /// Shows the members of a group as running instances and, where they are known, as healthy targets.
    fn observe_members(&mut self, resource: &Resource) {
        let Body::AutoScalingGroup(group) = &resource.body else { return };
        let known = self.inventory.instances.remove(&resource.id).unwrap_or_default();
        let of = |member| {
            let id: &ResourceId = &lamp_cloud::Member::clone(member).instance;
            let before = known.iter().find(|instance| instance.id == *id).cloned();
            before.unwrap_or_else(|| instance(&resource.id, member, &resource.tags, self.now))
        };
        let instances = group.members.iter().map(of).collect();
        self.inventory.instances.insert(resource.id.clone(), instances);
        self.observe_targets(group);
    }

    fn observe_targets(&mut self, group: &AutoScalingGroup) {
        for id in group.target_groups.iter().filter_map(|group| group.as_id()) {
            let rows = self.inventory.parts.values().flatten();
            let port = rows.into_iter().find(|row| row.id == id).and_then(|row| match &row.body {
                Body::TargetGroup(group) => Some(group.port),
                _ => None,
            });
            let Some(port) = port else { continue };
            let targets = group
                .members
                .iter()
                .map(|member| healthy(Target { instance: member.instance.clone(), port }));
            self.inventory.targets.insert(id.to_owned(), (self.now, targets.collect()));
        }
    }
}

fn healthy(target: Target) -> TargetHealth {
    TargetHealth { target, state: TargetState::Healthy, reason: None }
}

/// The id that a creation gives: the name, where AWS knows the kind by its name.
fn id_of(request: &Request) -> ResourceId {
    match request {
        Request::Create { name, body, .. } => match body.kind() {
            Kind::AutoScalingGroup | Kind::DbSubnetGroup | Kind::DbParameterGroup | Kind::DbInstance => {
                name.clone()
            }
            _ => unknown(name),
        },
        other => other.target().unwrap_or_default().to_owned(),
    }
}
