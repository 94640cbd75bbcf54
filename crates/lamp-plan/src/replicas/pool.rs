//! The replicas that there are, and how each is. Facts, no decisions.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Database;
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::{Body, Kind, MetricName, Request, Resource, ResourceId, State};

use super::outdated;
use crate::kinds::db_instance::observed_primary;
use crate::live::sickness::{self, Verdict};
use crate::live::tier_view::count;
use crate::observed::{Holding, find};
use crate::{Draft, PlanInput, naming, parts, queries};

/// CloudWatch gathers and publishes a minute within a few more.
const LAG_AGE: SignedDuration = SignedDuration::from_secs(300);
/// AWS's limit for one RDS instance of MySQL or MariaDB.
const MAX_REPLICAS: usize = 15;
/// Fewer observations, over a shorter time, are no broken replication.
const OBSERVATIONS: u32 = 3;
const BROKEN_FOR: SignedDuration = SignedDuration::from_secs(90);

/// The pool.
#[derive(Debug)]
pub(super) struct Pool<'a> {
    /// By slot.
    pub(super) replicas: Vec<Replica<'a>>,
    /// How many replicas of the primary are somebody else's.
    pub(super) foreign: usize,
    /// Slots whose name something else has: a replica that became the primary keeps its own.
    taken: BTreeSet<u32>,
}

/// One slot of the pool that is in use.
#[derive(Debug)]
pub(super) struct Replica<'a> {
    pub(super) slot: u32,
    pub(super) part: lamp_cloud::Part,
    /// The instance; `None` while it is being made, or was lost.
    pub(super) row: Option<&'a Resource>,
    pub(super) condition: Condition,
    pub(super) ready: bool,
    /// Seconds behind the primary, if that is known.
    pub(super) lag: Option<f64>,
}

/// How a replica stands in the pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Condition {
    /// It serves, or will.
    Kept,
    /// We delete it.
    Leaving,
    /// It does not replicate, and why that is certain.
    Broken(String),
    /// It serves, and differs in what AWS cannot change: only another one could be as it shall be.
    Outdated(String),
    /// Somebody made it a primary.
    Promoted,
    /// It cannot be observed, or is not in our records: the protocol says what is the matter.
    Unclear,
}

impl<'a> Pool<'a> {
    /// The slots that are recorded or observed.
    pub(super) fn observe(draft: &mut Draft<'a>, database: &Database) -> Self {
        let input = draft.input;
        let recorded = input.ledger.keys().filter_map(parts::replica_slot);
        let listed = input.inventory.parts.keys().filter_map(parts::replica_slot);
        let slots: BTreeSet<u32> = recorded.chain(listed).collect();
        let replicas = slots.into_iter().map(|slot| Replica::observe(draft, database, slot)).collect();
        let mut pool = Self { replicas, foreign: 0, taken: taken_slots(&input) };
        pool.foreign = pool.foreign(&input).len();
        pool
    }

