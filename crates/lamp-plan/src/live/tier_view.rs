//! A tier as it lives: members of its group, each with its instance and its target. Facts, no decisions.

use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::Tier;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::kinds::target_group::TargetGroup;
use lamp_cloud::{
    Body, Instance, InstanceState, Inventory, LifecycleState, Listing, Member, Resource, TargetHealth,
    TargetState,
};

use crate::parts;

/// The living side of a tier.
#[derive(Debug)]
pub(crate) struct TierView<'a> {
    pub(crate) group: &'a Resource,
    pub(crate) body: &'a AutoScalingGroup,
    pub(crate) members: Vec<MemberView<'a>>,
    pub(crate) targets: Targets<'a>,
    /// Whether instances were listed, but for zones that could not be.
    pub(crate) instances_known: bool,
    /// When instances and members were read.
    pub(crate) observed_at: Timestamp,
}

/// What is known of the targets of a tier.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Targets<'a> {
    /// No load balancer stands in front of the tier.
    None,
    /// Their health was not read yet.
    Unread,
    Read {
        group: &'a Resource,
        body: &'a TargetGroup,
        at: Timestamp,
        rows: &'a [TargetHealth],
    },
}

/// A member, its instance and its target.
#[derive(Clone, Copy, Debug)]
pub(crate) struct MemberView<'a> {
    pub(crate) member: &'a Member,
    pub(crate) instance: Option<&'a Instance>,
    /// Whether the instances of its zone were listed: only then one that is not there is lost.
    pub(crate) known: bool,
    /// The target on the right port.
    pub(crate) target: Option<&'a TargetHealth>,
    /// In service, running, not given up by its group, and a healthy target where the tier has a load balancer.
    pub(crate) ready: bool,
    /// Whether it is seen to serve nobody. What could not be read, or is not listed, shows nothing.
    pub(crate) idle: bool,
}

impl<'a> TierView<'a> {
    /// The tier's group and what belongs to it; `None` without a group.
    pub(crate) fn of(inventory: &'a Inventory, tier: &Tier) -> Option<Self> {
        let group: &Arc<Resource> = inventory.present(&parts::auto_scaling_group(&tier.name))?;
        let Body::AutoScalingGroup(body) = &group.body else { return None };
        let targets = Targets::of(inventory, tier);
        let instances = inventory.instances.get(&group.id).map_or(&[][..], Vec::as_slice);
        let instances_known = inventory.region.unknown(Listing::Instances).is_none();
        let members = body.members.iter().map(|member| {
            let listed = instances.iter().find(|instance| instance.id == member.instance);
            let instance = listed.or_else(|| inventory.unclaimed.get(&member.instance));
            let known = instances_known && !inventory.region.unseen_zones.contains_key(&member.zone);
            MemberView::of(member, instance, targets, known)
        });
        let (members, observed_at) = (members.collect(), inventory.observed_at());
        Some(Self { group, body, members, targets, instances_known, observed_at })
    }

    /// Members that are neither on their way out nor taken out by a person.
    pub(crate) fn staying(&self) -> impl Iterator<Item = &MemberView<'a>> {
        let stays = |state| matches!(state, LifecycleState::Pending | LifecycleState::InService);
        self.members.iter().filter(move |view| stays(view.member.lifecycle))
    }

    /// Whether the instance of each member could be seen.
    pub(crate) fn all_known(&self) -> bool {
        self.instances_known && self.members.iter().all(|view| view.known)
    }

    /// How many members are ready.
    pub(crate) fn ready(&self) -> u32 {
        count(self.members.iter().filter(|view| view.ready))
    }

    /// How many members are on their way in or out.
    pub(crate) fn moving(&self) -> u32 {
        let moves = |state| matches!(state, LifecycleState::Pending | LifecycleState::Terminating);
        count(self.members.iter().filter(|view| moves(view.member.lifecycle)))
    }

    /// Members of another version of the launch template than the group's.
    pub(crate) fn outdated(&self) -> impl Iterator<Item = &MemberView<'a>> {
        self.staying().filter(|view| view.is_outdated(self.body.template_version))
    }
}

impl<'a> Targets<'a> {
    fn of(inventory: &'a Inventory, tier: &Tier) -> Self {
        if tier.load_balancer.is_none() {
            return Self::None;
        }
        let Some(group) = inventory.present(&parts::target_group(&tier.name)) else { return Self::Unread };
        match (&group.body, inventory.targets.get(&group.id)) {
            (Body::TargetGroup(body), Some((at, rows))) => Self::Read { group, body, at: *at, rows },
            _ => Self::Unread,
        }
    }

    fn find(self, instance: &str) -> Option<&'a TargetHealth> {
        let Self::Read { body, rows, .. } = self else { return None };
        rows.iter().find(|row| row.target.instance == instance && row.target.port == body.port)
    }
}

impl<'a> MemberView<'a> {
    fn of(member: &'a Member, instance: Option<&'a Instance>, targets: Targets<'a>, known: bool) -> Self {
        let target = targets.find(&member.instance);
        let running = instance.map_or(!known, |instance| instance.state == InstanceState::Running);
        let serving = match targets {
            Targets::None => true,
            _ => target.is_some_and(|target| target.state == TargetState::Healthy),
        };
        let in_service = member.lifecycle == LifecycleState::InService && member.healthy;
        let stands_still = instance.is_some_and(|instance| instance.state != InstanceState::Running);
        let fails = target.is_some_and(|target| target.state != TargetState::Healthy);
        let (ready, idle) = (in_service && running && serving, !in_service || stands_still || fails);
        Self { member, instance, known, target, ready, idle }
    }

    /// Whether it was launched longer than `span` ago; not, where the launch is not known.
    pub(crate) fn is_older_than(&self, span: SignedDuration, now: Timestamp) -> bool {
        self.instance.is_some_and(|instance| now.duration_since(instance.launched_at) >= span)
    }

    /// Whether it was launched from another version of the template.
    pub(crate) fn is_outdated(&self, version: u64) -> bool {
        self.member.template_version.is_some_and(|launched| launched != version)
    }
}

/// How many items there are.
pub(crate) fn count<T>(items: impl Iterator<Item = T>) -> u32 {
    u32::try_from(items.count()).unwrap_or(u32::MAX)
}
