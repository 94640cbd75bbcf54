//! Observes the region: each pass lists every kind once, whatever the number of stacks.
//!
//! | file | is |
//! |---|---|
//! | `listing` | one listing, page by page |
//! | `by_zone` | instances zone by zone, when the region cannot be listed |
//! | `listed` | all rows of a pass, filtered to ours |
//! | `suspicion` | doubts readings that lost too much at once |
//! | `details` | what AWS shows only resource by resource, cached |
//! | `schedule` | which details a pass reads |
//! | `policies` | when scaling policies are read, those of all groups at once |
//! | `marks` | what our own actions made out of date |
//! | `signals` | metrics |
//! | `histories` | the past of metrics, every few hours |
//! | `survey` | one network and what serves it, whoever made it, for those who ask |
//! | `absence` | since when something is not there |
//! | `asked` | what AWS says where plans ask: of single resources, and of what stands in a network |
//! | `whole` | one resource with its tags and details |
//! | `slices` | cuts a pass into the slices of its stacks |
//! | `observed` | the outcome |

mod absence;
mod asked;
mod by_zone;
mod details;
mod histories;
mod listed;
mod listing;
mod marks;
mod observed;
mod policies;
mod schedule;
mod signals;
mod slices;
mod survey;
mod suspicion;
mod whole;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt;
use jiff::Timestamp;
use lamp_cloud::{
    Clock, Cloud, CloudError, ErrorClass, HistoryQuery, Kind, Listing, MetricQuery, Read, Region, ResourceId,
    Section, Service, Signals, Tags,
};
use lamp_plan::Ask;

use crate::budget::{most_urgent_first, of_reading};
use crate::calls::{Calls, is_too_late};
use absence::Absence;
use asked::Answers;
use by_zone::ByZone;
use details::{Detail, Details};
use histories::Past;
use listed::Listed;
pub(crate) use listed::{has_another_name, is_ours};
use listing::{Failure, Rows};
pub(crate) use marks::Marks;
pub use observed::Observed;
use policies::Due;
use schedule::Scheduling;
use slices::{Cutter, Interned, Slice};
pub(crate) use survey::{Sight, survey};
use suspicion::Suspicion;

/// What one pass is asked for.
#[derive(Debug)]
pub(crate) struct Order<'a> {
    pub(crate) pass: u64,
    pub(crate) install: &'a str,
    pub(crate) queries: BTreeSet<MetricQuery>,
    /// Metrics whose past forecasts are made from.
    pub(crate) histories: BTreeSet<HistoryQuery>,
    /// What the ledgers say must exist.
    pub(crate) recorded: BTreeMap<Kind, BTreeSet<ResourceId>>,
    /// What was taken over, or is to be, and is called by a name that is not of our making.
    pub(crate) adopted: BTreeSet<(Kind, ResourceId)>,
    /// What the plans of the stacks asked, by uid.
    pub(crate) asks: BTreeMap<String, BTreeSet<Ask>>,
    /// The stacks that exist.
    pub(crate) stacks: BTreeSet<String>,
    pub(crate) marks: Marks,
    pub(crate) previous: Arc<Observed>,
    pub(crate) concurrency: usize,
    pub(crate) pages: usize,
    pub(crate) details: usize,
    pub(crate) settle: Duration,
    /// Details for which there is no token by then are for a later pass: those who wait for this one wait no longer.
    pub(crate) deadline: Timestamp,
    /// Services that fail more often than not, as the calls of this pass show.
    pub(crate) troubled: BTreeMap<Service, String>,
}

/// What one process knows from its earlier passes. Losing it costs readings, and nothing else.
#[derive(Debug, Default)]
pub(crate) struct Observer {
    details: Details,
    past: Past,
    suspicion: Suspicion,
    absence: Absence,
    interned: Interned,
    sections: BTreeMap<Listing, bool>,
    region_same_since: u64,
    known_at: BTreeMap<Listing, Timestamp>,
}

impl Observer {
    /// One pass over the region.
    pub(crate) async fn pass<C: Cloud>(
        &mut self,
        calls: &Calls<C>,
        clock: &dyn Clock,
        mut order: Order<'_>,
    ) -> Observed {
        let started = clock.now();
        let mut listed = self.list(calls, &order, started).await;
        self.spread_marks(&mut order);
        self.attach_tags(calls, clock, &order, &mut listed).await;
        self.doubt(&order, &mut listed);
        let signals = signals::read(calls, std::mem::take(&mut order.queries), started).await;
        let policies_are_due = self.policies_are_due(clock, &order, &listed);
        // What that costs is saved in the rotation.
        order.details = order.details.saturating_sub(usize::from(policies_are_due));
        self.read_details(calls, clock, &order, &listed, &signals).await;
        if policies_are_due {
            self.read_policies(calls, clock, &order, &listed).await;
        }
        self.past.refresh(calls, std::mem::take(&mut order.histories), started, order.deadline).await;
        self.refresh_tags(&order, &mut listed);
        self.forget(&listed, &order.marks);
        let answers = asked::ask(calls, &order, &listed.templates).await;
        order.troubled = calls.troubled();
        self.publish(&order, listed, signals, answers, started, clock.now())
    }

