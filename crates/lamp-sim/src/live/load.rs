//! What visitors ask for, and what the tiers of a site make of it.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::kinds::load_balancer::LoadBalancer;
use lamp_cloud::kinds::target_group::TargetGroup;
use lamp_cloud::{Reference, Resource, ResourceId, tag};

use crate::world::World;

/// The load on each site of the region: a day's curve with spikes, and what a request costs.
#[derive(Clone, Debug, PartialEq)]
pub struct Load {
    /// Requests a second at night.
    pub base: f64,
    /// Requests a second at the peak of the day.
    pub peak: f64,
    /// Hour of the peak, UTC.
    pub peak_hour: f64,
    pub spikes: Vec<Spike>,
    /// What was recorded once, in the place of the day's curve.
    pub recorded: Option<Recorded>,
    /// Factor for single sites, by the stack's uid.
    pub sites: BTreeMap<String, f64>,
    /// Requests to each inner tier for one from outside.
    pub inner_requests: f64,
    /// Queries for one request to an inner tier, or from outside where there is none.
    pub queries: f64,
    /// Share of the queries that replicas can answer.
    pub reads: f64,
    /// Requests a second that fill the processors of one instance that faces the internet.
    pub front_capacity: f64,
    /// Requests a second that fill the processors of one inner instance.
    pub inner_capacity: f64,
    /// Queries a second that fill the processors of one database.
    pub database_capacity: f64,
    /// CPU of an idle instance, per cent.
    pub idle_cpu: f64,
    /// What a new database holds.
    pub stored_gib: f64,
    pub stored_gib_per_day: f64,
}

impl Default for Load {
    fn default() -> Self {
        Self {
            base: 20.0,
            peak: 100.0,
            peak_hour: 20.0,
            spikes: Vec::new(),
            recorded: None,
            sites: BTreeMap::new(),
            inner_requests: 1.0,
            queries: 5.0,
            reads: 0.8,
            front_capacity: 100.0,
            inner_capacity: 60.0,
            database_capacity: 2000.0,
            idle_cpu: 3.0,
            stored_gib: 5.0,
            stored_gib_per_day: 0.1,
        }
    }
}

/// A load of the past: requests a second, minute by minute. Before and after it the first and the last minute hold.
#[derive(Clone, Debug, PartialEq)]
pub struct Recorded {
    pub from: Timestamp,
    pub minutes: Vec<f64>,
}

impl Recorded {
    fn at(&self, at: Timestamp) -> f64 {
        let minute = usize::try_from(at.duration_since(self.from).as_mins()).unwrap_or_default();
        self.minutes.get(minute).or(self.minutes.last()).copied().unwrap_or_default()
    }
}

/// A span of time with more requests, or fewer.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Spike {
    pub from: Timestamp,
    pub to: Timestamp,
    /// What the requests are multiplied with.
    pub factor: f64,
}

impl Load {
    /// The same number of requests at all times.
    #[must_use]
    pub fn steady(requests_per_second: f64) -> Self {
        Self { base: requests_per_second, peak: requests_per_second, ..Self::default() }
    }

    /// Requests a second to one site.
    pub fn offered(&self, site: &str, at: Timestamp) -> f64 {
        let curve = self.recorded.as_ref().map_or_else(|| self.curve(at), |recorded| recorded.at(at));
        let spikes = self.spikes.iter().filter(|spike| spike.from <= at && at < spike.to);
        let factor: f64 = spikes.map(|spike| spike.factor).product();
        curve * factor * self.sites.get(site).copied().unwrap_or(1.0)
    }

    /// Requests a second by the time of day.
    #[expect(clippy::cast_precision_loss, reason = "seconds of a day are few")]
    fn curve(&self, at: Timestamp) -> f64 {
        let hour = at.as_second().rem_euclid(86_400) as f64 / 3600.0;
        let angle = std::f64::consts::TAU * (hour - self.peak_hour) / 24.0;
        self.base + (self.peak - self.base) * (0.5 + 0.5 * angle.cos())
    }
}

/// The parts of a site that carry load.
#[derive(Clone, Debug, Default)]
pub(crate) struct Site {
    uid: String,
    /// Target groups that face the internet, and those that do not.
    front: Vec<ResourceId>,
    inner: Vec<ResourceId>,
    /// Groups by the target group that they serve.
    groups: BTreeMap<ResourceId, Vec<ResourceId>>,
    primaries: Vec<ResourceId>,
    replicas: Vec<ResourceId>,
}

/// What one site does at one moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct SiteLoad {
    /// Requests a second from outside.
    pub offered: f64,
    /// Of them, those that were answered.
    pub served: f64,
    /// Requests a second for each healthy target, by target group.
    pub per_target: BTreeMap<ResourceId, f64>,
    /// Processor use of each busy instance, per cent, by target group; 100 is overload.
    pub cpu: BTreeMap<ResourceId, f64>,
    /// Queries a second, by database.
    pub queries: BTreeMap<ResourceId, f64>,
}

impl SiteLoad {
    /// Seconds that a request takes at the busiest tier: a queue that grows without bound at full use.
    pub fn latency_seconds(&self) -> f64 {
        let busiest = self.cpu.values().copied().fold(0.0, f64::max).min(99.0) / 100.0;
        0.05 / (1.0 - busiest)
    }
}

