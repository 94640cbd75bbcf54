//! Which details one pass reads: those that are missing, those where cheaper signals say that something moved, and a
//! few of the oldest.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{
    Body, Kind, LifecycleState, Member, MetricName, ResourceId, Signals, TargetHealth, TargetState, tag,
};

use super::details::{Detail, Details};
use super::listed::Listed;
use super::marks::Marks;

/// What the schedule is made from.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scheduling<'a> {
    pub(crate) listed: &'a Listed,
    pub(crate) details: &'a Details,
    pub(crate) marks: &'a Marks,
    pub(crate) signals: &'a Signals,
    pub(crate) settle: Duration,
    pub(crate) budget: usize,
    pub(crate) pass: u64,
    pub(crate) now: Timestamp,
}

type Wanted = BTreeMap<Detail, Vec<ResourceId>>;

impl Scheduling<'_> {
    /// The details to read in this pass.
    pub(crate) fn wanted(&self) -> Wanted {
        let mut wanted = Wanted::new();
        let mut rotation = Vec::new();
        let (moved, unlisted) = (self.moved_groups(), self.networks_with_unlisted());
        for (id, detail) in self.all() {
            let needed = match detail {
                Detail::TargetHealth => moved.contains(&id),
                Detail::NetworkInstances => unlisted.contains(&id),
                _ => false,
            };
            match self.details.get(&id, detail, self.marks) {
                Some(cached) if cached.pass == self.pass => {}
                Some(cached) if !needed && !self.marks.is_settling(&id, self.settle, self.now) => {
                    rotation.push((cached.at, id, detail));
                }
                _ => wanted.entry(detail).or_default().push(id),
            }
        }
        for (id, detail) in oldest(rotation, self.budget) {
            wanted.entry(detail).or_default().push(id);
        }
        wanted
    }

    fn all(&self) -> impl Iterator<Item = (ResourceId, Detail)> {
        let bodies = self
            .listed
            .rows()
            .flat_map(|row| Detail::of(row.kind()).iter().map(|detail| (row.id.clone(), *detail)))
            // They have a rotation of their own.
            .filter(|(_, detail)| *detail != Detail::ScalingPolicies);
        // Also of what is not ours: it may have been ours before somebody took its tags away, and may be again.
        let tags = self
            .listed
            .named
            .iter()
            .flat_map(|(kind, ids)| ids.iter().map(|id| (id.clone(), Detail::Tags(*kind))));
        bodies.chain(tags).chain(self.listener_tags())
    }

    fn listener_tags(&self) -> impl Iterator<Item = (ResourceId, Detail)> {
        let balancers = self.listed.ids(Kind::LoadBalancer);
        balancers.into_iter().flat_map(|id| {
            let rows = self.details.listeners(&id, self.marks).unwrap_or_default();
            rows.iter()
                .filter(|row| row.tags.is_empty())
                .map(|row| (row.id.clone(), Detail::Tags(Kind::Listener)))
                .collect::<Vec<_>>()
        })
    }

    /// Target groups of which something says that their targets moved.
    fn moved_groups(&self) -> BTreeSet<ResourceId> {
        let members = self.members();
        let is_moved = |id: &ResourceId| {
            self.is_alarmed(id)
                || self.details.targets(id, self.marks).is_some_and(|(_, targets)| {
                    !is_quiet(targets, members.get(id).unwrap_or(&BTreeSet::new()))
                })
        };
        self.listed.ids(Kind::TargetGroup).into_iter().filter(is_moved).collect()
    }

    /// The instances that each target group should have: the members of the groups that are attached to it.
    fn members(&self) -> BTreeMap<ResourceId, BTreeSet<ResourceId>> {
        let mut members: BTreeMap<ResourceId, BTreeSet<ResourceId>> = BTreeMap::new();
        for row in self.listed.rows() {
            let Body::AutoScalingGroup(group) = &row.body else { continue };
            let serving = group.members.iter().filter(|one| one.lifecycle == LifecycleState::InService);
            let serving: Vec<_> = serving.map(|one| one.instance.clone()).collect();
            for id in group.target_groups.iter().filter_map(|reference| reference.as_id()) {
                members.entry(id.to_owned()).or_default().extend(serving.iter().cloned());
            }
        }
        members
    }

    /// Networks in which a group has a member that is not listed as its stack's: it lost its tags, or is gone.
    fn networks_with_unlisted(&self) -> BTreeSet<ResourceId> {
        let is_unlisted = |member: &Member, owner: Option<&String>| {
            let listed = self.listed.instances.get(&member.instance);
            member.lifecycle == LifecycleState::InService
                && listed.is_none_or(|instance| instance.tags.get(tag::UID) != owner)
        };
        let owners = self.listed.rows().filter_map(|row| {
            let Body::AutoScalingGroup(group) = &row.body else { return None };
            let owner = row.tags.get(tag::UID);
            owner.filter(|_| group.members.iter().any(|member| is_unlisted(member, owner)))
        });
        let owners: BTreeSet<_> = owners.collect();
        let networks = self.listed.rows().filter(|row| row.kind() == Kind::Vpc);
        let theirs = networks.filter(|row| row.tags.get(tag::UID).is_some_and(|uid| owners.contains(uid)));
        theirs.map(|row| row.id.clone()).collect()
    }

    fn is_alarmed(&self, group: &ResourceId) -> bool {
        let unhealthy =
            self.signals.series.iter().filter(|(query, _)| {
                query.metric == MetricName::UnhealthyHostCount && query.resource == *group
            });
        unhealthy.filter_map(|(_, series)| series.latest()).any(|(_, count)| count > 0.0)
    }
}

