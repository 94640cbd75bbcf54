//! The controller without its loop: one step at a time, so that tests drive it as the daemon does.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use jiff::Timestamp;
use lamp_api::kinds::{DATABASE_OPERATION, IMPORT, ORPHAN_DELETION, ORPHAN_REPORT, PLAN, SCALING_HISTORY};
use lamp_api::v1alpha1::{LampStackSpec, Mode};
use lamp_cloud::{Clock, Cloud, HistoryQuery, Kind, MetricQuery, Outcome, Request, ResourceId};
use lamp_store::{Key, Store, StoreError, Stored};

use crate::calls::Calls;
use crate::epoch::Epochs;
use crate::ledger;
use crate::metrics::Metrics;
use crate::observer::{Marks, Observed, Observer, Order, has_another_name};
use crate::orphans::{self, Orphans};
use crate::recollection::Recollections;
use crate::recorder::Recorder;
use crate::regions::{Regions, region_of};
use crate::requeue::Requeue;
use crate::settings::Settings;
use crate::stack::{PLURAL, Stack, StackCache};
use crate::{operations, question, reconcile};

/// The kinds of objects that are worked on.
pub(crate) const PLURALS: [&str; 7] = [
    PLURAL,
    PLAN.plural,
    IMPORT.plural,
    ORPHAN_REPORT.plural,
    ORPHAN_DELETION.plural,
    DATABASE_OPERATION.plural,
    SCALING_HISTORY.plural,
];

/// What an engine works with.
pub struct Deps<C> {
    pub cloud: Arc<C>,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
    /// Name of this installation, as in the tags of what is ours.
    pub install: String,
    /// Every region of the daemon. Each has an engine of its own over the same store; the first also minds what names a
    /// region that nobody keeps. Empty: that of the cloud alone.
    pub regions: Vec<String>,
    pub settings: Settings,
    pub metrics: Metrics,
}

impl<C> fmt::Debug for Deps<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Deps").field("install", &self.install).finish_non_exhaustive()
    }
}

/// Observes the region and reconciles keys. All that matters is in the store: an engine can be dropped at any point,
/// and another one goes on from there.
pub struct Engine<C> {
    pub(crate) shared: Arc<Shared<C>>,
}

impl<C> Clone for Engine<C> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<C> fmt::Debug for Engine<C> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let passes = self.shared.passes.load(Ordering::SeqCst);
        formatter.debug_struct("Engine").field("passes", &passes).finish_non_exhaustive()
    }
}

/// What the steps of an engine share.
pub(crate) struct Shared<C> {
    pub(crate) calls: Calls<C>,
    pub(crate) store: Store,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) install: String,
    pub(crate) regions: Regions,
    pub(crate) settings: Settings,
    pub(crate) metrics: Metrics,
    pub(crate) recorder: Recorder,
    pub(crate) recollections: Recollections,
    pub(crate) epochs: Epochs,
    pub(crate) stacks: StackCache,
    observer: tokio::sync::Mutex<Observer>,
    latest: RwLock<Arc<Observed>>,
    marks: Mutex<Marks>,
    /// Passes that were started.
    passes: AtomicU64,
    orphans: Mutex<Orphans>,
    #[cfg(feature = "sabotage")]
    pub(crate) sabotage: crate::sabotage::Slot,
}

impl<C: Cloud> Engine<C> {
    pub fn new(deps: Deps<C>) -> Self {
        let regions = Regions::new(deps.cloud.region(), &deps.regions);
        let shared = Shared {
            calls: Calls::new(&deps),
            recorder: Recorder::new(deps.store.clone(), Arc::clone(&deps.clock)),
            epochs: Epochs::of(&deps.store),
            store: deps.store,
            clock: deps.clock,
            install: deps.install,
            regions,
            settings: deps.settings,
            metrics: deps.metrics,
            recollections: Recollections::default(),
            stacks: StackCache::default(),
            observer: tokio::sync::Mutex::default(),
            latest: RwLock::default(),
            marks: Mutex::default(),
            passes: AtomicU64::new(0),
            orphans: Mutex::default(),
            #[cfg(feature = "sabotage")]
            sabotage: crate::sabotage::Slot::default(),
        };
        Self { shared: Arc::new(shared) }
    }

