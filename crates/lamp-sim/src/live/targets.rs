//! Targets of load balancers: checked every interval, and their verdicts after as many checks as the group asks for.
//! Checks are not made one by one: a verdict is planned when the answer changes, and void when it changes again.

use std::collections::BTreeMap;
use std::time::Duration;

use lamp_cloud::kinds::target_group::TargetGroup;
use lamp_cloud::{InstanceState, Target, TargetHealth, TargetState};

use crate::agenda::Event;
use crate::consistency::History;
use crate::world::World;

/// A target, as the region knows it.
#[derive(Clone, Debug)]
pub(crate) struct Registration {
    pub(crate) row: History<TargetHealth>,
    state: TargetState,
    /// What the last planned verdict would be.
    expected: Option<TargetState>,
    /// Counts changes of mind, so that older verdicts are void.
    generation: u64,
}

impl World {
    pub(crate) fn register(&mut self, group: &str, target: Target) {
        let targets = self.targets.entry(group.to_owned()).or_default();
        let known = targets.get(&target).is_some_and(|registration| {
            !matches!(registration.state, TargetState::Draining) && registration.row.current().is_some()
        });
        if known {
            return;
        }
        let generation = targets.get(&target).map_or(0, |registration| registration.generation + 1);
        let health = TargetHealth { target: target.clone(), state: TargetState::Unused, reason: None };
        let mut row = targets
            .remove(&target)
            .map_or_else(|| History::new(self.now, health.clone()), |registration| registration.row);
        row.set(self.now, health);
        if let Some(machine) = self.machines.get_mut(&target.instance) {
            machine.registered.insert(group.to_owned());
        }
        let registration = Registration { row, state: TargetState::Unused, expected: None, generation };
        self.targets.entry(group.to_owned()).or_default().insert(target.clone(), registration);
        self.recheck(group, &target);
    }

    /// Deregisters every target of an instance; gives the time that it has to finish.
    pub(crate) fn deregister_instance(&mut self, group: &str, instance: &str) -> Option<Duration> {
        let targets: Vec<Target> = self.targets_of(group, instance);
        targets.iter().filter_map(|target| self.deregister(group, target)).max()
    }

    fn targets_of(&self, group: &str, instance: &str) -> Vec<Target> {
        let Some(targets) = self.targets.get(group) else { return Vec::new() };
        let of = |port| Target { instance: instance.to_owned(), port };
        targets.range(of(0)..=of(u16::MAX)).map(|(target, _)| target.clone()).collect()
    }

    /// Lets a target finish its requests. One that got none is gone at once.
    pub(crate) fn deregister(&mut self, group: &str, target: &Target) -> Option<Duration> {
        let state = self.targets.get(group)?.get(target)?.state;
        if state == TargetState::Draining {
            return None;
        }
        if state == TargetState::Unused {
            self.remove_target(group, target);
            return None;
        }
        let attributes = self.body::<TargetGroup>(group).and_then(|body| body.attributes.clone());
        let seconds = attributes.map_or(300, |attributes| attributes.deregistration_delay_seconds);
        let delay = Duration::from_secs(u64::from(seconds));
        let generation =
            self.put(group, target, TargetState::Draining, Some("Target.DeregistrationInProgress"))?;
        let event = Event::Drained { group: group.to_owned(), target: target.clone(), generation };
        self.agenda.plan(self.now + delay, event);
        Some(delay)
    }

    pub(crate) fn drained(&mut self, group: &str, target: &Target, generation: u64) {
        let current = self.targets.get(group).and_then(|targets| targets.get(target));
        if current.is_some_and(|registration| registration.generation == generation) {
            self.remove_target(group, target);
        }
    }

    fn remove_target(&mut self, group: &str, target: &Target) {
        if let Some(targets) = self.targets.get_mut(group) {
            targets.remove(target);
        }
        self.record_targets(group);
    }

    /// Whatever an instance was a target of, it is no more.
    pub(crate) fn remove_targets_of(&mut self, instance: &str) {
        for (group, target) in self.registrations_of(instance) {
            self.remove_target(&group, &target);
        }
    }

    fn registrations_of(&self, instance: &str) -> Vec<(String, Target)> {
        let groups = self.machines.get(instance).into_iter().flat_map(|machine| &machine.registered);
        groups
            .flat_map(|group| {
                self.targets_of(group, instance).into_iter().map(move |target| (group.clone(), target))
            })
            .collect()
    }

    /// The answers of an instance may have changed.
    pub(crate) fn recheck_instance(&mut self, instance: &str) {
        for (group, target) in self.registrations_of(instance) {
            self.recheck(&group, &target);
        }
    }

