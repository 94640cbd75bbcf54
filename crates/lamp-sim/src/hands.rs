//! What the world does to a site, and what people do by hand: nothing of it is a call of ours.

use std::time::Duration;

use lamp_cloud::kinds::db_instance::Modification;
use lamp_cloud::kinds::subnet::Subnet;
use lamp_cloud::{
    Body, Change, DeleteOptions, Instance, InstanceState, Kind, NetworkInterface, Request, ResourceId,
    ScheduledEvent, ScheduledKind, StatusCheck, Tags, Target,
};

use crate::agenda::{Event, InstanceStep};
use crate::kinds::Creation;
use crate::live::instances::Machine;
use crate::world::World;
use crate::{ByHandError, Fault};

impl World {
    /// An instance dies: its host is lost.
    pub fn kill_instance(&mut self, id: &str) -> bool {
        self.terminate_by_hand(id)
    }

    /// Somebody terminates an instance.
    pub fn terminate_by_hand(&mut self, id: &str) -> bool {
        let known = self.is_running(id);
        self.terminate(id);
        known
    }

    /// Somebody stops an instance.
    pub fn stop_instance(&mut self, id: &str) -> bool {
        let known = self.is_running(id);
        self.stop(id);
        known
    }

    /// An instance hangs: EC2's checks pass, and nobody gets an answer.
    pub fn hang_instance(&mut self, id: &str) -> bool {
        self.set_hung(id, true)
    }

    /// A hung instance answers again.
    pub fn revive_instance(&mut self, id: &str) -> bool {
        self.set_hung(id, false)
    }

    fn set_hung(&mut self, id: &str, hung: bool) -> bool {
        let Some(machine) = self.machines.get_mut(id) else { return false };
        machine.hung = hung;
        self.recheck_instance(id);
        true
    }

    /// EC2's status checks of an instance fail.
    pub fn impair_instance(&mut self, id: &str) -> bool {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(id) else { return false };
        if machine.state != InstanceState::Running {
            return false;
        }
        machine.impaired = true;
        machine.row.update(now, |row| row.status = Some(StatusCheck::Impaired));
        self.recheck_instance(id);
        self.fall_sick(id);
        true
    }

    /// AWS gives up the host of an instance, and says so ahead: then it is stopped.
    pub fn schedule_retirement(&mut self, id: &str, ahead: Duration) -> bool {
        let not_before = self.now + ahead;
        let event = ScheduledEvent { not_before, kind: ScheduledKind::Retirement };
        let Some(machine) = self.machines.get_mut(id) else { return false };
        machine.row.update(self.now, |row| row.events.push(event));
        let step = Event::Instance { id: id.to_owned(), step: InstanceStep::Retired };
        self.agenda.plan(not_before, step);
        true
    }

    /// Somebody launches an instance of their own into a subnet.
    pub fn run_instance(&mut self, subnet: &str, tags: Tags) -> Option<ResourceId> {
        let zone = self.body::<Subnet>(subnet)?.zone.clone();
        let nth = self.ordinal(&format!("run in {subnet}"));
        let id = format!("i-{}", self.dice.hex(17, &["stray", subnet], nth));
        let row = Instance {
            id: id.clone(),
            tags,
            group: None,
            state: InstanceState::Pending,
            zone,
            instance_type: "t3.small".to_owned(),
            launched_at: self.now,
            status: None,
            events: Vec::new(),
        };
        self.add_machine(&id, Machine::launched(row, subnet));
        Some(id)
    }

    /// Somebody changes the tags of an instance.
    pub fn tag_instance_by_hand(&mut self, id: &str, change: impl FnOnce(&mut Tags)) {
        let now = self.now;
        if let Some(machine) = self.machines.get_mut(id) {
            machine.row.update(now, |row| change(&mut row.tags));
        }
    }

    /// Somebody tells the group of an instance that it is unhealthy.
    pub fn condemn_instance(&mut self, id: &str) -> bool {
        let Some(machine) = self.machines.get_mut(id) else { return false };
        machine.condemned = true;
        let group = machine.group.clone();
        if let Some(group) = &group {
            self.show_members(group);
            self.wake_group(group);
        }
        group.is_some()
    }

    /// Somebody puts a network interface of their own into a subnet, guarded by these groups.
    pub fn add_interface(&mut self, subnet: &str, groups: &[&str], description: &str) -> ResourceId {
        let nth = self.ordinal(&format!("interface in {subnet}"));
        let interface = NetworkInterface {
            security_groups: groups.iter().map(|group| (*group).to_owned()).collect(),
            description: description.to_owned(),
            status: "available".to_owned(),
            ..self.interface(&format!("somebody's {nth}"), subnet)
        };
        let id = interface.id.clone();
        self.made_by_hand.insert(id.clone(), interface);
        id
    }

