//! CloudWatch: one datapoint a minute, a minute late, worked out when it is asked for. Only changes are remembered.

use std::cell::RefCell;
use std::collections::{BTreeMap, VecDeque};
use std::rc::Rc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::{Kind, MetricName, MetricQuery, OtherMetric, Reference, ResourceId, Series, tag};

use crate::live::load::{Site, SiteLoad};
use crate::world::World;

/// How long changes are remembered, and metrics can be asked for: as long as CloudWatch keeps single minutes.
const MEMORY: Duration = Duration::from_secs(15 * 86_400);
/// How late a datapoint is, after the end of its minute.
pub(super) const DELAY: i64 = 60;
/// What a request brings, and what its answer weighs.
const BYTES_IN: f64 = 2_000.0;
const BYTES_OUT: f64 = 20_000.0;
/// What an answer takes where nobody waits.
const SERVICE_SECONDS: f64 = 0.05;
const GIB: f64 = 1024.0 * 1024.0 * 1024.0;

/// A value and when it changed.
#[derive(Debug)]
struct Track<T> {
    points: VecDeque<(Timestamp, T)>,
}

impl<T: Copy + PartialEq> Track<T> {
    fn set(&mut self, at: Timestamp, value: T) {
        if self.points.back().is_some_and(|(_, last)| *last == value) {
            return;
        }
        if self.points.back().is_some_and(|(last, _)| *last == at) {
            self.points.pop_back();
        }
        self.points.push_back((at, value));
        while self.points.get(1).is_some_and(|(since, _)| *since + MEMORY < at) {
            self.points.pop_front();
        }
    }

    fn at(&self, at: Timestamp) -> Option<T> {
        let after = self.points.partition_point(|(since, _)| *since <= at);
        self.points.get(after.checked_sub(1)?).map(|(_, value)| *value)
    }
}

impl<T> Default for Track<T> {
    fn default() -> Self {
        Self { points: VecDeque::new() }
    }
}

/// What one call works out on its way.
#[derive(Debug)]
pub(super) struct Meter {
    sites: BTreeMap<String, Site>,
    loads: RefCell<BTreeMap<(String, Timestamp), Rc<SiteLoad>>>,
}

/// What metrics are worked out from.
#[derive(Debug, Default)]
pub(crate) struct Records {
    /// Healthy and unhealthy targets.
    targets: BTreeMap<ResourceId, Track<(usize, usize)>>,
    /// Members in service.
    groups: BTreeMap<ResourceId, Track<usize>>,
    databases: BTreeMap<ResourceId, DatabaseRecord>,
    /// What others put, by namespace, name and dimensions; none while they put nothing.
    others: BTreeMap<OtherName, Track<Option<f64>>>,
}

/// Namespace, name and dimensions.
type OtherName = (String, String, BTreeMap<String, String>);

fn other_name(metric: &OtherMetric) -> OtherName {
    (metric.namespace.clone(), metric.name.clone(), metric.dimensions.clone())
}

/// A database, and what is left of one in metrics.
#[derive(Debug, Default)]
struct DatabaseRecord {
    uid: String,
    is_replica: bool,
    /// Whether it answers.
    up: Track<bool>,
}

impl Records {
    pub(crate) fn healthy(&self, group: &str, at: Timestamp) -> usize {
        self.targets.get(group).and_then(|track| track.at(at)).map_or(0, |(healthy, _)| healthy)
    }

    pub(crate) fn is_up(&self, database: &str, at: Timestamp) -> bool {
        self.databases.get(database).and_then(|record| record.up.at(at)).unwrap_or(false)
    }

    /// The members in service that a group had.
    pub(super) fn in_service(&self, group: &str, at: Timestamp) -> Option<usize> {
        self.groups.get(group)?.at(at).filter(|count| *count > 0)
    }

    /// The stack of a database that is there, or was.
    fn owner_of(&self, database: &str) -> Option<&str> {
        self.databases.get(database).map(|record| record.uid.as_str())
    }

    /// Replicas that are there, or were: each with its stack's uid.
    pub(crate) fn replicas(&self) -> impl Iterator<Item = (&str, &ResourceId)> {
        let replicas = self.databases.iter().filter(|(_, record)| record.is_replica);
        replicas.map(|(id, record)| (record.uid.as_str(), id))
    }