    /// The checks of a whole group may have changed.
    pub(crate) fn recheck_group(&mut self, group: &str) {
        let targets: Vec<Target> =
            self.targets.get(group).map(|targets| targets.keys().cloned().collect()).unwrap_or_default();
        for target in targets {
            self.recheck(group, &target);
        }
    }

    fn recheck(&mut self, group: &str, target: &Target) {
        let Some(registration) = self.targets.get(group).and_then(|targets| targets.get(target)) else {
            return;
        };
        let (state, expected) = (registration.state, registration.expected);
        if state == TargetState::Draining {
            return;
        }
        if !self.runs(&target.instance) {
            self.put(group, target, TargetState::Unused, Some("Target.InvalidState"));
            return;
        }
        if !self.is_checked(group) {
            self.put(group, target, TargetState::Unused, Some("Target.NotInUse"));
            return;
        }
        if state == TargetState::Unused {
            self.put(group, target, TargetState::Initial, Some("Elb.InitialHealthChecking"));
        }
        let verdict = if self.would_pass(group, &target.instance) {
            TargetState::Healthy
        } else {
            TargetState::Unhealthy
        };
        if state == TargetState::Unused || expected != Some(verdict) {
            self.plan_verdict(group, target, verdict);
        }
    }

    /// The state of an instance in a target group, the worst of its ports.
    pub(super) fn target_state(&self, group: &str, instance: &str) -> Option<TargetState> {
        let found = self.targets.get(group)?.iter().filter(|(target, _)| target.instance == instance);
        let states: Vec<TargetState> = found.map(|(_, registration)| registration.state).collect();
        states.iter().find(|state| **state == TargetState::Unhealthy).or(states.first()).copied()
    }

    fn runs(&self, instance: &str) -> bool {
        let state = self.machines.get(instance).map(|machine| machine.state);
        matches!(state, Some(InstanceState::Pending | InstanceState::Running))
    }

    fn would_pass(&self, group: &str, instance: &str) -> bool {
        let Some(machine) = self.machines.get(instance) else { return false };
        machine.answers()
            && !self.broken_checks.contains(group)
            && !self.config.faults.is_zone_down(&machine.zone, self.now)
    }

    fn plan_verdict(&mut self, group: &str, target: &Target, verdict: TargetState) {
        let Some(check) = self.body::<TargetGroup>(group).map(|body| body.health_check.clone()) else {
            return;
        };
        let checks =
            if verdict == TargetState::Healthy { check.healthy_threshold } else { check.unhealthy_threshold };
        let after = Duration::from_secs(u64::from(check.interval_seconds) * u64::from(checks));
        let Some(registration) = self.targets.get_mut(group).and_then(|targets| targets.get_mut(target))
        else {
            return;
        };
        registration.generation += 1;
        registration.expected = Some(verdict);
        let generation = registration.generation;
        let event = Event::TargetVerdict { group: group.to_owned(), target: target.clone(), generation };
        self.agenda.plan(self.now + after, event);
    }

    pub(crate) fn verdict(&mut self, group: &str, target: &Target, generation: u64) {
        let current = self.targets.get(group).and_then(|targets| targets.get(target));
        let Some(registration) = current.filter(|registration| registration.generation == generation) else {
            return;
        };
        match registration.expected {
            Some(TargetState::Healthy) => self.put_quietly(group, target, TargetState::Healthy, None),
            Some(TargetState::Unhealthy) => {
                self.put_quietly(group, target, TargetState::Unhealthy, Some("Target.FailedHealthChecks"));
                self.tell_group(&target.instance);
            }
            _ => {}
        }
    }

    /// Sets the state and voids what was planned.
    fn put(&mut self, group: &str, target: &Target, state: TargetState, reason: Option<&str>) -> Option<u64> {
        let registration = self.targets.get_mut(group)?.get_mut(target)?;
        registration.generation += 1;
        registration.expected = None;
        let generation = registration.generation;
        self.put_quietly(group, target, state, reason);
        Some(generation)
    }

    fn put_quietly(&mut self, group: &str, target: &Target, state: TargetState, reason: Option<&str>) {
        let now = self.now;
        let found = self.targets.get_mut(group).and_then(|targets| targets.get_mut(target));
        let Some(registration) = found else { return };
        registration.state = state;
        registration.row.update(now, |row| {
            row.state = state;
            row.reason = reason.map(str::to_owned);
        });
        self.record_targets(group);
    }

    /// Targets that get requests, and those that do not because they fail.
    pub(crate) fn count_targets(&self, group: &str) -> (usize, usize) {
        let states = self.targets.get(group).into_iter().flat_map(BTreeMap::values);
        let states: Vec<TargetState> = states.map(|registration| registration.state).collect();
        let count = |wanted| states.iter().filter(|state| **state == wanted).count();
        (count(TargetState::Healthy), count(TargetState::Unhealthy))
    }
}
