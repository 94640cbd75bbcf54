//! What Auto Scaling groups do by themselves: launch, replace, spread over zones, drain and terminate.

use std::collections::BTreeMap;

use jiff::Timestamp;
use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::kinds::subnet::Subnet;
use lamp_cloud::kinds::target_group::TargetGroup;
use lamp_cloud::{InstanceState, Kind, LifecycleState, Member, Reference, ResourceId, State, tag};

use crate::agenda::{Event, InstanceStep};
use crate::live::instances::Machine;
use crate::live::tracking::Watch;
use crate::world::World;

/// What only the region knows of a group.
#[derive(Clone, Debug, Default)]
pub(crate) struct Group {
    /// Members that it launched and did not let go, oldest first.
    pub(crate) members: Vec<ResourceId>,
    /// No launch before then, after one that failed.
    retry_at: Option<Timestamp>,
    /// Launches that failed, in a row.
    failures: u32,
    /// A member more than wanted was launched, to spread them evenly.
    rebalancing: bool,
    /// Its maintenance policy wants the new member in service before a sick one goes.
    pub(super) launches_first: bool,
    /// What the alarms of its policies have seen, by policy.
    pub(super) watches: BTreeMap<String, Watch>,
    /// Target tracking removes nothing before then.
    pub(super) rests_until: Option<Timestamp>,
}

impl World {
    /// A group will look after itself in a few seconds.
    pub(crate) fn wake_group(&mut self, id: &str) {
        let after = self.draw(self.config.durations.group_reaction, &["group", id]);
        self.agenda.plan_look(self.now + after, id);
    }

    pub(crate) fn group_look(&mut self, id: &str) {
        if !self.lives(Kind::AutoScalingGroup, id) {
            return;
        }
        let Some(body) = self.body::<AutoScalingGroup>(id).cloned() else { return };
        self.judge(id, &body);
        let staying = self.staying(id);
        let wanted = body.desired as usize;
        if staying.len() < wanted && !is_suspended(&body, "Launch") {
            self.launch_up_to(id, &body, wanted);
        } else if self.awaits_succession(id, &body, &staying) {
            // One more than wanted is to follow.
        } else if staying.len() > wanted && !is_suspended(&body, "Terminate") {
            self.scale_in(id, &body, wanted);
        } else if !is_suspended(&body, "AZRebalance") {
            self.rebalance(id, &body);
        }
        self.show_members(id);
    }

    /// Members that count: those not on their way out.
    pub(crate) fn staying(&self, id: &str) -> Vec<ResourceId> {
        let members = self.groups.get(id).map(|group| group.members.as_slice()).unwrap_or_default();
        members.iter().filter(|member| self.is_staying(member)).cloned().collect()
    }

    fn is_staying(&self, member: &str) -> bool {
        let lifecycle = self.machines.get(member).and_then(|machine| machine.lifecycle);
        matches!(lifecycle, Some(LifecycleState::Pending | LifecycleState::InService))
    }

    /// A member is no member any more.
    pub(super) fn let_go(&mut self, id: &str, member: &str) {
        if let Some(group) = self.groups.get_mut(id) {
            group.members.retain(|other| other != member);
        }
        if let Some(machine) = self.machines.get_mut(member) {
            machine.lifecycle = None;
        }
        self.remove_targets_of(member);
    }

    /// Takes a member out: off the load balancers first, then terminated once its requests are finished.
    pub(crate) fn withdraw(&mut self, body: &AutoScalingGroup, member: &str, drains: bool) {
        let Some(machine) = self.machines.get_mut(member) else { return };
        if machine.lifecycle == Some(LifecycleState::Terminating) {
            return;
        }
        machine.lifecycle = Some(LifecycleState::Terminating);
        let delay = self.deregister_member(body, member);
        let delay = if drains { delay } else { std::time::Duration::ZERO };
        let event = Event::Instance { id: member.to_owned(), step: InstanceStep::Terminate };
        self.agenda.plan(self.now + delay, event);
    }

    fn launch_up_to(&mut self, id: &str, body: &AutoScalingGroup, wanted: usize) {
        if self.groups.get(id).and_then(|group| group.retry_at).is_some_and(|at| self.now < at) {
            return;
        }
        while self.staying(id).len() < wanted {
            if !self.launch(id, body) {
                self.postpone_launch(id);
                return;
            }
        }
        if let Some(group) = self.groups.get_mut(id) {
            group.failures = 0;
            group.retry_at = None;
        }
    }

    // Auto Scaling backs off after launches that failed.
    fn postpone_launch(&mut self, id: &str) {
        let Some(group) = self.groups.get_mut(id) else { return };
        let factor = 1_u32 << group.failures.min(3);
        group.failures = group.failures.saturating_add(1);
        let at = self.now + self.config.durations.group_retry * factor;
        group.retry_at = Some(at);
        self.agenda.plan_look(at, id);
    }