    /// Replicas in a condition.
    pub(super) fn of(&self, condition: &Condition) -> impl Iterator<Item = &Replica<'a>> {
        self.replicas.iter().filter(move |replica| replica.condition == *condition)
    }

    /// The first one to be replaced, and why: those that do not serve before those that do.
    pub(super) fn to_replace(&self) -> Option<(&Replica<'a>, &String)> {
        let broken = self.replicas.iter().find_map(|replica| match &replica.condition {
            Condition::Broken(why) => Some((replica, why)),
            _ => None,
        });
        let outdated = || {
            self.replicas.iter().find_map(|replica| match &replica.condition {
                Condition::Outdated(why) => Some((replica, why)),
                _ => None,
            })
        };
        broken.or_else(outdated)
    }

    /// Replicas of the primary that this stack did not make.
    pub(super) fn foreign(&self, input: &PlanInput<'_>) -> Vec<ResourceId> {
        let Some(primary) = observed_primary(input) else { return Vec::new() };
        let known: Vec<_> = self.replicas.iter().map(|replica| naming::name(input, &replica.part)).collect();
        let rows: Vec<_> =
            self.replicas.iter().filter_map(|replica| replica.row).map(|row| &row.id).collect();
        let all = primary.facts.replicas.iter();
        all.filter(|id| !known.contains(id) && !rows.contains(id)).cloned().collect()
    }

    /// How many serve.
    pub(super) fn ready(&self) -> u32 {
        count(self.replicas.iter().filter(|replica| replica.ready))
    }

    /// Replicas that stand and do not count, each with the reason.
    pub(super) fn out_of_it(&self, most: u32) -> Vec<String> {
        let standing = self.replicas.iter().filter(|replica| replica.exists() && !replica.ready);
        let why = |replica: &Replica<'_>| match (&replica.condition, replica.lag) {
            (Condition::Kept, Some(lag)) if lag > f64::from(most) => {
                Some(format!("{} is {lag:.0} s behind, {most} s are allowed", replica.part))
            }
            (Condition::Broken(why), _) => Some(format!("{}: {why}", replica.part)),
            _ => None,
        };
        standing.filter_map(why).collect()
    }

    /// The lowest free slots for what is missing: as many as may be made at once, and one more than `max` in all
    /// while one awaits its replacement, but never more than AWS allows.
    pub(super) fn slots_to_fill(&self, desired: u32, max: u32, at_once: usize) -> Vec<u32> {
        let kept = self.of(&Condition::Kept).count();
        let waiting = self.of(&Condition::Kept).filter(|replica| !replica.exists()).count();
        let occupied =
            self.replicas.iter().filter(|replica| replica.condition != Condition::Promoted).count();
        let size = |number: u32| usize::try_from(number).unwrap_or(usize::MAX);
        // What cannot be judged now may serve: nothing is made in its place.
        let unclear = self.of(&Condition::Unclear).count();
        let missing = size(desired).saturating_sub(kept + unclear);
        let of_ours = size(max).saturating_add(1).saturating_sub(occupied);
        let of_aws = MAX_REPLICAS.saturating_sub(occupied + self.foreign);
        let room = of_ours.min(of_aws);
        let number = missing.min(room).min(at_once.saturating_sub(waiting));
        let used: BTreeSet<u32> = self.replicas.iter().map(|replica| replica.slot).collect();
        (1..).filter(|slot| !used.contains(slot) && !self.taken.contains(slot)).take(number).collect()
    }

    /// The kept replica that is missed least: one that does not serve, the most lagging, in the fullest zone, newest.
    pub(super) fn least_needed(&self) -> Option<&Replica<'a>> {
        let crowd = |replica: &Replica<'_>| {
            let zone = replica.zone();
            self.of(&Condition::Kept).filter(|other| zone.is_some() && other.zone() == zone).count()
        };
        self.of(&Condition::Kept).max_by(|one, other| {
            let by_lag = one.lag.unwrap_or(0.0).round().total_cmp(&other.lag.unwrap_or(0.0).round());
            let created = |replica: &Replica<'_>| replica.row.and_then(|row| row.created_at);
            // One on its way out goes on: its protection is lifted already.
            other
                .is_protected()
                .cmp(&one.is_protected())
                .then(other.ready.cmp(&one.ready))
                .then(by_lag)
                .then(crowd(one).cmp(&crowd(other)))
                .then(created(one).cmp(&created(other)))
                .then(one.slot.cmp(&other.slot))
        })
    }
}

impl<'a> Replica<'a> {
    fn observe(draft: &mut Draft<'a>, database: &Database, slot: u32) -> Self {
        let (input, part) = (draft.input, parts::replica(slot));
        let (row, clear) = match find(&input, &part, Kind::DbInstance) {
            Holding::Held(row) | Holding::Proven(row) => (Some(row.as_ref()), true),
            Holding::Unrecorded(row) => (Some(row.as_ref()), false),
            Holding::Unknown(_) => (input.inventory.present(&part).map(AsRef::as_ref), false),
            Holding::Gone | Holding::Absent { .. } => (None, true),
        };
        let lag = row.and_then(|row| lag(&input, row));
        let condition = if clear { condition(draft, database, &part, row, lag) } else { Condition::Unclear };
        let ready = row.is_some_and(|row| is_ready(&input, database, row, lag))
            && matches!(condition, Condition::Kept | Condition::Outdated(_) | Condition::Unclear);
        Self { slot, part, row, condition, ready, lag: lag.map(|(_, lag)| lag) }
    }

    /// Whether AWS made it already.
    fn exists(&self) -> bool {
        self.row.is_some_and(|row| row.is_ready())
    }

    pub(super) fn body(&self) -> Option<&'a DbInstance> {
        self.row.and_then(body)
    }

    pub(super) fn zone(&self) -> Option<&'a str> {
        self.body()?.zone.as_deref()
    }

    fn is_protected(&self) -> bool {
        self.body().is_some_and(|body| body.deletion_protection)
    }
}

/// Slots whose name a primary has, or had: it was a replica once.
pub(crate) fn taken_slots(input: &PlanInput<'_>) -> BTreeSet<u32> {
    let is_primary =
        |part: &lamp_cloud::Part| *part == parts::database() || parts::former_number(part).is_some();
    let primaries = input.ledger.iter().filter(|(part, _)| is_primary(part));
    let ids: BTreeSet<&ResourceId> = primaries.filter_map(|(_, entry)| entry.id.as_ref()).collect();
    // A name says what it was made for, which spares the digest of every slot in every plan.
    if !ids.iter().any(|id| id.contains("replica")) {
        return BTreeSet::new();
    }
    // Each promotion takes one slot, and a pool has at most as many as AWS allows.
    let most = u32::try_from(MAX_REPLICAS + ids.len() + 1).unwrap_or(u32::MAX);
    (1..=most).filter(|slot| ids.contains(&naming::name(input, &parts::replica(*slot)))).collect()
}

