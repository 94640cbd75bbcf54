//! The truth of what serves, for whoever judges a run: no call of AWS tells it.

use lamp_cloud::{ResourceId, TargetState};

use crate::world::World;

impl World {
    /// Whether the service on an instance answers whoever reaches it, whatever health checks say.
    pub fn serves(&self, instance: &str) -> bool {
        let Some(machine) = self.machines.get(instance) else { return false };
        machine.answers() && !self.config.faults.is_zone_down(&machine.zone, self.now)
    }

    /// Members that an Auto Scaling group did not let go, oldest first.
    pub fn members(&self, group: &str) -> &[ResourceId] {
        self.groups.get(group).map(|group| group.members.as_slice()).unwrap_or_default()
    }

    /// How many targets of a target group get requests.
    pub fn healthy_targets(&self, group: &str) -> usize {
        self.targets(group).filter(|row| row.state == TargetState::Healthy).count()
    }
}