    /// Launches one member in the emptiest zone that has room for one of the instance types.
    pub(super) fn launch(&mut self, id: &str, body: &AutoScalingGroup) -> bool {
        let spread = self.spread(id, body);
        let mut zones: Vec<(&String, &usize)> = spread.iter().collect();
        zones.sort_by_key(|(zone, count)| (**count, (*zone).clone()));
        let zones: Vec<String> = zones.into_iter().map(|(zone, _)| zone.clone()).collect();
        zones.iter().any(|zone| self.launch_in(id, body, zone))
    }

    /// Members in each zone of the group, those with none included.
    fn spread(&self, id: &str, body: &AutoScalingGroup) -> BTreeMap<String, usize> {
        let subnets = body.subnets.iter().filter_map(|subnet| self.body::<Subnet>(subnet.as_id()?));
        let mut spread: BTreeMap<String, usize> = subnets.map(|subnet| (subnet.zone.clone(), 0)).collect();
        for member in self.staying(id) {
            let zone = self.machines.get(&member).map(|machine| machine.zone.as_str()).unwrap_or_default();
            if let Some(count) = spread.get_mut(zone) {
                *count += 1;
            }
        }
        spread
    }

    fn launch_in(&mut self, id: &str, body: &AutoScalingGroup, zone: &str) -> bool {
        let subnet = body.subnets.iter().find(|subnet| {
            subnet.as_id().and_then(|id| self.body::<Subnet>(id)).is_some_and(|subnet| subnet.zone == zone)
        });
        let (Some(subnet), Some(template)) = (subnet.and_then(Reference::as_id), body.template.as_id())
        else {
            return false;
        };
        if self.config.faults.is_crowded(zone, self.now) {
            return false;
        }
        let Some(data) = self.template(template, body.template_version).cloned() else { return false };
        // Without types of its own the group launches what the template says.
        let room = |kind: &&String| self.config.faults.has_room(zone, kind, self.now);
        let templates_own = std::slice::from_ref(&data.instance_type);
        let types = if body.instance_types.is_empty() { templates_own } else { &body.instance_types };
        let Some(instance_type) = types.iter().find(room).cloned() else { return false };
        let nth = self.ordinal(&format!("launch {id}"));
        let instance = format!("i-{}", self.dice.hex(17, &["instance", id], nth));
        let fate = self.config.faults.fate(&data);
        // The tags of group and template are merged, and those of the group win.
        let mut tags = data.instance_tags;
        let group = self.resource(Kind::AutoScalingGroup, id);
        let inherited =
            group.into_iter().flat_map(|group| &group.tags).filter(|(key, _)| tag::is_inherited(key));
        tags.extend(inherited.map(|(key, value)| (key.clone(), value.clone())));
        tags.insert("aws:autoscaling:groupName".to_owned(), id.to_owned());
        let row = lamp_cloud::Instance {
            id: instance.clone(),
            tags,
            group: Some(id.to_owned()),
            state: InstanceState::Pending,
            zone: zone.to_owned(),
            instance_type,
            launched_at: self.now,
            status: None,
            events: Vec::new(),
        };
        let groups = data.security_groups.iter().filter_map(Reference::as_id).map(str::to_owned);
        let machine = Machine {
            security_groups: groups.collect(),
            template_version: body.template_version,
            lifecycle: Some(LifecycleState::Pending),
            fate,
            ..Machine::launched(row, subnet)
        };
        self.add_machine(&instance, machine);
        if let Some(group) = self.groups.get_mut(id) {
            group.members.push(instance);
        }
        true
    }

    /// Default policy: from the fullest zone, the oldest template version, then the oldest instance.
    fn scale_in(&mut self, id: &str, body: &AutoScalingGroup, wanted: usize) {
        let surplus_for_balance = self.groups.get(id).is_some_and(|group| group.rebalancing);
        if surplus_for_balance && self.has_pending(id) {
            return;
        }
        while self.staying(id).len() > wanted {
            let Some(victim) = self.victim(id, body) else { return };
            self.withdraw(body, &victim, true);
        }
        if let Some(group) = self.groups.get_mut(id) {
            group.rebalancing = false;
        }
        self.wake_group(id);
    }

    fn has_pending(&self, id: &str) -> bool {
        self.staying(id).iter().any(|member| {
            self.machines
                .get(member)
                .is_some_and(|machine| machine.lifecycle == Some(LifecycleState::Pending))
        })
    }

    fn victim(&self, id: &str, body: &AutoScalingGroup) -> Option<ResourceId> {
        let spread = self.spread(id, body);
        let staying = self.staying(id);
        // Members in zones that the group left go first.
        let fullness = |machine: &Machine| spread.get(&machine.zone).copied().unwrap_or(usize::MAX);
        staying
            .into_iter()
            .filter_map(|member| {
                let machine = self.machines.get(&member)?;
                let launched = machine.row.current()?.launched_at;
                let order = (
                    std::cmp::Reverse(fullness(machine)),
                    machine.template_version,
                    launched,
                    member.clone(),
                );
                Some((order, member))
            })
            .min()
            .map(|(_, member)| member)
    }