    /// A database that was deleted answers no more, and its metrics can still be read.
    fn end_database(&mut self, id: &str, now: Timestamp) {
        if let Some(record) = self.databases.get_mut(id) {
            record.up.set(now, false);
        }
        self.databases.retain(|_, record| {
            let newest = record.up.points.back();
            newest.is_some_and(|(at, up)| *up || *at + MEMORY >= now)
        });
    }

    /// One datapoint is put a minute: it is the average, the sum, the largest, and every percentile.
    fn other(&self, metric: &OtherMetric, at: Timestamp) -> Option<f64> {
        let value = self.others.get(&other_name(metric))?.at(at)??;
        Some(if metric.statistic == "SampleCount" { 1.0 } else { value })
    }

    pub(crate) fn forget_targets(&mut self, group: &str) {
        self.targets.remove(group);
    }

    pub(crate) fn forget_group(&mut self, group: &str) {
        self.groups.remove(group);
    }
}

impl World {
    /// Somebody puts a value of a metric every minute from now on, or ceases to.
    pub fn put_metric(&mut self, metric: &OtherMetric, value: Option<f64>) {
        self.records.others.entry(other_name(metric)).or_default().set(self.now, value);
    }

    pub(crate) fn record_targets(&mut self, group: &str) {
        let counts = self.count_targets(group);
        self.records.targets.entry(group.to_owned()).or_default().set(self.now, counts);
    }

    pub(crate) fn record_group(&mut self, group: &str, in_service: usize) {
        self.records.groups.entry(group.to_owned()).or_default().set(self.now, in_service);
    }

    pub(crate) fn record_database(&mut self, id: &str) {
        let Some(body) = self.body::<DbInstance>(id) else {
            self.records.end_database(id, self.now);
            return;
        };
        let is_replica = body.is_replica();
        let up = matches!(
            body.facts.status.as_str(),
            "available" | "modifying" | "storage-optimization" | "backing-up"
        );
        let uid = self.resource(Kind::DbInstance, id).and_then(|row| row.tags.get(tag::UID)).cloned();
        let record = self.records.databases.entry(id.to_owned()).or_default();
        (record.uid, record.is_replica) = (uid.unwrap_or_default(), is_replica);
        record.up.set(self.now, up);
    }

    /// The last `minutes` of each metric, oldest first.
    pub(crate) fn metrics(&self, queries: &[MetricQuery], minutes: u32) -> Vec<(MetricQuery, Series)> {
        let meter = self.meter();
        let answer = |query: &MetricQuery| {
            let points =
                self.minutes(minutes).filter_map(|minute| self.point(&meter, query, minute)).collect();
            (query.clone(), Series { points, incomplete: false })
        };
        queries.iter().map(answer).collect()
    }

    /// For the questions of one call.
    pub(super) fn meter(&self) -> Meter {
        Meter { sites: self.sites(), loads: RefCell::default() }
    }

    /// Minutes that are over and published.
    fn minutes(&self, count: u32) -> impl Iterator<Item = Timestamp> + use<> {
        let now = self.now.as_second();
        let current = now - now.rem_euclid(60);
        (1..=i64::from(count))
            .rev()
            .map(move |back| current - back * 60)
            .filter(move |start| start + 60 + DELAY <= now)
            .filter_map(|start| Timestamp::from_second(start).ok())
    }

    pub(super) fn point(
        &self,
        meter: &Meter,
        query: &MetricQuery,
        minute: Timestamp,
    ) -> Option<(Timestamp, f64)> {
        let at = minute + Duration::from_secs(30);
        let value = match &query.metric {
            MetricName::GroupCpuUtilization => self.group_cpu(meter, &query.resource, at)?,
            MetricName::GroupCpuSamples => self.members_at(&query.resource, at)?,
            MetricName::GroupNetworkIn => self.group_requests(meter, &query.resource, at)? * BYTES_IN,
            MetricName::GroupNetworkOut => self.group_requests(meter, &query.resource, at)? * BYTES_OUT,
            MetricName::RequestCountPerTarget => self.requests(meter, &query.resource, at)?,
            MetricName::TargetResponseTime(statistic) => {
                self.response_time(meter, &query.resource, statistic, at)?
            }
            MetricName::UnhealthyHostCount => self.unhealthy_hosts(&query.resource, minute)?,
            MetricName::DatabaseCpuUtilization => self.database_cpu(meter, &query.resource, at)?,
            MetricName::DatabaseConnections => self.connections(meter, &query.resource, at)?,
            MetricName::ReplicaLag => self.replica_lag(meter, &query.resource, at)?,
            MetricName::FreeStorageSpace => self.free_storage(&query.resource, at)?,
            MetricName::Other(other) => self.records.other(other, at)?,
        };
        Some((minute, value))
    }

