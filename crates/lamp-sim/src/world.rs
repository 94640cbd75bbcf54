//! The truth of a simulated region, and its passing of time. It must not know who calls, nor what for.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{
    Applied, Kind, NetworkInterface, Reference, Request, Resource, ResourceId, Service, State, Tags, Zone,
};

use crate::agenda::{Agenda, Event, Step};
use crate::calls::{Call, Log};
use crate::config::{Config, Span};
use crate::consistency::{History, WINDOW, lognormal};
use crate::dice::Dice;
use crate::iam::{self, Permissions};
use crate::kinds::{self, Behaviour};
use crate::live::databases::Database;
use crate::live::groups::Group;
use crate::live::instances::Machine;
use crate::live::interfaces::Interfaces;
use crate::live::metrics::Records;
use crate::live::targets::Registration;
use crate::refusal::Refusal;
use crate::throttle::Throttle;
use crate::{Faults, Load};

/// The account that everything stands in.
pub(crate) const ACCOUNT: &str = "123456789012";

/// A declared resource: the truth of it, and its recent past.
#[derive(Clone, Debug)]
pub struct Truth {
    pub(crate) history: History<Resource>,
    pub(crate) created_at: Timestamp,
}

impl Truth {
    /// As it is now; `None` once it is gone.
    pub fn resource(&self) -> Option<&Arc<Resource>> {
        self.history.current()
    }

    pub fn created_at(&self) -> Timestamp {
        self.created_at
    }
}

/// A final snapshot of a database.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Snapshot {
    /// RDS's word: `creating` or `available`.
    pub status: String,
    pub source: ResourceId,
    pub tags: Tags,
    pub created_at: Timestamp,
}

/// A simulated region.
#[derive(Debug)]
pub struct World {
    pub(crate) config: Config,
    pub(crate) now: Timestamp,
    pub(crate) dice: Dice,
    pub(crate) agenda: Agenda,
    pub(crate) log: Log,
    pub(crate) throttle: Throttle,
    pub(crate) permissions: Permissions,
    /// Services that have the role that the first resource of theirs makes.
    pub(crate) service_roles: BTreeSet<Service>,
    pub(crate) truths: BTreeMap<Kind, BTreeMap<ResourceId, Truth>>,
    /// Requests by operation and client token, with what they made.
    pub(crate) tokens: BTreeMap<(&'static str, String), (Request, Applied)>,
    /// How often something was made under a label, so that its id depends on nothing else.
    pub(crate) ordinals: BTreeMap<String, u64>,
    pub(crate) machines: BTreeMap<ResourceId, Machine>,
    pub(crate) groups: BTreeMap<ResourceId, Group>,
    /// Groups that have scaling policies, and maybe some that had.
    pub(crate) tracked: BTreeSet<ResourceId>,
    /// Registrations by target group.
    pub(crate) targets: BTreeMap<ResourceId, BTreeMap<lamp_cloud::Target, Registration>>,
    pub(crate) databases: BTreeMap<ResourceId, Database>,
    pub(crate) template_versions: BTreeMap<ResourceId, Vec<kinds::TemplateData>>,
    pub(crate) snapshots: BTreeMap<ResourceId, Snapshot>,
    /// Network interfaces that outlive the load balancer they belonged to.
    pub(crate) lingering: BTreeMap<ResourceId, Vec<NetworkInterface>>,
    pub(crate) made_by_hand: Interfaces,
    /// Secrets that were deleted and can be restored: their names stay taken.
    pub(crate) restorable_secrets: BTreeSet<String>,
    /// Target groups whose health check fails although the service works.
    pub(crate) broken_checks: BTreeSet<ResourceId>,
    pub(crate) records: Records,
    /// The call that is made now meets a replica that knows nothing young.
    pub(crate) is_behind: bool,
    /// The call that is made now is the second delivery of one.
    pub(crate) is_doubled: bool,
    pub(crate) violations: Vec<String>,
}

impl World {
    pub(crate) fn new(config: Config, now: Timestamp) -> Self {
        Self {
            dice: Dice::new(config.seed),
            permissions: Permissions::new(iam::policy(&config)),
            service_roles: BTreeSet::new(),
            config,
            now,
            agenda: Agenda::default(),
            log: Log::default(),
            throttle: Throttle::default(),
            truths: BTreeMap::new(),
            tokens: BTreeMap::new(),
            ordinals: BTreeMap::new(),
            machines: BTreeMap::new(),
            groups: BTreeMap::new(),
            tracked: BTreeSet::new(),
            targets: BTreeMap::new(),
            databases: BTreeMap::new(),
            template_versions: BTreeMap::new(),
            snapshots: BTreeMap::new(),
            lingering: BTreeMap::new(),
            made_by_hand: Interfaces::new(),
            restorable_secrets: BTreeSet::new(),
            broken_checks: BTreeSet::new(),
            records: Records::default(),
            is_behind: false,
            is_doubled: false,
            violations: Vec::new(),
        }
    }

