//! Instances: from `pending` to a grave that stays visible for an hour, and the service that runs on them.

use std::collections::BTreeSet;

use lamp_cloud::{Instance, InstanceState, LifecycleState, ResourceId, StatusCheck};

use crate::agenda::{Event, InstanceStep};
use crate::config::Span;
use crate::consistency::History;
use crate::faults::Fate;
use crate::world::World;

/// An instance, as the region knows it.
#[derive(Clone, Debug)]
pub(crate) struct Machine {
    pub(crate) row: History<Instance>,
    pub(crate) state: InstanceState,
    pub(crate) group: Option<ResourceId>,
    pub(crate) zone: String,
    pub(crate) subnet: ResourceId,
    pub(crate) security_groups: Vec<ResourceId>,
    pub(crate) template_version: u64,
    /// Where it is in its group; `None` once the group has let it go.
    pub(crate) lifecycle: Option<LifecycleState>,
    /// The service on it has started.
    pub(crate) serving: bool,
    /// It runs, and answers nobody.
    pub(crate) hung: bool,
    pub(crate) impaired: bool,
    /// What becomes of it, if it does not work.
    pub(crate) fate: Option<Fate>,
    /// Somebody told its group that it is unhealthy.
    pub(crate) condemned: bool,
    /// Target groups that it was ever registered at.
    pub(crate) registered: BTreeSet<ResourceId>,
    /// Since when it is in service in its group.
    pub(crate) in_service_since: Option<jiff::Timestamp>,
    /// Since when its group could know that it is of no use.
    pub(crate) sick_since: Option<jiff::Timestamp>,
}

impl Machine {
    /// One that was launched just now, alone.
    pub(crate) fn launched(row: Instance, subnet: &str) -> Self {
        Self {
            state: row.state,
            group: row.group.clone(),
            zone: row.zone.clone(),
            subnet: subnet.to_owned(),
            security_groups: Vec::new(),
            template_version: 0,
            lifecycle: None,
            serving: false,
            hung: false,
            impaired: false,
            fate: None,
            condemned: false,
            registered: BTreeSet::new(),
            in_service_since: None,
            sick_since: None,
            row: History::new(row.launched_at, row),
        }
    }

    /// Whether it still has its network interface.
    pub(crate) fn exists(&self) -> bool {
        self.state != InstanceState::Terminated
    }

    /// Whether its service answers health checks.
    pub(crate) fn answers(&self) -> bool {
        self.state == InstanceState::Running && self.serving && !self.hung && !self.impaired
    }
}

impl World {
    pub(crate) fn add_machine(&mut self, id: &str, machine: Machine) {
        self.machines.insert(id.to_owned(), machine);
        let span = self.config.durations.instance_start;
        self.plan_instance(id, InstanceStep::Running, span);
    }

    pub(crate) fn plan_instance(&mut self, id: &str, step: InstanceStep, span: Span) {
        let after = self.draw(span, &["instance", id]);
        self.agenda.plan(self.now + after, Event::Instance { id: id.to_owned(), step });
    }

    pub(crate) fn instance_step(&mut self, id: &str, step: InstanceStep) {
        match step {
            InstanceStep::Running => self.instance_running(id),
            InstanceStep::Serving => self.instance_serving(id),
            InstanceStep::Checked => self.instance_checked(id),
            InstanceStep::Hung => drop(self.hang_instance(id)),
            InstanceStep::Retired => self.stop(id),
            InstanceStep::Terminate => self.terminate(id),
            InstanceStep::Stopped => self.instance_stopped(id),
            InstanceStep::Terminated => self.instance_terminated(id),
            InstanceStep::Forgotten => {
                self.machines.remove(id);
            }
        }
    }

    fn instance_running(&mut self, id: &str) {
        if !self.machines.get(id).is_some_and(|machine| machine.state == InstanceState::Pending) {
            return;
        }
        self.set_instance_state(id, InstanceState::Running);
        let durations = &self.config.durations;
        let (service, checks) = (durations.service_start, durations.status_checks);
        self.plan_instance(id, InstanceStep::Serving, service);
        self.plan_instance(id, InstanceStep::Checked, checks);
        self.plan_fate(id);
        self.join(id);
    }

    fn plan_fate(&mut self, id: &str) {
        let (after, step) = match self.machines.get(id).and_then(|machine| machine.fate) {
            Some(Fate::Dies(after)) => (after, InstanceStep::Terminate),
            Some(Fate::Hangs(after)) => (after, InstanceStep::Hung),
            Some(Fate::NeverServes) | None => return,
        };
        self.agenda.plan(self.now + after, Event::Instance { id: id.to_owned(), step });
    }

    fn instance_serving(&mut self, id: &str) {
        if let Some(machine) = self.machines.get_mut(id)
            && machine.state == InstanceState::Running
            && machine.fate != Some(Fate::NeverServes)
        {
            machine.serving = true;
            self.recheck_instance(id);
        }
    }

    fn instance_checked(&mut self, id: &str) {
        let Some(machine) = self.machines.get_mut(id) else { return };
        if machine.state != InstanceState::Running {
            return;
        }
        let status = if machine.impaired { StatusCheck::Impaired } else { StatusCheck::Ok };
        let now = self.now;
        machine.row.update(now, |row| row.status = Some(status));
    }

    /// Terminates an instance, as `TerminateInstances` does.
    pub(crate) fn terminate(&mut self, id: &str) {
        let gone = [InstanceState::ShuttingDown, InstanceState::Terminated];
        if self.machines.get(id).is_none_or(|machine| gone.contains(&machine.state)) {
            return;
        }
        self.set_instance_state(id, InstanceState::ShuttingDown);
        let span = self.config.durations.instance_stop;
        self.plan_instance(id, InstanceStep::Terminated, span);
        self.fall_sick(id);
    }

    pub(crate) fn stop(&mut self, id: &str) {
        if self.machines.get(id).is_none_or(|machine| machine.state != InstanceState::Running) {
            return;
        }
        self.set_instance_state(id, InstanceState::Stopping);
        let span = self.config.durations.instance_stop;
        self.plan_instance(id, InstanceStep::Stopped, span);
        self.fall_sick(id);
    }

    fn instance_stopped(&mut self, id: &str) {
        if self.machines.get(id).is_some_and(|machine| machine.state == InstanceState::Stopping) {
            self.set_instance_state(id, InstanceState::Stopped);
        }
    }

    fn instance_terminated(&mut self, id: &str) {
        self.set_instance_state(id, InstanceState::Terminated);
        let grave = self.config.durations.instance_grave;
        let event = Event::Instance { id: id.to_owned(), step: InstanceStep::Forgotten };
        self.agenda.plan(self.now + grave, event);
        if let Some(group) = self.machines.get(id).and_then(|machine| machine.group.clone()) {
            self.end_dissolved(&group);
        }
    }

    /// Its group finds out in its own time.
    pub(crate) fn fall_sick(&mut self, id: &str) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(id) else { return };
        machine.sick_since.get_or_insert(now);
        if let Some(group) = machine.group.clone() {
            let at = now + self.config.durations.group_detection;
            self.agenda.plan_look(at, &group);
        }
    }

    fn set_instance_state(&mut self, id: &str, state: InstanceState) {
        let now = self.now;
        let Some(machine) = self.machines.get_mut(id) else { return };
        machine.state = state;
        machine.row.update(now, |row| {
            row.state = state;
            row.status = row.status.filter(|_| state == InstanceState::Running);
        });
        self.recheck_instance(id);
    }
}