    /// When each section was last known.
    pub(crate) fn known_at(&self) -> &BTreeMap<Listing, Timestamp> {
        &self.known_at
    }

    /// Whether the details of `id` that were read since `pass` replaced all older ones.
    pub(crate) fn shows(&self, id: &str, pass: u64) -> bool {
        self.details.passes(id).all(|read| read >= pass)
    }

    /// Whether something with this id was seen in the last pass.
    pub(crate) fn is_listed(&self, id: &ResourceId) -> bool {
        Kind::ALL.iter().any(|kind| self.interned.contains_key(&(*kind, id.clone())))
    }

    async fn list<C: Cloud>(&self, calls: &Calls<C>, order: &Order<'_>, started: Timestamp) -> Listed {
        let listings = futures::stream::iter(Listing::all());
        let mut rows = listings
            .map(|listing| async move { (listing, listing::list(calls, listing, order.pages).await) })
            .buffered(order.concurrency.max(1));
        let mut listed = Listed::default();
        let mut by_zone = false;
        while let Some((listing, rows)) = rows.next().await {
            if let Err(failure) = &rows {
                let why = failure.to_string();
                tracing::warn!(listing = listing.name(), why, "a listing is unknown in this pass");
            }
            by_zone |= listing == Listing::Instances && rows.as_ref().is_err_and(Failure::is_of_aws);
            let rows = rows.map_err(|failure| failure.to_string());
            listed.take(listing, rows, order.install, &order.adopted, started);
        }
        if by_zone {
            self.list_by_zone(calls, order, started, &mut listed).await;
        }
        listed.join_statuses();
        listed
    }

    async fn list_by_zone<C: Cloud>(
        &self,
        calls: &Calls<C>,
        order: &Order<'_>,
        started: Timestamp,
        listed: &mut Listed,
    ) {
        let zones = if listed.zones.is_empty() { &order.previous.region.zones } else { &listed.zones };
        let ByZone { rows, unseen } = by_zone::instances(calls, zones, order.pages).await;
        if unseen.len() < zones.len() {
            let rows = Ok(Rows::Instances(rows));
            listed.take(Listing::Instances, rows, order.install, &order.adopted, started);
            listed.unseen_zones = unseen;
        }
    }

    /// A listener that changed changes what its load balancer's listing of listeners says.
    fn spread_marks(&self, order: &mut Order<'_>) {
        let changed: Vec<_> = order.marks.changed().cloned().collect();
        for id in changed {
            let balancers = self.details.load_balancers_of(&id);
            order.marks.spread(&id, balancers.into_iter());
        }
    }

    /// Without its tags nobody knows whose a resource is: unread tags make the whole listing unknown.
    async fn attach_tags<C: Cloud>(
        &mut self,
        calls: &Calls<C>,
        clock: &dyn Clock,
        order: &Order<'_>,
        listed: &mut Listed,
    ) {
        for kind in Kind::ALL.iter().filter(|kind| kind.is_listed() && kind.tags_are_separate()) {
            let detail = Detail::Tags(*kind);
            let unread = |id: &ResourceId| self.details.get(id, detail, &order.marks).is_none();
            let ids: Vec<_> = listed.ids(*kind).into_iter().filter(unread).collect();
            let errors = self.read_all(calls, clock, order, [(detail, ids)].into()).await;
            match errors.into_iter().next() {
                Some(error) => listed.give_up(kind.listing(), format!("tags could not be read: {error}")),
                None => self.refresh_kind(order, listed, *kind),
            }
        }
    }

    fn refresh_kind(&self, order: &Order<'_>, listed: &mut Listed, kind: Kind) {
        let tags = |id: &ResourceId| self.details.tags(kind, id, &order.marks).cloned();
        let ids = listed.ids(kind).into_iter();
        let tags: BTreeMap<ResourceId, Tags> =
            ids.filter_map(|id| tags(&id).map(|tags| (id, tags))).collect();
        listed.set_tags(kind, &tags, order.install);
    }

    /// The rotation may have read tags again.
    fn refresh_tags(&self, order: &Order<'_>, listed: &mut Listed) {
        for kind in Kind::ALL.iter().filter(|kind| kind.is_listed() && kind.tags_are_separate()) {
            self.refresh_kind(order, listed, *kind);
        }
    }