    /// Somebody removes a network interface that people made.
    pub fn remove_interface(&mut self, id: &str) -> bool {
        self.made_by_hand.remove(id).is_some()
    }

    fn is_running(&self, id: &str) -> bool {
        self.machines
            .get(id)
            .is_some_and(|machine| matches!(machine.state, InstanceState::Pending | InstanceState::Running))
    }

    /// Somebody takes an instance off a load balancer.
    pub fn deregister_by_hand(&mut self, target_group: &str, instance: &str) -> bool {
        self.deregister_instance(target_group, instance).is_some()
    }

    /// Somebody registers a target.
    pub fn register_by_hand(&mut self, target_group: &str, target: Target) {
        self.register(target_group, target);
    }

    /// The health check of a target group fails although its service works, or works again.
    pub fn break_health_check(&mut self, target_group: &str, broken: bool) {
        if broken {
            self.broken_checks.insert(target_group.to_owned());
        } else {
            self.broken_checks.remove(target_group);
        }
        self.recheck_group(target_group);
    }

    /// Somebody makes a resource outside Lamplighter.
    ///
    /// # Errors
    /// What AWS refuses it for.
    pub fn create_by_hand(&mut self, name: &str, tags: &Tags, body: Body) -> Result<ResourceId, ByHandError> {
        let label = format!("by hand {} {name}", body.kind().name());
        let nth = self.ordinal(&label);
        let creation = Creation { name, tags, label: &label, nth };
        self.create(body, &creation).map(|created| created.id).map_err(ByHandError::from)
    }

    /// Somebody deletes a resource.
    ///
    /// # Errors
    /// What AWS refuses it for.
    pub fn delete_by_hand(&mut self, kind: Kind, id: &str) -> Result<(), ByHandError> {
        let options = DeleteOptions { without_recovery: true, ..DeleteOptions::default() };
        self.delete(kind, id, &options).map_err(ByHandError::from)
    }

    /// Somebody changes a resource.
    ///
    /// # Errors
    /// What AWS refuses it for.
    pub fn change_by_hand(&mut self, id: &str, change: &Change) -> Result<(), ByHandError> {
        self.change(id, change).map_err(ByHandError::from)
    }

    /// Somebody changes the tags of a resource.
    pub fn tag_by_hand(&mut self, kind: Kind, id: &str, change: impl FnOnce(&mut Tags)) {
        self.rewrite(kind, id, |resource| change(&mut resource.tags));
    }

    /// Somebody suspends processes of a group, for example `Launch`.
    pub fn suspend_processes(&mut self, group: &str, processes: &[&str]) {
        self.update(group, |body: &mut lamp_cloud::kinds::auto_scaling_group::AutoScalingGroup| {
            body.suspended = processes.iter().map(|process| (*process).to_owned()).collect();
            body.suspended.sort();
        });
    }

    /// Replication of a replica stops with an error.
    pub fn break_replication(&mut self, id: &str) {
        self.set_replication(id, false);
    }

    /// Replication of a replica works again.
    pub fn mend_replication(&mut self, id: &str) {
        self.set_replication(id, true);
    }

    /// A replica lags by so many seconds; `None` leaves it to the load.
    pub fn set_replica_lag(&mut self, id: &str, seconds: Option<f64>) {
        if let Some(database) = self.databases.get_mut(id) {
            database.lag_seconds = seconds;
        }
    }

    /// Somebody modifies a database, to be done in its maintenance window.
    pub fn modify_database_in_window(&mut self, id: &str, modification: Modification) {
        self.wait_for_window(id, modification);
    }

    /// The standby of a Multi-AZ database takes over.
    pub fn fail_over_database(&mut self, id: &str) {
        self.fail_over(id);
    }

    /// A database falls into a status, for example `storage-full` or `incompatible-network`.
    pub fn set_database_status(&mut self, id: &str, status: &str) {
        self.force_status(id, status);
    }

    /// Somebody stores so much that this share of the volume is used; 1 fills it.
    pub fn fill_database(&mut self, id: &str, share: f64) {
        self.fill_to(id, share);
    }

    /// Fails what AWS had accepted, for example a NAT gateway that could not be made.
    pub fn fail_resource(&mut self, kind: Kind, id: &str, reason: &str) {
        self.set_state(kind, id, lamp_cloud::State::Failed(reason.to_owned()));
    }

    /// Somebody promotes a replica to a database of its own.
    pub fn promote_replica(&mut self, id: &str) {
        self.promote(id);
    }

    /// Somebody else in the account uses up a share of every rate from now on.
    pub fn set_noisy_neighbour(&mut self, share: f64) {
        self.config.faults.noisy_neighbour = share;
        self.throttle.reset();
    }

    /// The mutations that a fault struck.
    pub fn struck_requests(&self, fault: Fault) -> impl Iterator<Item = &Request> {
        self.log.calls.iter().filter(move |call| call.fault == Some(fault)).filter_map(|call| call.request())
    }
}