    /// What the site of a resource does; worked out once for each site and moment of a call.
    pub(super) fn load_at<'a>(
        &self,
        meter: &'a Meter,
        kind: Kind,
        id: &str,
        at: Timestamp,
    ) -> Option<(&'a Site, Rc<SiteLoad>)> {
        let row = self.resource(kind, id).map(|row| row.tags.get(tag::UID).map_or("", String::as_str));
        let uid = row.or_else(|| self.records.owner_of(id))?;
        let (uid, site) = meter.sites.get_key_value(uid)?;
        let known = meter.loads.borrow().get(&(uid.clone(), at)).cloned();
        let load = known.unwrap_or_else(|| {
            let load = Rc::new(self.load_of(site, at));
            meter.loads.borrow_mut().insert((uid.clone(), at), Rc::clone(&load));
            load
        });
        Some((site, load))
    }

    /// Within two per cent of 1, the same for the same minute.
    pub(super) fn noise(&self, id: &str, at: Timestamp) -> f64 {
        0.98 + 0.04 * self.dice.share(&["noise", id], at.as_second().unsigned_abs())
    }

    /// Members that send metrics.
    #[expect(clippy::cast_precision_loss, reason = "members are few")]
    fn members_at(&self, id: &str, at: Timestamp) -> Option<f64> {
        self.records.groups.get(id)?.at(at).filter(|count| *count > 0).map(|count| count as f64)
    }

    /// Average over members: those that get requests are busy, the others idle.
    #[expect(clippy::cast_precision_loss, reason = "members are few")]
    pub(super) fn group_cpu(&self, meter: &Meter, id: &str, at: Timestamp) -> Option<f64> {
        let members = self.members_at(id, at)?;
        let (site, load) = self.load_at(meter, Kind::AutoScalingGroup, id, at)?;
        let idle = self.config.load.idle_cpu;
        let busiest = site
            .target_groups_of(id)
            .filter_map(|group| Some((self.records.healthy(group, at), *load.cpu.get(group)?)))
            .max_by(|one, other| one.1.total_cmp(&other.1));
        let (healthy, cpu) = busiest.unwrap_or((0, 0.0));
        let share = (healthy as f64 / members).min(1.0);
        Some(((idle + cpu * share) * self.noise(id, at)).min(100.0))
    }

    /// Requests a minute that each target of a group serves.
    fn requests(&self, meter: &Meter, id: &str, at: Timestamp) -> Option<f64> {
        let (_, load) = self.load_at(meter, Kind::TargetGroup, id, at)?;
        Some(load.per_target.get(id)? * 60.0 * self.noise(id, at))
    }

    /// Requests a minute that each member of an Auto Scaling group serves.
    fn group_requests(&self, meter: &Meter, id: &str, at: Timestamp) -> Option<f64> {
        self.members_at(id, at)?;
        let (site, load) = self.load_at(meter, Kind::AutoScalingGroup, id, at)?;
        let served = site.target_groups_of(id).filter_map(|group| load.per_target.get(group));
        Some(served.sum::<f64>() * 60.0 * self.noise(id, at))
    }

    /// One server with a queue: the busier, the longer, up to ten seconds. Percentiles are those of its exponential law.
    fn response_time(&self, meter: &Meter, id: &str, statistic: &str, at: Timestamp) -> Option<f64> {
        let (_, load) = self.load_at(meter, Kind::TargetGroup, id, at)?;
        let idle = 1.0 - load.cpu.get(id)? / 100.0;
        let average = SERVICE_SECONDS / idle.max(SERVICE_SECONDS / 10.0);
        let percent = statistic.strip_prefix('p').and_then(|percent| percent.parse::<f64>().ok());
        let factor = percent.map_or(1.0, |percent| -(1.0 - (percent / 100.0).min(0.9999)).ln());
        Some(average * factor * self.noise(id, at))
    }

    /// The maximum within the minute: at its start and at each change in it.
    #[expect(clippy::cast_precision_loss, reason = "targets are few")]
    fn unhealthy_hosts(&self, group: &str, minute: Timestamp) -> Option<f64> {
        let track = self.records.targets.get(group)?;
        let end = minute + Duration::from_secs(60);
        let within =
            track.points.iter().filter(|(at, _)| *at > minute && *at < end).map(|(_, counts)| counts.1);
        track.at(minute).map(|counts| counts.1).into_iter().chain(within).max().map(|count| count as f64)
    }

    fn database_queries(&self, meter: &Meter, id: &str, at: Timestamp) -> Option<f64> {
        if !self.records.is_up(id, at) {
            return None;
        }
        let (_, load) = self.load_at(meter, Kind::DbInstance, id, at)?;
        Some(load.queries.get(id).copied().unwrap_or_default())
    }

    pub(super) fn database_cpu(&self, meter: &Meter, id: &str, at: Timestamp) -> Option<f64> {
        let queries = self.database_queries(meter, id, at)?;
        let load = &self.config.load;
        Some(((load.idle_cpu + queries / load.database_capacity * 100.0) * self.noise(id, at)).min(100.0))
    }

    // Little's law, with ten milliseconds for a query, and a pool that is kept open.
    pub(super) fn connections(&self, meter: &Meter, id: &str, at: Timestamp) -> Option<f64> {
        let queries = self.database_queries(meter, id, at)?;
        Some((5.0 + queries * 0.01) * self.noise(id, at))
    }

    // A replica that is busy falls behind.
    fn replica_lag(&self, meter: &Meter, id: &str, at: Timestamp) -> Option<f64> {
        self.body::<DbInstance>(id).filter(|body| body.is_replica())?;
        let database = self.databases.get(id)?;
        let source = self.body::<DbInstance>(id)?.source.as_ref().and_then(Reference::as_id);
        let source = source.and_then(|source| self.databases.get(source));
        let is_cut_off = source.is_none_or(|source| source.down_since.is_some_and(|since| since <= at));
        if database.broken || is_cut_off {
            return Some(-1.0);
        }
        if let Some(seconds) = database.lag_seconds {
            return Some(seconds);
        }
        let cpu = self.database_cpu(meter, id, at)?;
        Some(0.5 * self.noise(id, at) + (cpu - 90.0).max(0.0) * 6.0)
    }

    fn free_storage(&self, id: &str, at: Timestamp) -> Option<f64> {
        if !self.records.is_up(id, at) {
            return None;
        }
        let volume = f64::from(self.body::<DbInstance>(id)?.storage_gib);
        Some((volume - self.stored_gib(id, at)?).max(0.0) * GIB)
    }

    /// What a database holds; a replica holds what its source does.
    pub(super) fn stored_gib(&self, id: &str, at: Timestamp) -> Option<f64> {
        let body = self.body::<DbInstance>(id)?;
        let origin = body.source.as_ref().and_then(Reference::as_id).unwrap_or(id);
        let origin = self.databases.get(origin).or_else(|| self.databases.get(id))?;
        let days = at.duration_since(origin.available_since?).as_secs_f64().max(0.0) / 86_400.0;
        let filled = origin.filled.filter(|(since, _)| *since <= at).map_or(0.0, |(_, gib)| gib);
        Some(self.config.load.stored_gib + days * self.config.load.stored_gib_per_day + filled)
    }

    /// When less than a tenth of a volume is free.
    pub(crate) fn nearly_full_at(&self, id: &str) -> Option<Timestamp> {
        let body = self.body::<DbInstance>(id).filter(|body| body.max_storage_gib.is_some())?;
        let stored = self.stored_gib(id, self.now)?;
        let days =
            (f64::from(body.storage_gib) * 0.9 - stored).max(0.0) / self.config.load.stored_gib_per_day;
        (days < 3650.0).then(|| self.now + Duration::from_secs_f64(days * 86_400.0))
    }
}