    fn doubt(&mut self, order: &Order<'_>, listed: &mut Listed) {
        for listing in Listing::all() {
            let Some(mut ids) = listed.owned_ids(listing) else { continue };
            if listing == Listing::Instances {
                ids.extend(by_zone::hidden(&order.previous, &listed.unseen_zones));
            }
            let recorded = match listing {
                Listing::Resources(kind) if !self.suspicion.has_history(listing) && ids.is_empty() => {
                    order.recorded.get(&kind).cloned().unwrap_or_default()
                }
                _ => BTreeSet::new(),
            };
            let verdict = self.suspicion.judge(listing, ids, &recorded, order.marks.removed());
            if let Err(why) = verdict {
                tracing::warn!(listing = listing.name(), why, "a listing is not believed in this pass");
                listed.give_up(listing, why);
            }
        }
    }

    fn policies_are_due(&self, clock: &dyn Clock, order: &Order<'_>, listed: &Listed) -> bool {
        let (marks, settle, pass) = (&order.marks, order.settle, order.pass);
        Due { listed, details: &self.details, marks, settle, pass, now: clock.now() }.is_due()
    }

    /// Reads the scaling policies of all groups: last, so that nothing that heals waits for it.
    async fn read_policies<C: Cloud>(
        &mut self,
        calls: &Calls<C>,
        clock: &dyn Clock,
        order: &Order<'_>,
        listed: &Listed,
    ) {
        // In a rush for calls this one is the last to get any: the next pass must not wait for it.
        let soon = clock.now() + policies::PATIENCE;
        match policies::list(calls, order.pages, order.deadline.min(soon)).await {
            Ok(rows) => {
                let groups = listed.ids(Kind::AutoScalingGroup);
                self.details.put_policies(groups, rows, (order.pass, clock.now()));
            }
            Err(error) => tracing::warn!(%error, "scaling policies could not be read in this pass"),
        }
    }

    /// Reads details, then those that only the first readings made known: the tags of new listeners.
    async fn read_details<C: Cloud>(
        &mut self,
        calls: &Calls<C>,
        clock: &dyn Clock,
        order: &Order<'_>,
        listed: &Listed,
        signals: &Signals,
    ) {
        for budget in [order.details, 0] {
            let scheduling = Scheduling {
                listed,
                details: &self.details,
                marks: &order.marks,
                signals,
                settle: order.settle,
                budget,
                pass: order.pass,
                now: clock.now(),
            };
            let mut wanted = scheduling.wanted();
            if budget == 0 {
                wanted.retain(|detail, _| *detail == Detail::Tags(Kind::Listener));
            }
            let errors = self.read_all(calls, clock, order, wanted).await;
            let (late, errors): (Vec<_>, Vec<_>) = errors.into_iter().partition(is_too_late);
            for error in errors {
                tracing::warn!(%error, "a detail could not be read in this pass");
            }
            if !late.is_empty() {
                let readings = late.len();
                tracing::warn!(readings, "the rate budget leaves details to later passes");
            }
        }
    }

    async fn read_all<C: Cloud>(
        &mut self,
        calls: &Calls<C>,
        clock: &dyn Clock,
        order: &Order<'_>,
        wanted: BTreeMap<Detail, Vec<ResourceId>>,
    ) -> Vec<CloudError> {
        let reads = wanted.into_iter().flat_map(|(detail, ids)| {
            detail.reads(&ids).into_iter().map(move |read| (detail, read)).collect::<Vec<_>>()
        });
        let mut readings = futures::stream::iter(most_urgent_first(reads.collect()))
            .map(|(detail, read)| async move {
                let reading = calls.read_before(&read, of_reading(&read), order.deadline).await;
                (detail, read, reading)
            })
            .buffered(order.concurrency.max(1));
        let mut errors = Vec::new();
        while let Some((detail, read, reading)) = readings.next().await {
            match reading {
                Ok(reading) => self.details.put(detail, &read, reading, order.pass, clock.now()),
                Err(error) => {
                    self.refused(detail, &read, &error);
                    errors.push(error);
                }
            }
        }
        errors
    }

    /// A reading that failed leaves what was read before, unless AWS says that the resource is gone.
    fn refused(&mut self, detail: Detail, read: &Read, error: &CloudError) {
        if error.class == ErrorClass::NotFound {
            self.details.forget(read, detail);
        }
    }

