//! What lives by itself: instances, members of groups, targets, zones, network interfaces.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{ResourceId, Tags};

/// An Availability Zone of the region.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Zone {
    pub name: String,
    /// Whether AWS says that it can be used.
    pub available: bool,
}

/// An EC2 instance.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Instance {
    pub id: ResourceId,
    pub tags: Tags,
    /// The Auto Scaling group that launched it, by its `aws:autoscaling:groupName` tag.
    pub group: Option<ResourceId>,
    pub state: InstanceState,
    pub zone: String,
    pub instance_type: String,
    pub launched_at: Timestamp,
    /// The worse of EC2's two status checks; `None` where it was not read or is still initialising.
    pub status: Option<StatusCheck>,
    /// What AWS is going to do to it, as far as that was read: soonest first.
    #[serde(default)]
    pub events: Vec<ScheduledEvent>,
}

/// EC2's word for an instance.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum InstanceState {
    Pending,
    Running,
    ShuttingDown,
    Terminated,
    Stopping,
    Stopped,
}

/// Result of EC2's status checks.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum StatusCheck {
    Ok,
    /// The instance itself fails: it does not boot, or its network is misconfigured.
    Impaired,
    /// The host that it stands on fails, or its power or network.
    SystemImpaired,
}

impl StatusCheck {
    /// Whether either check fails.
    pub fn is_impaired(self) -> bool {
        self != Self::Ok
    }
}

/// What EC2 says of how an instance does, in a call of its own.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstanceStatus {
    pub instance: ResourceId,
    /// `None` while a check is still initialising, or lacks data.
    pub check: Option<StatusCheck>,
    /// Soonest first; those that are over or were called off are left out.
    pub events: Vec<ScheduledEvent>,
}

/// What AWS is going to do to an instance.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ScheduledEvent {
    /// The earliest time at which it begins.
    pub not_before: Timestamp,
    pub kind: ScheduledKind,
}

/// EC2's code of a scheduled event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub enum ScheduledKind {
    /// `instance-retirement`: its host is given up, and it is stopped or terminated.
    Retirement,
    /// `instance-stop`: it is stopped, to be started on another host.
    Stop,
    /// `instance-reboot` or `system-reboot`: it is away for some minutes.
    Reboot,
    /// `system-maintenance`: its network or power may be away for a while.
    Maintenance,
}

impl ScheduledKind {
    /// Whether the instance does not come back by itself.
    pub fn is_end(self) -> bool {
        matches!(self, Self::Retirement | Self::Stop)
    }
}

/// An instance as its Auto Scaling group sees it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    pub instance: ResourceId,
    pub zone: String,
    pub lifecycle: LifecycleState,
    /// The group's own verdict.
    pub healthy: bool,
    /// Version of the launch template that it was launched from, where AWS says.
    pub template_version: Option<u64>,
    pub instance_type: String,
}

/// Auto Scaling's word for a member.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LifecycleState {
    /// On its way in: `Pending`, `Pending:*`, `Warmed:*`.
    Pending,
    InService,
    /// On its way out: `Terminating*`, `Detaching`, `Detached`.
    Terminating,
    /// `Standby`, `EnteringStandby`: a person took it out.
    Standby,
}

/// One target of a target group: an instance and a port.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Target {
    pub instance: ResourceId,
    pub port: u16,
}

/// A target and its health.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct TargetHealth {
    pub target: Target,
    pub state: TargetState,
    /// AWS's reason code, for example `Target.FailedHealthChecks`.
    pub reason: Option<String>,
}

/// The load balancer's word for a target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum TargetState {
    /// Registered, not checked often enough yet.
    Initial,
    Healthy,
    Unhealthy,
    /// Leaving: finishing its requests.
    Draining,
    /// The group has no listener, or the zone is off.
    Unused,
    /// AWS cannot say.
    Unavailable,
}

/// A network interface in a network, whoever made it. It holds its subnet, its security groups and, with a public
/// address, the network's way to the internet: AWS deletes none of them before it is gone.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct NetworkInterface {
    pub id: ResourceId,
    pub subnet: ResourceId,
    pub security_groups: Vec<ResourceId>,
    /// Who made it says here what for, for example `ELB app/web/50dc6c495c0c9188`.
    pub description: String,
    /// Its `Name` tag.
    pub name: Option<String>,
    /// Whether an AWS service made it, and removes it together with what it serves.
    pub managed: bool,
    /// The service or account that asked for it, for example `amazon-elb`.
    pub requester: Option<String>,
    /// The instance that it is attached to.
    pub instance: Option<ResourceId>,
    pub public_address: Option<String>,
    /// EC2's word: `in-use`, `available`, …
    pub status: String,
}
