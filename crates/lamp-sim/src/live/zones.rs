//! Zones that go out of service: what stands in them answers nobody, and what has a standby elsewhere moves there.

use std::time::Duration;

use lamp_cloud::kinds::db_instance::DbInstance;
use lamp_cloud::{InstanceState, ResourceId, StatusCheck};

use crate::agenda::Event;
use crate::world::World;

impl World {
    /// A zone goes out of service now, for `duration`. While it lasts, listings of instances fail.
    pub fn fail_zone(&mut self, zone: &str, duration: Duration) {
        let until = self.now + duration;
        self.config.faults.zones_down.push((zone.to_owned(), self.now, until));
        self.zone_changed(zone);
        self.agenda.plan(until, Event::ZoneChanged(zone.to_owned()));
    }

    pub(crate) fn zone_changed(&mut self, zone: &str) {
        let down = self.config.faults.is_zone_down(zone, self.now);
        let inside = self.machines.iter().filter(|(_, machine)| machine.zone == zone);
        let inside: Vec<ResourceId> = inside.map(|(id, _)| id.clone()).collect();
        for id in inside {
            self.set_reachable(&id, !down);
        }
        if down {
            let primaries = self.each::<DbInstance>().filter(|(_, body)| body.zone.as_deref() == Some(zone));
            let primaries: Vec<ResourceId> = primaries.map(|(found, _)| found.id.clone()).collect();
            for id in primaries {
                self.fail_over(&id);
            }
        }
    }

    /// EC2's checks see that nobody reaches an instance, and its group replaces it elsewhere.
    fn set_reachable(&mut self, id: &str, reachable: bool) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(id) else { return };
        if machine.state != InstanceState::Running || machine.impaired {
            return;
        }
        let status = if reachable { StatusCheck::Ok } else { StatusCheck::Impaired };
        machine.row.update(now, |row| row.status = Some(status));
        if reachable {
            machine.sick_since = None;
        } else {
            self.fall_sick(id);
        }
        self.recheck_instance(id);
    }
}
