//! What a judge remembers of a run: the truth of earlier moments.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;
use std::time::Duration;

use jiff::Timestamp;
use lamp_api::v1alpha1::DeletionPolicy;
use lamp_cloud::{Body, Kind, ResourceId, State, tag};
use lamp_sim::World;
use lamp_store::Key;

use super::Dossier;

/// Longer than any reading is old.
const MEMORY: Duration = Duration::from_secs(900);

/// The truth of earlier moments.
#[derive(Debug, Default)]
pub struct History {
    /// Parts that the site consists of; empty where nobody said.
    pub expected: BTreeSet<String>,
    /// Instances that were replaced to heal.
    pub(super) healed: BTreeSet<ResourceId>,
    /// Since when an instance has served, or has not, without a break.
    serving: BTreeMap<ResourceId, (bool, Timestamp)>,
    /// Healthy targets by target group, and readable replicas by uid.
    counts: BTreeMap<String, VecDeque<(Timestamp, usize)>>,
    /// Parts of stacks that have held data.
    pub(super) held_data: BTreeSet<(String, String)>,
    /// Stacks that are or were there, with their policy.
    pub(super) stacks: BTreeMap<String, DeletionPolicy>,
    acknowledged: BTreeMap<Key, i64>,
}

impl History {
    pub(super) fn look(&mut self, world: &World, dossiers: &[Arc<Dossier>]) {
        let now = world.now();
        for dossier in dossiers {
            self.stacks.insert(dossier.uid.clone(), dossier.spec.deletion_policy);
        }
        self.look_at_instances(world, now);
        let mut readable: BTreeMap<&str, usize> = BTreeMap::new();
        for row in world.resources() {
            let uid = row.tags.get(tag::UID).map(String::as_str).unwrap_or_default();
            match &row.body {
                Body::TargetGroup(_) => self.count(&row.id, now, world.healthy_targets(&row.id)),
                Body::DbInstance(body) if body.is_replica() => {
                    let reads =
                        row.state == State::Ready && body.facts.replication.as_deref() == Some("replicating");
                    *readable.entry(uid).or_default() += usize::from(reads);
                }
                Body::DbInstance(_) | Body::Secret(_) if row.state == State::Ready => {
                    let part = row.part().map(|part| part.to_string()).unwrap_or_default();
                    self.held_data.insert((uid.to_owned(), part));
                }
                _ => {}
            }
        }
        for (uid, count) in readable {
            self.count(&replicas_of(uid), now, count);
        }
    }

    fn look_at_instances(&mut self, world: &World, now: Timestamp) {
        let mut serving = BTreeMap::new();
        for instance in world.instances() {
            let serves = world.serves(&instance.id);
            let since = self.serving.get(&instance.id).filter(|(before, _)| *before == serves);
            serving.insert(instance.id.clone(), (serves, since.map_or(now, |(_, since)| *since)));
        }
        self.serving = serving;
    }

    fn count(&mut self, what: &str, now: Timestamp, count: usize) {
        let counts = self.counts.entry(what.to_owned()).or_default();
        if counts.back().is_none_or(|(_, last)| *last != count) {
            counts.push_back((now, count));
        }
        while counts.get(1).is_some_and(|(at, _)| *at + MEMORY < now) {
            counts.pop_front();
        }
    }

    /// The most that there were of something since then.
    pub(super) fn most(&self, what: &str, since: Timestamp) -> usize {
        let counts = self.counts.get(what).into_iter().flatten();
        let ends = counts.clone().skip(1).map(|(at, _)| *at).chain([Timestamp::MAX]);
        counts.zip(ends).filter(|(_, end)| *end > since).map(|((_, count), _)| *count).max().unwrap_or(0)
    }

    /// How long an instance has served without a break; `None` if it does not.
    pub(super) fn served_for(&self, instance: &str, now: Timestamp) -> Option<Duration> {
        self.lasted(instance, true, now)
    }

    /// How long an instance has not served; `None` if it does.
    pub(super) fn silent_for(&self, instance: &str, now: Timestamp) -> Option<Duration> {
        self.lasted(instance, false, now)
    }

    fn lasted(&self, instance: &str, serves: bool, now: Timestamp) -> Option<Duration> {
        let (is, since) = self.serving.get(instance)?;
        (*is == serves).then(|| now.duration_since(*since).unsigned_abs())
    }

    pub(super) fn acknowledge(&mut self, key: &Key, generation: Option<i64>) {
        match generation {
            Some(generation) => self.acknowledged.insert(key.clone(), generation),
            None => self.acknowledged.remove(key),
        };
    }

    pub(super) fn acknowledged(&self) -> impl Iterator<Item = (&Key, i64)> {
        self.acknowledged.iter().map(|(key, generation)| (key, *generation))
    }
}

/// The name under which the readable replicas of a stack are counted.
pub(super) fn replicas_of(uid: &str) -> String {
    format!("{} of {uid}", Kind::DbInstance.name())
}