    /// Lets everything happen that is due by `now`, each event at its own time.
    pub fn settle(&mut self, now: Timestamp) {
        while let Some((at, event)) = self.agenda.take(now) {
            self.now = self.now.max(at);
            self.happen(event);
        }
        self.now = self.now.max(now);
    }

    /// When something happens next by itself, so that drivers can skip idle time.
    pub fn next_event(&self) -> Option<Timestamp> {
        self.agenda.next()
    }

    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// Every declared resource that exists, graves that AWS still shows included.
    pub fn resources(&self) -> impl Iterator<Item = &Arc<Resource>> {
        self.truths.values().flat_map(BTreeMap::values).filter_map(Truth::resource)
    }

    /// Every declared resource, those included that were gone only lately.
    pub fn truths(&self) -> impl Iterator<Item = &Truth> {
        self.truths.values().flat_map(BTreeMap::values)
    }

    /// The resource with this id, if it exists.
    pub fn resource(&self, kind: Kind, id: &str) -> Option<&Arc<Resource>> {
        self.truths.get(&kind)?.get(id)?.resource()
    }

    /// Instances that EC2 shows, terminated ones included.
    pub fn instances(&self) -> impl Iterator<Item = &Arc<lamp_cloud::Instance>> {
        self.machines.values().filter_map(|machine| machine.row.current())
    }

    /// Health of the targets of a group.
    pub fn targets(&self, group: &str) -> impl Iterator<Item = &Arc<lamp_cloud::TargetHealth>> {
        self.targets
            .get(group)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter_map(|registration| registration.row.current())
    }

    /// Final snapshots by name.
    pub fn snapshots(&self) -> &BTreeMap<ResourceId, Snapshot> {
        &self.snapshots
    }

    /// Every mutation, and every reading where the configuration says so.
    pub fn log(&self) -> &[Call] {
        &self.log.calls
    }

    /// Calls made, by service and operation; each page of a listing is one.
    pub fn call_counts(&self) -> &BTreeMap<(Service, &'static str), u64> {
        &self.log.counts
    }

    /// A number that two runs share only if they made the same calls with the same outcomes at the same times.
    pub fn log_digest(&self) -> u64 {
        self.log.digest()
    }

    /// What no sane controller should ever cause, in the order of its happening.
    pub fn violations(&self) -> &[String] {
        &self.violations
    }

    pub fn faults_mut(&mut self) -> &mut Faults {
        &mut self.config.faults
    }

    /// What visitors ask for, from now on and in what was not read yet.
    pub fn set_load(&mut self, load: Load) {
        self.config.load = load;
    }

    pub fn config(&self) -> &Config {
        &self.config
    }