    /// Details of resources that are no longer listed are forgotten.
    fn forget(&mut self, listed: &Listed, marks: &Marks) {
        let balancers = listed.ids(Kind::LoadBalancer);
        let listeners: BTreeSet<ResourceId> = balancers
            .iter()
            .flat_map(|id| self.details.listeners(id, marks).unwrap_or_default())
            .map(|row| row.id.clone())
            .collect();
        let present = |kind: Kind, id: &ResourceId| {
            !listed.is_known(kind.listing())
                || match kind {
                    Kind::Listener => listeners.contains(id),
                    _ if kind.tags_are_separate() => {
                        listed.named.get(&kind).is_some_and(|ids| ids.contains(id))
                    }
                    _ => listed.resources.get(&kind).is_some_and(|rows| rows.contains_key(id)),
                }
        };
        self.details.retain(|id, detail| present(detail.kind(), id));
    }

    fn publish(
        &mut self,
        order: &Order<'_>,
        mut listed: Listed,
        signals: Signals,
        answers: BTreeMap<String, Answers>,
        started: Timestamp,
        finished_at: Timestamp,
    ) -> Observed {
        self.note_sections(&listed, &order.previous, order.pass, started);
        let mut cutter = Cutter {
            install: order.install,
            details: &self.details,
            marks: &order.marks,
            previous: &self.interned,
            interned: Interned::new(),
            slices: BTreeMap::new(),
        };
        cutter.cut(&mut listed);
        let (interned, mut slices) = (cutter.interned, cutter.slices);
        self.interned = interned;
        self.note_absence(order, &mut slices, &listed, started);
        for (uid, Answers { resources, interfaces }) in answers {
            let inventory = &mut slices.entry(uid).or_default().inventory;
            (inventory.unlisted, inventory.interfaces) = (resources, interfaces);
        }
        let Listed { sections, zones, unseen_zones, .. } = listed;
        let troubled = order.troubled.clone();
        let histories = self.past.known();
        let region =
            Region { observed_at: started, sections, zones, unseen_zones, signals, histories, troubled };
        self.assemble(order, Arc::new(region), slices, finished_at)
    }

    fn note_sections(&mut self, listed: &Listed, previous: &Observed, pass: u64, started: Timestamp) {
        let known: BTreeMap<_, _> =
            listed.sections.keys().map(|listing| (*listing, listed.is_known(*listing))).collect();
        let region = &previous.region;
        let same_zones = listed.zones == region.zones && listed.unseen_zones == region.unseen_zones;
        if known != self.sections || !same_zones {
            self.region_same_since = pass;
        }
        for (listing, section) in &listed.sections {
            if let Section::Known { since } = section {
                self.known_at.insert(*listing, *since);
            }
        }
        for kind in Kind::ALL.iter().filter(|kind| listed.is_known(kind.listing())) {
            self.absence.listed(*kind, started);
        }
        self.sections = known;
    }

    fn note_absence(
        &mut self,
        order: &Order<'_>,
        slices: &mut BTreeMap<String, Slice>,
        listed: &Listed,
        started: Timestamp,
    ) {
        let mut alive = slices::owners(slices);
        alive.extend(order.stacks.iter().cloned());
        self.absence.retain(&alive);
        for uid in self.absence.owners() {
            slices.entry(uid).or_default();
        }
        for (uid, slice) in slices.iter_mut() {
            // Listeners are known only where every load balancer of the stack was read completely.
            let listeners = slice.inventory.incomplete.is_empty();
            let is_complete =
                |kind: Kind| listed.is_known(kind.listing()) && (kind != Kind::Listener || listeners);
            self.absence.update(uid, &slice.kinds, is_complete, started);
            slice.inventory.missing_since = self.absence.missing_since(uid);
            slice.inventory.first_pass = self.absence.first_pass().clone();
        }
    }

    fn assemble(
        &self,
        order: &Order<'_>,
        region: Arc<Region>,
        slices: BTreeMap<String, Slice>,
        finished_at: Timestamp,
    ) -> Observed {
        let mut observed = Observed {
            pass: order.pass,
            region: Arc::clone(&region),
            finished_at,
            region_same_since: self.region_same_since,
            first_pass: self.absence.first_pass().clone(),
            ..Observed::default()
        };
        for (uid, slice) in slices {
            let mut inventory = slice.inventory;
            inventory.region = Arc::clone(&region);
            let before = order.previous.slices.get(&uid).filter(|before| slices::same(before, &inventory));
            let since =
                before.and_then(|_| order.previous.same_since.get(&uid)).copied().unwrap_or(order.pass);
            let rows =
                inventory.parts.iter().flat_map(|(part, rows)| rows.iter().map(move |row| (part, row)));
            let tagged = rows.map(|(part, row)| (uid.clone(), part.clone(), row.kind(), row.id.clone()));
            observed.tagged.extend(tagged);
            observed.same_since.insert(uid.clone(), since);
            observed.slices.insert(uid, Arc::new(inventory));
        }
        observed
    }
}