fn body(row: &Resource) -> Option<&DbInstance> {
    match &row.body {
        Body::DbInstance(body) => Some(body),
        _ => None,
    }
}

/// The newest lag that is fresh enough, with its time.
fn lag(input: &PlanInput<'_>, row: &Resource) -> Option<(Timestamp, f64)> {
    let query = queries::of_database(&row.id, MetricName::ReplicaLag);
    let (at, lag) = input.inventory.region.signals.get(&query)?.latest()?;
    let fresh = input.now.duration_since(at).abs() <= LAG_AGE;
    (fresh && lag.is_finite()).then_some((at, lag))
}

/// Whether a replica serves: it replicates, and is not too far behind. Where CloudWatch has no fresh lag, RDS's own
/// word that it replicates is enough. An endpoint that knows neither is taken by its word that the instance is
/// available; a lag that was known and is not any more is no such word.
fn is_ready(
    input: &PlanInput<'_>,
    database: &Database,
    row: &Resource,
    lag: Option<(Timestamp, f64)>,
) -> bool {
    let Some(body) = body(row).filter(|body| row.is_ready() && body.is_replica()) else { return false };
    let replicating = body.facts.replication.as_deref().map(|word| word == "replicating");
    match (lag, replicating) {
        (_, Some(false)) => false,
        (Some((_, lag)), _) => (0.0..=f64::from(database.replicas.max_lag_seconds)).contains(&lag),
        (None, Some(true)) => true,
        (None, None) => {
            let query = queries::of_database(&row.id, MetricName::ReplicaLag);
            input.inventory.region.signals.series.get(&query).is_none_or(|series| series.points.is_empty())
        }
    }
}

/// Whether a replica that stands serves, as far as that is known.
pub(crate) fn serves(input: &PlanInput<'_>, database: &Database, row: &Resource) -> bool {
    is_ready(input, database, row, lag(input, row))
}

fn condition(
    draft: &mut Draft<'_>,
    database: &Database,
    part: &lamp_cloud::Part,
    row: Option<&Resource>,
    lag: Option<(Timestamp, f64)>,
) -> Condition {
    if is_deleted_by_us(&draft.input, part, row) {
        return Condition::Leaving;
    }
    let Some((row, body)) = row.and_then(|row| Some((row, body(row)?))) else { return Condition::Kept };
    if !body.is_replica() {
        return Condition::Promoted;
    }
    let (ailment, verdict) = examine(draft.input.inventory.observed_at(), row, body, lag);
    sickness::count(&mut draft.plan.memory.sick, row.id.clone(), verdict);
    let sickness = draft.plan.memory.sick.get(&row.id);
    let certain = sickness.is_some_and(|it| it.observations >= OBSERVATIONS && it.span() >= BROKEN_FOR);
    match ailment {
        Some(why) if certain => Condition::Broken(why),
        _ => outdated::why(&draft.input, database, part, row).map_or(Condition::Kept, Condition::Outdated),
    }
}

/// Whether our last call for a part was its deletion, which goes on or is over.
fn is_deleted_by_us(input: &PlanInput<'_>, part: &lamp_cloud::Part, row: Option<&Resource>) -> bool {
    let Some(entry) = input.ledger.get(part) else { return false };
    let open = entry.open.as_ref().map(|intent| &intent.request);
    let last = open.or_else(|| entry.last.as_ref().map(|finished| &finished.request));
    let deleted = matches!(last, Some(Request::Delete { id, .. }) if Some(id) == entry.id.as_ref());
    deleted && row.is_none_or(|row| row.state == State::Deleting)
}

/// What is wrong with the replication, by RDS's word, CloudWatch's lag, or the state of the instance.
fn examine(
    observed_at: Timestamp,
    row: &Resource,
    body: &DbInstance,
    lag: Option<(Timestamp, f64)>,
) -> (Option<String>, Verdict) {
    let word = body.facts.replication.as_deref();
    match (&row.state, word, lag) {
        (State::Failed(why), _, _) => {
            (Some(format!("AWS says that it failed: {why}")), Verdict::Sick(observed_at))
        }
        (State::Ready, Some(word @ ("error" | "stopped" | "terminated")), _) => {
            (Some(format!("its replication is in state {word}")), Verdict::Sick(observed_at))
        }
        (State::Ready, _, Some((at, lag))) if lag < 0.0 => {
            (Some("CloudWatch says that it does not replicate".to_owned()), Verdict::Sick(at))
        }
        (State::Ready, Some("replicating"), _) => (None, Verdict::Healthy(observed_at)),
        (State::Ready, _, Some((at, _))) => (None, Verdict::Healthy(at)),
        _ => (None, Verdict::Unknown),
    }
}