    pub(crate) fn zones(&self) -> Vec<Zone> {
        (0..self.config.zones)
            .map(|index| {
                let name = format!("{}{}", self.config.region, char::from(b'a' + index));
                Zone { available: !self.config.faults.is_zone_down(&name, self.now), name }
            })
            .collect()
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Step { kind, id, born, step } => {
                let known = self.truths.get(&kind).and_then(|truths| truths.get(&id));
                if known.is_some_and(|truth| truth.created_at == born) {
                    kinds::step(self, kind, &id, step);
                }
            }
            Event::Bury { kind, id } => self.bury(kind, &id),
            Event::Instance { id, step } => self.instance_step(&id, step),
            Event::GroupLook(id) => self.group_look(&id),
            Event::TargetVerdict { group, target, generation } => self.verdict(&group, &target, generation),
            Event::Drained { group, target, generation } => self.drained(&group, &target, generation),
            Event::InterfacesReleased(id) => {
                self.lingering.remove(&id);
            }
            Event::ZoneChanged(zone) => self.zone_changed(&zone),
            Event::SnapshotDone(id) => self.snapshot_done(&id),
            Event::TwinDue { kind, id } => self.check_swept(kind, &id),
            Event::Fails { kind, id } => self.fails(kind, &id),
            Event::LateEffect(request) => self.late_effect(&request),
            Event::Alarms => self.judge_alarms(),
        }
    }

    fn snapshot_done(&mut self, id: &str) {
        if let Some(snapshot) = self.snapshots.get_mut(id) {
            "available".clone_into(&mut snapshot.status);
        }
    }

    fn bury(&mut self, kind: Kind, id: &str) {
        let Some(truths) = self.truths.get_mut(&kind) else { return };
        if truths.get(id).is_some_and(|truth| truth.resource().is_none()) {
            truths.remove(id);
        }
    }
}

/// What kinds do to the world.
impl World {
    /// Every existing resource of a kind.
    pub(crate) fn each<'a, T: Behaviour + 'a>(&'a self) -> impl Iterator<Item = (&'a Arc<Resource>, &'a T)> {
        self.truths
            .get(&T::KIND)
            .into_iter()
            .flat_map(BTreeMap::values)
            .filter_map(Truth::resource)
            .filter_map(|resource| Some((resource, T::of(&resource.body)?)))
    }

    /// The body of a resource, if it exists.
    pub(crate) fn body<T: Behaviour>(&self, id: &str) -> Option<&T> {
        T::of(&self.resource(T::KIND, id)?.body)
    }

    /// The resource that `reference` names, for a call that needs it.
    ///
    /// # Errors
    /// AWS's `NotFound` for the kind; sometimes for a young resource too, where reads are stale.
    pub(crate) fn require<T: Behaviour>(&self, reference: &Reference) -> Result<&T, Refusal> {
        let Some(id) = reference.as_id() else {
            return Err(Refusal::new(
                "MissingParameter",
                format!("{} {reference} is not resolved", T::KIND.name()),
            ));
        };
        let missing = || Refusal::new(T::MISSING, format!("The {} '{id}' does not exist", T::KIND.name()));
        let truth = self.truths.get(&T::KIND).and_then(|truths| truths.get(id)).ok_or_else(missing)?;
        if self.is_still_unknown(id, truth) {
            return Err(missing());
        }
        let resource = truth.resource().filter(|resource| resource.state != State::Deleting);
        resource.and_then(|resource| T::of(&resource.body)).ok_or_else(missing)
    }

    /// Whether the subnets of a zone have addresses left.
    ///
    /// # Errors
    /// AWS's word for it.
    pub(crate) fn require_room(&self, zone: &str) -> Result<(), Refusal> {
        if !self.config.faults.is_crowded(zone, self.now) {
            return Ok(());
        }
        let message = format!("There are not enough free addresses in the subnets of {zone}");
        Err(Refusal::new("InsufficientFreeAddressesInSubnet", message))
    }

    /// Whether this call meets a replica that does not know the resource yet.
    fn is_still_unknown(&self, id: &str, truth: &Truth) -> bool {
        if self.is_behind && self.now < truth.created_at + WINDOW {
            return true;
        }
        let lag = self.config.lag;
        let call = self.log.begun();
        if lag.is_none() || self.dice.share(&["unknown", id], call) >= lag.unknown_references {
            return false;
        }
        let age = lognormal(lag, self.dice.normal(&["unknown lag", id], call));
        self.now.duration_since(truth.created_at).unsigned_abs() < age
    }

