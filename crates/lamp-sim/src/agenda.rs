//! What is due, and when: the region moves from event to event, and quiet time costs nothing.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use lamp_cloud::{Kind, Request, ResourceId, Target};

/// Something that is going to happen.
#[derive(Clone, Debug)]
pub(crate) enum Event {
    /// The next step in the life of a declared resource.
    /// It is void if another resource has the id since: `born` is when this one was made.
    Step {
        kind: Kind,
        id: ResourceId,
        born: Timestamp,
        step: Step,
    },
    /// The memory of a resource that is gone is dropped, as no reading can see it any more.
    Bury {
        kind: Kind,
        id: ResourceId,
    },
    Instance {
        id: ResourceId,
        step: InstanceStep,
    },
    /// An Auto Scaling group looks after itself.
    GroupLook(ResourceId),
    /// A load balancer comes to a verdict on a target; void if the target changed its mind since.
    TargetVerdict {
        group: ResourceId,
        target: Target,
        generation: u64,
    },
    /// A target has finished its requests.
    Drained {
        group: ResourceId,
        target: Target,
        generation: u64,
    },
    /// The network interfaces of a deleted load balancer are gone.
    InterfacesReleased(ResourceId),
    /// A final snapshot is complete.
    SnapshotDone(ResourceId),
    /// A zone went out of service, or came back.
    ZoneChanged(String),
    /// By now a resource that came late has no twin any more.
    TwinDue {
        kind: Kind,
        id: ResourceId,
    },
    /// What was accepted cannot be made after all.
    Fails {
        kind: Kind,
        id: ResourceId,
    },
    /// A request takes effect long after its caller gave up.
    LateEffect(Box<Request>),
    /// A minute is over for the alarms of scaling policies.
    Alarms,
}

/// Steps of declared resources.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Step {
    Ready,
    /// What was being changed has been changed.
    Changed,
    /// The maintenance window of a database opens.
    Window,
    /// The volume is optimised.
    Optimized,
    /// A tenth of its volume is left.
    NearlyFull,
    /// Nothing of its volume is left.
    Full,
    /// A replica has become a database of its own.
    Promoted,
    /// It is gone, but AWS still shows it.
    Dead,
    Gone,
}

/// Steps of instances.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum InstanceStep {
    Running,
    /// The service on it answers.
    Serving,
    Checked,
    /// The service on it answers no more.
    Hung,
    /// Its host is given up, as was said ahead.
    Retired,
    /// Its requests are finished: now it is terminated.
    Terminate,
    Stopped,
    Terminated,
    Forgotten,
}

/// Events in the order of their time, then of their planning.
#[derive(Debug, Default)]
pub(crate) struct Agenda {
    due: BTreeMap<(Timestamp, u64), Event>,
    planned: u64,
    /// Looks of groups that are still to come.
    looks: BTreeSet<(Timestamp, ResourceId)>,
    /// When the next minute is over for alarms, while there are any. Nobody has to wait for it: it changes nothing in quiet
    /// times, and what is due is made up for.
    alarms: Option<Timestamp>,
}

/// Seconds from one look of the alarms to the next.
const ALARM_PERIOD: i64 = 60;

impl Agenda {
    pub(crate) fn plan(&mut self, at: Timestamp, event: Event) {
        self.due.insert((at, self.planned), event);
        self.planned += 1;
    }

    /// A group looks after itself then, once: looks that plan looks would multiply.
    pub(crate) fn plan_look(&mut self, at: Timestamp, group: &str) {
        if self.looks.insert((at, group.to_owned())) {
            self.plan(at, Event::GroupLook(group.to_owned()));
        }
    }

    /// Alarms look at the metrics of each minute from now on.
    pub(crate) fn plan_alarms(&mut self, now: Timestamp) {
        if self.alarms.is_none() {
            self.alarms = minute_after(now);
        }
    }

    /// There are no alarms any more.
    pub(crate) fn end_alarms(&mut self) {
        self.alarms = None;
    }

    /// When something happens next that is not alarms.
    pub(crate) fn next(&self) -> Option<Timestamp> {
        self.due.keys().next().map(|(at, _)| *at)
    }

    /// The next event that is due by `now`, with its time.
    pub(crate) fn take(&mut self, now: Timestamp) -> Option<(Timestamp, Event)> {
        let next = self.next();
        if let Some(at) = self.alarms.filter(|at| *at <= now && next.is_none_or(|next| *at < next)) {
            self.alarms = minute_after(at);
            return Some((at, Event::Alarms));
        }
        let entry = self.due.first_entry().filter(|entry| entry.key().0 <= now)?;
        let ((at, _), event) = entry.remove_entry();
        if let Event::GroupLook(group) = &event {
            self.looks.remove(&(at, group.clone()));
        }
        Some((at, event))
    }
}

/// The next whole minute.
fn minute_after(at: Timestamp) -> Option<Timestamp> {
    let seconds = at.as_second();
    Timestamp::from_second(seconds - seconds.rem_euclid(ALARM_PERIOD) + ALARM_PERIOD).ok()
}