/// Whether the targets are those that should be there, and all of them serve.
fn is_quiet(targets: &[TargetHealth], members: &BTreeSet<ResourceId>) -> bool {
    targets.len() == members.len()
        && targets
            .iter()
            .all(|row| row.state == TargetState::Healthy && members.contains(&row.target.instance))
}

/// Passes within which the health of every target group is read again, as far as [`MOST_HEALTHS`] allows: four
/// periods are how long the planner trusts one.
const HEALTH_PASSES: usize = 4;
/// The most healths that one pass reads by rotation.
const MOST_HEALTHS: usize = 16;

type Old = (Timestamp, ResourceId, Detail);

/// The oldest readings that so many calls can make. Half of the calls are for healths of targets, or more where there
/// are many groups; what they leave is for the others.
fn oldest(mut rotation: Vec<Old>, budget: usize) -> impl Iterator<Item = (ResourceId, Detail)> {
    rotation.sort();
    let (health, others): (Vec<_>, Vec<_>) =
        rotation.into_iter().partition(|(_, _, detail)| *detail == Detail::TargetHealth);
    let half = budget / 2;
    let share = if budget == 0 {
        0
    } else {
        health.len().div_ceil(HEALTH_PASSES).clamp(half, MOST_HEALTHS.max(half))
    };
    let first = share.min(health.len());
    let second = budget.saturating_sub(first).max(half);
    health.into_iter().take(first).chain(within(others, second)).map(|(_, id, detail)| (id, detail))
}

/// The first that so many calls can read. Where a call reads a detail of several resources, it is filled.
fn within(rows: Vec<Old>, calls: usize) -> impl Iterator<Item = Old> {
    let mut left = calls;
    let mut room: BTreeMap<Detail, usize> = BTreeMap::new();
    rows.into_iter().filter(move |(_, _, detail)| {
        let room = room.entry(*detail).or_default();
        if *room == 0 && left > 0 {
            left -= 1;
            *room = detail.per_call();
        }
        let fits = *room > 0;
        *room = room.saturating_sub(1);
        fits
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rotation(healths: u32, others: u32) -> Vec<(Timestamp, ResourceId, Detail)> {
        let row = |detail| {
            move |n: u32| (Timestamp::UNIX_EPOCH + Duration::from_secs(n.into()), n.to_string(), detail)
        };
        let healths = (0..healths).map(row(Detail::TargetHealth));
        healths.chain((0..others).map(row(Detail::LoadBalancerAttributes))).collect()
    }

    fn shares(healths: u32, others: u32) -> (usize, usize) {
        let chosen: Vec<_> = oldest(rotation(healths, others), 8).collect();
        let healths = chosen.iter().filter(|(_, detail)| *detail == Detail::TargetHealth).count();
        (healths, chosen.len() - healths)
    }

    #[test]
    fn a_pass_reads_few_details_however_many_there_are() {
        assert_eq!(shares(2, 100), (2, 6));
        assert_eq!(shares(10, 100), (4, 4));
        assert_eq!(shares(40, 100), (10, 4));
        assert_eq!(shares(2000, 10_000), (16, 4));
        assert_eq!(oldest(rotation(10, 10), 0).count(), 0);
    }

    #[test]
    fn a_call_that_reads_many_is_filled() {
        let row =
            |n: u32, detail| (Timestamp::UNIX_EPOCH + Duration::from_secs(n.into()), n.to_string(), detail);
        let tags = (0..30).map(|n| row(n, Detail::Tags(Kind::LoadBalancer)));
        let rows: Vec<_> = tags.chain([row(30, Detail::Listeners), row(31, Detail::Listeners)]).collect();
        let chosen = |calls| within(rows.clone(), calls).map(|(_, id, _)| id).collect::<Vec<_>>();
        assert_eq!(chosen(1), (0..20).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(chosen(3), (0..31).map(|n| n.to_string()).collect::<Vec<_>>());
        assert_eq!(chosen(0), Vec::<String>::new());
    }

    #[test]
    fn the_oldest_come_first() {
        let first: Vec<_> = oldest(rotation(0, 10), 8).map(|(id, _)| id).collect();
        assert_eq!(first, ["0", "1", "2", "3", "4", "5", "6", "7"]);
    }

    #[test]
    fn targets_are_quiet_only_when_they_are_the_members_and_all_serve() {
        let target = |instance: &str, state| TargetHealth {
            target: lamp_cloud::Target { instance: instance.to_owned(), port: 80 },
            state,
            reason: None,
        };
        let members: BTreeSet<_> = ["i-1".to_owned(), "i-2".to_owned()].into();
        let healthy = |id| target(id, TargetState::Healthy);
        assert!(is_quiet(&[healthy("i-1"), healthy("i-2")], &members));
        assert!(!is_quiet(&[healthy("i-1")], &members), "one is missing");
        assert!(!is_quiet(&[healthy("i-1"), healthy("i-3")], &members), "one is a stranger");
        assert!(!is_quiet(&[healthy("i-1"), target("i-2", TargetState::Draining)], &members));
    }
}