    /// Changes the body of a resource; it shows at once in what is read without lag.
    pub(crate) fn update<T: Behaviour>(&mut self, id: &str, change: impl FnOnce(&mut T)) {
        self.rewrite(T::KIND, id, |resource| {
            if let Some(body) = T::of_mut(&mut resource.body) {
                change(body);
            }
        });
    }

    pub(crate) fn set_state(&mut self, kind: Kind, id: &str, state: State) {
        self.rewrite(kind, id, |resource| resource.state = state);
    }

    pub(crate) fn rewrite(&mut self, kind: Kind, id: &str, change: impl FnOnce(&mut Resource)) {
        let now = self.now;
        if let Some(truth) = self.truths.get_mut(&kind).and_then(|truths| truths.get_mut(id)) {
            truth.history.update(now, change);
        }
    }

    /// A resource begins to exist.
    pub(crate) fn begin(&mut self, resource: Resource) {
        let now = self.now;
        let truths = self.truths.entry(resource.kind()).or_default();
        match truths.get_mut(&resource.id) {
            // One with the same id was there lately, and stale readings still see that.
            Some(truth) => {
                truth.created_at = now;
                truth.history.set(now, resource);
            }
            None => {
                let id = resource.id.clone();
                truths.insert(id, Truth { created_at: now, history: History::new(now, resource) });
            }
        }
    }

    /// A resource exists no more.
    pub(crate) fn end(&mut self, kind: Kind, id: &str) {
        let now = self.now;
        if let Some(truth) = self.truths.get_mut(&kind).and_then(|truths| truths.get_mut(id)) {
            truth.history.end(now);
            self.agenda.plan(now + WINDOW, Event::Bury { kind, id: id.to_owned() });
        }
    }

    /// Plans the next step of a resource, after a duration drawn from `span`.
    pub(crate) fn plan_step(&mut self, kind: Kind, id: &str, step: Step, span: Span) {
        let after = self.draw(span, &["step", id]);
        self.plan_step_at(kind, id, step, self.now + after);
    }

    pub(crate) fn plan_step_at(&mut self, kind: Kind, id: &str, step: Step, at: Timestamp) {
        let truth = self.truths.get(&kind).and_then(|truths| truths.get(id));
        let Some(born) = truth.map(|truth| truth.created_at) else { return };
        self.agenda.plan(at, Event::Step { kind, id: id.to_owned(), born, step });
    }

    /// A duration for the thing that the labels name; each draw under the same labels is another one.
    pub(crate) fn draw(&mut self, span: Span, labels: &[&str]) -> Duration {
        let ordinal = self.ordinal(&labels.join(" "));
        self.dice.within(span, labels, ordinal)
    }

    /// How often this was asked before with the same label.
    pub(crate) fn ordinal(&mut self, label: &str) -> u64 {
        if let Some(count) = self.ordinals.get_mut(label) {
            *count += 1;
            return *count - 1;
        }
        self.ordinals.insert(label.to_owned(), 1);
        0
    }

    pub(crate) fn violate(&mut self, text: String) {
        self.violations.push(format!("{}: {text}", self.now));
    }

    /// An ARN of this region.
    pub(crate) fn arn(&self, service: &str, resource: &str) -> String {
        format!("arn:aws:{service}:{}:{ACCOUNT}:{resource}", self.config.region)
    }

    /// Whether the resource still counts: it exists and is not on its way out.
    pub(crate) fn lives(&self, kind: Kind, id: &str) -> bool {
        self.resource(kind, id).is_some_and(|resource| resource.state != State::Deleting)
    }
}

/// Whether a resource with this body is shown with these tags.
pub(crate) fn of_install(tags: &Tags, install: &str) -> bool {
    tags.get(lamp_cloud::tag::INSTALL).is_some_and(|value| value == install)
}
