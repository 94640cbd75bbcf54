//! Members that their group is to replace: by EC2's checks, by the load balancers' where the group goes by them, or
//! because somebody said so. With a maintenance policy of at least 100 % the new one comes first.

use std::time::Duration;

use lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup;
use lamp_cloud::{InstanceState, LifecycleState, Reference, ResourceId, TargetState};

use super::groups::is_suspended;
use crate::world::World;

impl World {
    /// Somebody gives a group a maintenance policy of 100 to 110 per cent, as `UpdateAutoScalingGroup` does: a new member
    /// is in service before one that is unhealthy goes.
    pub fn launch_before_terminate(&mut self, group: &str) {
        if let Some(group) = self.groups.get_mut(group) {
            group.launches_first = true;
        }
    }

    /// Lets dead members go and replaces sick ones.
    pub(super) fn judge(&mut self, id: &str, body: &AutoScalingGroup) {
        let replaces = !is_suspended(body, "HealthCheck") && !is_suspended(body, "ReplaceUnhealthy");
        for member in self.groups.get(id).map(|group| group.members.clone()).unwrap_or_default() {
            let Some(machine) = self.machines.get(&member) else {
                self.let_go(id, &member);
                continue;
            };
            let leaving = machine.lifecycle == Some(LifecycleState::Terminating);
            let dead = matches!(machine.state, InstanceState::ShuttingDown | InstanceState::Terminated);
            if dead && (leaving || self.is_noticed(&member)) {
                self.let_go(id, &member);
            } else if self.is_condemned(body, &member) && !leaving && replaces {
                self.replace_sick(id, body, &member);
            }
        }
    }

    /// Whether EC2 has told the group that a member is of no use.
    fn is_noticed(&self, member: &str) -> bool {
        let since = self.machines.get(member).and_then(|machine| machine.sick_since);
        since.is_some_and(|since| since + self.config.durations.group_detection <= self.now)
    }

    /// Whether a group calls a member unhealthy.
    pub(super) fn is_condemned(&self, body: &AutoScalingGroup, member: &str) -> bool {
        let told = self.machines.get(member).is_some_and(|machine| machine.condemned);
        told || self.is_noticed(member) || self.fails_its_balancer(body, member)
    }

    fn fails_its_balancer(&self, body: &AutoScalingGroup, member: &str) -> bool {
        let mut groups = body.target_groups.iter().filter_map(Reference::as_id);
        body.health_check_type.contains("ELB")
            && groups.any(|group| self.target_state(group, member) == Some(TargetState::Unhealthy))
    }

    /// A load balancer came to another verdict on a target: the group of the instance hears of it.
    pub(super) fn tell_group(&mut self, instance: &str) {
        let Some(group) = self.machines.get(instance).and_then(|machine| machine.group.clone()) else {
            return;
        };
        let Some(body) = self.body::<AutoScalingGroup>(&group) else { return };
        if body.health_check_type.contains("ELB") {
            let at = self.now + self.config.durations.group_detection;
            self.agenda.plan_look(at, &group);
        }
    }

    fn replace_sick(&mut self, id: &str, body: &AutoScalingGroup, member: &str) {
        let Some(machine) = self.machines.get(member) else { return };
        let launched = machine.row.current().map_or(self.now, |row| row.launched_at);
        let grace_ends = launched + Duration::from_secs(u64::from(body.grace_seconds));
        let runs = matches!(machine.state, InstanceState::Pending | InstanceState::Running);
        if runs && self.now < grace_ends {
            self.agenda.plan_look(grace_ends, id);
            return;
        }
        if runs && self.launches_first(id) && !self.has_successor(id, body) {
            return;
        }
        self.withdraw(body, member, false);
    }

    pub(super) fn launches_first(&self, id: &str) -> bool {
        self.groups.get(id).is_some_and(|group| group.launches_first)
    }

    /// Whether a member more than wanted is in service; else one is launched, if none is on its way.
    fn has_successor(&mut self, id: &str, body: &AutoScalingGroup) -> bool {
        let wanted = body.desired as usize;
        if self.in_service(id).len() > wanted {
            return true;
        }
        if self.staying(id).len() <= wanted && !is_suspended(body, "Launch") {
            self.launch(id, body);
        }
        false
    }

    /// Whether members stay beyond what is wanted, because they are to follow sick ones.
    pub(super) fn awaits_succession(
        &self,
        id: &str,
        body: &AutoScalingGroup,
        staying: &[ResourceId],
    ) -> bool {
        self.launches_first(id) && staying.iter().any(|member| self.is_condemned(body, member))
    }
}