    /// Looks once at the whole region, and publishes what it saw. Passes come one after the other.
    pub async fn observe(&self) -> Arc<Observed> {
        let shared = &self.shared;
        let mut observer = shared.observer.lock().await;
        let started = shared.clock.now();
        if shared.is_set_back(started) {
            tracing::warn!(
                "the clock was set back: what was observed before is forgotten, as after a restart"
            );
            *observer = Observer::default();
            shared.begin_anew();
        }
        let order = shared.order();
        let observed = Arc::new(observer.pass(&shared.calls, &*shared.clock, order).await);
        shared.prune_marks(&observer);
        // Before anything is decided from it.
        if let Err(error) = shared.epochs.mind(&shared.store, &observed, shared.clock.now()).await {
            tracing::warn!(%error, "the epoch could not be written down");
        }
        shared.publish(&observed, self.region());
        shared.publish_metrics(&observer, started);
        drop(observer);
        shared.calls.publish_budget().await;
        shared.recorder.prune().await;
        observed
    }

    /// The latest observation; its pass is 0 before the first.
    pub fn observed(&self) -> Arc<Observed> {
        self.shared.observed()
    }

    /// How many passes were started: an observation that begins from now on has a higher number.
    pub fn passes_started(&self) -> u64 {
        self.shared.passes_started()
    }

    /// Every key that there is to work on in this region.
    ///
    /// # Errors
    /// The store cannot be read.
    pub fn keys(&self) -> Result<Vec<Key>, StoreError> {
        let mut keys = Vec::new();
        for plural in PLURALS {
            for stored in self.shared.store.list(plural, None)?.0 {
                if self.shared.minds(&stored)? {
                    keys.push(stored.key);
                }
            }
        }
        Ok(keys)
    }

    /// Works on one key, of whichever kind; on one of another region's engine it does nothing.
    pub async fn work(&self, key: &Key) -> Requeue {
        match self.shared.is_anothers(key) {
            Ok(true) => Requeue::default(),
            Ok(false) if question::is_question(key) => self.answer(key).await,
            Ok(false) if orphans::is_order(key) => orphans::work(&self.shared, key).await,
            Ok(false) if operations::is_operation(key) => operations::work(&self.shared, key).await,
            Ok(false) => self.reconcile(key).await,
            Err(error) => Requeue { error: Some(error.to_string()), ..Requeue::default() },
        }
    }

    /// The region that it keeps.
    pub fn region(&self) -> &str {
        self.shared.calls.region()
    }

    /// Brings one stack a step nearer to its spec.
    pub async fn reconcile(&self, key: &Key) -> Requeue {
        reconcile::reconcile(&self.shared, key).await
    }

    /// Answers one `Plan`, `Import`, `OrphanReport` or `ScalingHistory`.
    pub async fn answer(&self, key: &Key) -> Requeue {
        question::answer(&self.shared, key).await
    }

    /// Resources that carry our install tag but belong to no stack of the store.
    pub fn orphans(&self) -> Orphans {
        self.shared.orphans()
    }

    /// How the engine works.
    pub fn settings(&self) -> &Settings {
        &self.shared.settings
    }
}