impl World {
    /// What a site does at `at`, by its stack's uid; from what is remembered of its targets and databases.
    pub fn site_load(&self, uid: &str, at: Timestamp) -> SiteLoad {
        self.sites().remove(uid).map(|site| self.load_of(&site, at)).unwrap_or_default()
    }

    /// The sites of the region, by uid.
    pub(crate) fn sites(&self) -> BTreeMap<String, Site> {
        let mut sites: BTreeMap<String, Site> = BTreeMap::new();
        let facing =
            self.each::<LoadBalancer>().map(|(found, body)| (found.id.as_str(), body.internet_facing));
        let facing: BTreeMap<&str, bool> = facing.collect();
        for (found, body) in self.each::<TargetGroup>() {
            let site = site_of(&mut sites, found);
            let Some(balancer) = body.load_balancers.first() else { continue };
            let front = facing.get(balancer.as_str()).copied().unwrap_or(false);
            if front { site.front.push(found.id.clone()) } else { site.inner.push(found.id.clone()) }
        }
        for (found, body) in self.each::<AutoScalingGroup>() {
            let site = site_of(&mut sites, found);
            for group in body.target_groups.iter().filter_map(Reference::as_id) {
                site.groups.entry(group.to_owned()).or_default().push(found.id.clone());
            }
        }
        for (found, body) in self.each::<DbInstance>() {
            let site = site_of(&mut sites, found);
            let list = if body.is_replica() { &mut site.replicas } else { &mut site.primaries };
            list.push(found.id.clone());
        }
        // Those that were deleted did their part of the work as long as they were up.
        let former = self.records.replicas().filter(|(_, id)| self.body::<DbInstance>(id).is_none());
        for (uid, replica) in former {
            if let Some(site) = sites.get_mut(uid) {
                site.replicas.push(replica.clone());
            }
        }
        sites
    }

    pub(crate) fn load_of(&self, site: &Site, at: Timestamp) -> SiteLoad {
        let load = &self.config.load;
        let mut result = SiteLoad { offered: load.offered(&site.uid, at), ..SiteLoad::default() };
        let served = self.tier_load(&site.front, result.offered, load.front_capacity, at, &mut result);
        result.served = served;
        let mut querying = served;
        if !site.inner.is_empty() {
            let asked = served * load.inner_requests;
            querying = 0.0;
            for group in &site.inner {
                let tier = std::slice::from_ref(group);
                querying += self.tier_load(tier, asked, load.inner_capacity, at, &mut result);
            }
        }
        self.database_load(site, querying * load.queries, at, &mut result);
        result
    }

    /// Spreads requests over target groups and their healthy targets; gives what they can answer.
    #[expect(clippy::cast_precision_loss, reason = "targets are few")]
    fn tier_load(
        &self,
        groups: &[ResourceId],
        asked: f64,
        capacity: f64,
        at: Timestamp,
        out: &mut SiteLoad,
    ) -> f64 {
        let able: Vec<(&ResourceId, usize)> = groups
            .iter()
            .map(|group| (group, self.records.healthy(group, at)))
            .filter(|(_, count)| *count > 0)
            .collect();
        let share = asked / able.len().max(1) as f64;
        let mut served = 0.0;
        for (group, count) in able {
            let each = share / count as f64;
            out.per_target.insert(group.clone(), each);
            out.cpu.insert(group.clone(), (each / capacity * 100.0).min(100.0));
            served += each.min(capacity) * count as f64;
        }
        served
    }

    /// Writes go to the primary and through replication to every replica; reads to the replicas that are up.
    #[expect(clippy::cast_precision_loss, reason = "replicas are few")]
    fn database_load(&self, site: &Site, queries: f64, at: Timestamp, out: &mut SiteLoad) {
        let up = |id: &&ResourceId| self.records.is_up(id, at);
        let replicas: Vec<&ResourceId> = site.replicas.iter().filter(up).collect();
        let (writes, reads) = (queries * (1.0 - self.config.load.reads), queries * self.config.load.reads);
        let to_primary = if replicas.is_empty() { queries } else { writes };
        for primary in site.primaries.iter().filter(up) {
            out.queries.insert(primary.clone(), to_primary / site.primaries.len() as f64);
        }
        for replica in &replicas {
            out.queries.insert((*replica).clone(), reads / replicas.len() as f64 + writes / 2.0);
        }
    }
}

impl Site {
    /// Target groups that an Auto Scaling group serves.
    pub(crate) fn target_groups_of<'a>(&'a self, group: &'a str) -> impl Iterator<Item = &'a ResourceId> {
        self.groups.iter().filter(move |(_, ids)| ids.iter().any(|id| id == group)).map(|(target, _)| target)
    }
}

fn site_of<'a>(sites: &'a mut BTreeMap<String, Site>, found: &Resource) -> &'a mut Site {
    let uid = found.tags.get(tag::UID).cloned().unwrap_or_default();
    sites.entry(uid.clone()).or_insert_with(|| Site { uid, ..Site::default() })
}