    /// Launches one more in the emptiest zone when another zone has two more, or when members stand outside.
    fn rebalance(&mut self, id: &str, body: &AutoScalingGroup) {
        let spread = self.spread(id, body);
        let (Some(most), Some(least)) = (spread.values().max(), spread.values().min()) else { return };
        let outside = self.staying(id).len() > spread.values().sum::<usize>();
        if !outside && most - least < 2 {
            return;
        }
        let Some(zone) = spread.iter().find(|(_, count)| *count == least).map(|(zone, _)| zone.clone())
        else {
            return;
        };
        if self.launch_in(id, body, &zone) {
            if let Some(group) = self.groups.get_mut(id) {
                group.rebalancing = true;
            }
        } else {
            self.postpone_launch(id);
        }
    }

    /// An instance runs: it is in service, and a target of the group's load balancers.
    pub(crate) fn join(&mut self, member: &str) {
        let Some(machine) = self.machines.get_mut(member) else { return };
        let Some(id) = machine.group.clone().filter(|_| machine.lifecycle == Some(LifecycleState::Pending))
        else {
            return;
        };
        machine.lifecycle = Some(LifecycleState::InService);
        machine.in_service_since = Some(self.now);
        let Some(body) = self.body::<AutoScalingGroup>(&id).cloned() else { return };
        if !is_suspended(&body, "AddToLoadBalancer") {
            self.register_member(&body.target_groups, member);
        }
        self.show_members(&id);
        self.wake_group(&id);
    }

    pub(crate) fn attach_members(&mut self, id: &str, groups: &[Reference]) {
        for member in self.in_service(id) {
            self.register_member(groups, &member);
        }
    }

    pub(crate) fn detach_members(&mut self, id: &str, groups: &[Reference]) {
        for member in self.in_service(id) {
            for group in groups.iter().filter_map(Reference::as_id) {
                self.deregister_instance(group, &member);
            }
        }
    }

    pub(super) fn in_service(&self, id: &str) -> Vec<ResourceId> {
        let serves = |member: &ResourceId| {
            self.machines
                .get(member)
                .is_some_and(|machine| machine.lifecycle == Some(LifecycleState::InService))
        };
        self.staying(id).into_iter().filter(serves).collect()
    }

    fn register_member(&mut self, groups: &[Reference], member: &str) {
        for group in groups.iter().filter_map(Reference::as_id) {
            if let Some(port) = self.body::<TargetGroup>(group).map(|body| body.port) {
                self.register(group, lamp_cloud::Target { instance: member.to_owned(), port });
            }
        }
    }

    /// The longest time that its load balancers give it to finish.
    fn deregister_member(&mut self, body: &AutoScalingGroup, member: &str) -> std::time::Duration {
        let groups: Vec<String> =
            body.target_groups.iter().filter_map(Reference::as_id).map(str::to_owned).collect();
        let delays = groups.iter().filter_map(|group| self.deregister_instance(group, member));
        delays.max().unwrap_or_default()
    }

    /// What the group's members look like to whoever lists the group.
    pub(crate) fn show_members(&mut self, id: &str) {
        let Some(group) = self.groups.get(id) else { return };
        let mut members: Vec<Member> =
            group.members.iter().filter_map(|member| self.member(member)).collect();
        members.sort_by(|one, other| one.instance.cmp(&other.instance));
        let serving = members.iter().filter(|member| member.lifecycle == LifecycleState::InService).count();
        self.update(id, |body: &mut AutoScalingGroup| body.members = members);
        self.record_group(id, serving);
    }

    fn member(&self, id: &str) -> Option<Member> {
        let machine = self.machines.get(id)?;
        let body = machine.group.as_ref().and_then(|group| self.body::<AutoScalingGroup>(group));
        Some(Member {
            instance: id.to_owned(),
            zone: machine.zone.clone(),
            lifecycle: machine.lifecycle?,
            healthy: !body.is_some_and(|body| self.is_condemned(body, id)),
            template_version: Some(machine.template_version),
            instance_type: machine.row.current().map(|row| row.instance_type.clone())?,
        })
    }

    /// A group is deleted by force: its instances go at once.
    pub(crate) fn dissolve(&mut self, id: &str) {
        for member in self.groups.get(id).map(|group| group.members.clone()).unwrap_or_default() {
            if let Some(machine) = self.machines.get_mut(&member) {
                machine.lifecycle = Some(LifecycleState::Terminating);
            }
            self.terminate(&member);
            self.remove_targets_of(&member);
        }
        self.show_members(id);
        self.end_dissolved(id);
    }

    /// A group that is being deleted is gone with the last of its instances.
    pub(crate) fn end_dissolved(&mut self, id: &str) {
        let deleting =
            self.resource(Kind::AutoScalingGroup, id).is_some_and(|found| found.state == State::Deleting);
        let members = self.groups.get(id).map(|group| group.members.as_slice()).unwrap_or_default();
        let standing = members.iter().any(|member| self.machines.get(member).is_some_and(Machine::exists));
        if deleting && !standing {
            self.groups.remove(id);
            self.records.forget_group(id);
            self.end(Kind::AutoScalingGroup, id);
        }
    }
}

pub(super) fn is_suspended(body: &AutoScalingGroup, process: &str) -> bool {
    body.suspended.iter().any(|other| other == process)
}