impl<C> Shared<C> {
    pub(crate) fn observed(&self) -> Arc<Observed> {
        Arc::clone(&self.latest.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(crate) fn orphans(&self) -> Orphans {
        self.orphans.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The latest observation, if there is one that is young enough to decide on.
    pub(crate) fn young(&self) -> Option<Arc<Observed>> {
        let (observed, now) = (self.observed(), self.clock.now());
        let age = crate::time::since(observed.finished_at, now);
        let is_young = age <= self.settings.stale_after() && observed.finished_at <= now;
        (is_young && observed.pass > 0).then_some(observed)
    }

    /// The latest observation, if it shows everything that was done to the stack `uid` as well.
    pub(crate) fn fresh(&self, uid: &str) -> Option<Arc<Observed>> {
        self.young().filter(|observed| observed.pass >= self.recollections.get(uid).needs_pass)
    }

    /// Whether the last observation ended at a time that is yet to come.
    fn is_set_back(&self, now: Timestamp) -> bool {
        let observed = self.observed();
        observed.pass > 0 && crate::time::since(now, observed.finished_at) > crate::time::OVERTAKING
    }

    /// Nothing is known that another clock has dated.
    fn begin_anew(&self) {
        self.recollections.retain(&BTreeSet::new());
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Arc::default();
    }

    pub(crate) fn passes_started(&self) -> u64 {
        self.passes.load(Ordering::SeqCst)
    }

    /// Tells the observer of a call that changed AWS.
    pub(crate) fn note(&self, request: &Request) {
        let pass = self.passes_started() + 1;
        self.marks().note(request, pass, self.clock.now());
    }

    /// Every stack of this region.
    pub(crate) fn stacks(&self) -> Result<Vec<Arc<Stack>>, StoreError> {
        let mut stacks = Vec::new();
        for stored in &self.store.list(PLURAL, None)?.0 {
            if self.minds(stored)? {
                stacks.push(self.stacks.decode(stored, &self.install));
            }
        }
        Ok(stacks)
    }

    /// Namespace and name of every stack of the store, of whichever region, by `metadata.uid`.
    pub(crate) fn every_stack(&self) -> Result<BTreeMap<String, String>, StoreError> {
        let (stored, _) = self.store.list(PLURAL, None)?;
        let named = |stored: &Stored| {
            let uid = stored.object["metadata"]["uid"].as_str()?.to_owned();
            Some((uid, format!("{}/{}", stored.key.namespace, stored.key.name)))
        };
        Ok(stored.iter().filter_map(named).collect())
    }

    /// # Errors
    /// In a sentence: the region that a question names is none of this daemon's.
    pub(crate) fn check_region(&self, region: Option<&str>) -> Result<(), String> {
        match region {
            Some(region) if !self.regions.keeps(region) => {
                Err(format!("spec.region is {region}, but this daemon works in {}", self.regions.list()))
            }
            _ => Ok(()),
        }
    }

    fn minds(&self, stored: &Stored) -> Result<bool, StoreError> {
        Ok(self.regions.minds(region_of(&self.store, &stored.key, &stored.object)?.as_deref()))
    }

    /// Whether the engine of another region works on the object. One that is gone is everybody's to forget.
    fn is_anothers(&self, key: &Key) -> Result<bool, StoreError> {
        match self.store.get(key)? {
            Some(stored) => Ok(!self.minds(&stored)?),
            None => Ok(false),
        }
    }

    /// The lost stacks whose remains may be taken over: nobody ordered their deletion.
    pub(crate) fn lost(&self) -> BTreeSet<String> {
        let going = self.going();
        let orphans = self.orphans();
        orphans.rows.into_iter().map(|orphan| orphan.uid).filter(|uid| !going.contains(uid)).collect()
    }

    /// The lost stacks whose remains are being deleted.
    fn going(&self) -> BTreeSet<String> {
        // A store that cannot be read costs what was asked about them in this pass, and nothing else.
        let orders = orphans::orders(&self.store, &self.install).unwrap_or_default();
        let going = orders.iter().filter(|order| order.is_under_way());
        going.filter_map(|order| order.uid().map(str::to_owned)).collect()
    }

    fn marks(&self) -> MutexGuard<'_, Marks> {
        self.marks.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn order(&self) -> Order<'_> {
        let pass = self.passes.fetch_add(1, Ordering::SeqCst) + 1;
        let previous = self.observed();
        // A store that cannot be read costs metrics in this pass, and nothing else.
        let stacks = self.stacks().unwrap_or_default();
        let recorded = if previous.pass == 0 { self.recorded(&stacks) } else { BTreeMap::new() };
        Order {
            pass,
            install: &self.install,
            queries: queries(&stacks, &previous),
            histories: histories(&stacks, &previous),
            adopted: self.adopted(&recorded),
            recorded,
            asks: self.recollections.asks(),
            stacks: stacks.iter().map(|stack| stack.owner().uid.clone()).chain(self.going()).collect(),
            marks: self.marks().clone(),
            previous,
            concurrency: self.settings.read_concurrency,
            pages: self.settings.pages_per_listing,
            details: self.settings.details_per_pass,
            settle: self.settings.details_settle,
            deadline: self.clock.now() + self.settings.observe_period * 2,
            troubled: BTreeMap::new(),
        }
    }

    /// What the ledgers say must exist: a first reading that is empty all the same is doubted.
    fn recorded(&self, stacks: &[Arc<Stack>]) -> BTreeMap<Kind, BTreeSet<ResourceId>> {
        let mut recorded: BTreeMap<Kind, BTreeSet<ResourceId>> = BTreeMap::new();
        for stack in stacks {
            let ledger = ledger::load(&self.store, &stack.owner().uid).unwrap_or_default();
            for entry in ledger.into_values() {
                let deleted = entry.last.as_ref().is_some_and(|last| {
                    matches!(last.request, Request::Delete { .. }) && last.outcome == Outcome::Done
                });
                if let (Some(kind), Some(id), false) = (entry.kind, entry.id, deleted) {
                    recorded.entry(kind).or_default().insert(id);
                }
            }
        }
        recorded
    }

    /// What was taken over under another name: what the plans told, and before the first plan what the ledgers say.
    fn adopted(&self, recorded: &BTreeMap<Kind, BTreeSet<ResourceId>>) -> BTreeSet<(Kind, ResourceId)> {
        let recorded = recorded.iter().flat_map(|(kind, ids)| ids.iter().map(|id| (*kind, id.clone())));
        let unnamed = recorded.filter(|(kind, id)| has_another_name(*kind, id));
        self.recollections.adopted().into_iter().chain(unnamed).collect()
    }

    fn prune_marks(&self, observer: &Observer) {
        let mut marks = self.marks();
        let window = self.settings.details_settle;
        marks.prune(window, self.clock.now(), |id, pass| observer.shows(id, pass));
        marks.prune_removed(|id| observer.is_listed(id));
    }

    fn publish(&self, observed: &Arc<Observed>, region: &str) {
        *self.latest.write().unwrap_or_else(PoisonError::into_inner) = Arc::clone(observed);
        // The cloud was listed before the store: what was made in between is not mistaken for an orphan.
        if let Ok(stacks) = self.every_stack() {
            let uids: BTreeSet<String> = stacks.into_keys().collect();
            self.recollections.retain(&uids.iter().cloned().chain(self.going()).collect());
            let mut orphans = self.orphans.lock().unwrap_or_else(PoisonError::into_inner);
            *orphans = Orphans::find(observed, &uids, &orphans);
            orphans.publish(&self.metrics, region);
        }
    }
}

impl<C: Cloud> Shared<C> {
    fn publish_metrics(&self, observer: &Observer, started: jiff::Timestamp) {
        let now = self.clock.now();
        let region = self.calls.region();
        let seconds = crate::time::since(started, now).as_secs_f64();
        self.metrics.observe_seconds.with_label_values(&[region]).observe(seconds);
        for (listing, at) in observer.known_at() {
            let age = crate::time::since(*at, now).as_secs_f64();
            self.metrics.section_age.with_label_values(&[region, listing.name()]).set(age);
        }
    }
}

/// The metrics that planning of these stacks asks for. Those of what appears in this pass are read in the next.
fn queries(stacks: &[Arc<Stack>], previous: &Observed) -> BTreeSet<MetricQuery> {
    let of = |(stack, spec): (&Arc<Stack>, &LampStackSpec)| {
        lamp_plan::queries(spec, stack.owner(), &previous.slice(&stack.owner().uid))
    };
    planned(stacks).flat_map(of).collect()
}

/// The metrics whose past the forecasts of these stacks are made from.
fn histories(stacks: &[Arc<Stack>], previous: &Observed) -> BTreeSet<HistoryQuery> {
    let of = |(stack, spec): (&Arc<Stack>, &LampStackSpec)| {
        lamp_plan::history_queries(spec, stack.owner(), &previous.slice(&stack.owner().uid))
    };
    planned(stacks).flat_map(of).collect()
}

/// The stacks that plans are made for.
fn planned(stacks: &[Arc<Stack>]) -> impl Iterator<Item = (&Arc<Stack>, &LampStackSpec)> {
    stacks.iter().filter_map(|stack| {
        let spec = stack.spec.as_ref().ok().filter(|spec| spec.mode != Mode::Paused)?;
        Some((stack, spec))
    })
}
