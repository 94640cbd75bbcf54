//! An Auto Scaling group.

mod policy;

use serde::{Deserialize, Serialize};

use super::{Declared, Kind, Repeat};
use crate::field::fields;
use crate::operation::changes;
use crate::{Difference, Member, Reference, Service};

pub use policy::{POLICY_PREFIX, ScalingPolicy, TrackedMetric};

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct AutoScalingGroup {
    pub template: Reference,
    /// The version of the template that new instances are launched from: always a number.
    pub template_version: u64,
    pub subnets: Vec<Reference>,
    pub target_groups: Vec<Reference>,
    pub min: u32,
    pub max: u32,
    pub desired: u32,
    /// Instance types in order of preference; the first is the template's own.
    pub instance_types: Vec<String>,
    /// How long the group leaves a new instance alone, in seconds.
    pub grace_seconds: u32,
    /// Whose verdict makes the group itself replace a member: [`EC2`], or the load balancers' as well, `ELB`.
    #[serde(default = "ec2")]
    pub health_check_type: String,
    /// Instances of the group, as observed.
    #[serde(default)]
    pub members: Vec<Member>,
    /// Processes that somebody suspended, as observed.
    #[serde(default)]
    pub suspended: Vec<String>,
    /// Our scaling policies, by name. AWS shows them in a call of its own: `None` means "not read yet".
    #[serde(default)]
    pub policies: Option<Vec<ScalingPolicy>>,
    /// Scaling policies that others put on the group, as observed.
    #[serde(default)]
    pub foreign_policies: Vec<ScalingPolicy>,
}

/// Settings that one `UpdateAutoScalingGroup` sets together.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    pub template: Reference,
    pub template_version: u64,
    pub subnets: Vec<Reference>,
    pub min: u32,
    pub max: u32,
    pub instance_types: Vec<String>,
    pub grace_seconds: u32,
    #[serde(default = "ec2")]
    pub health_check_type: String,
}

/// The health check type of a group that replaces only what EC2 says does not run.
pub const EC2: &str = "EC2";

fn ec2() -> String {
    EC2.to_owned()
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Change {
    Settings(Settings),
    SetDesired(u32),
    AttachTargetGroups(Vec<Reference>),
    DetachTargetGroups(Vec<Reference>),
    ResumeProcesses(Vec<String>),
    /// Makes a policy, or changes the one of the same name.
    PutPolicy(ScalingPolicy),
    /// Removes the policy of this name.
    DeletePolicy(String),
}

fields!(AutoScalingGroup {
    template: InPlace Spec,
    template_version: InPlace Spec,
    subnets: InPlace Spec,
    target_groups: InPlace Spec,
    min: InPlace Spec,
    max: InPlace Spec,
    desired: InPlace Scaler,
    instance_types: InPlace Spec,
    grace_seconds: InPlace Spec,
    health_check_type: InPlace Spec,
    suspended: InPlace Spec,
    policies: InPlace Spec detail,
});

impl AutoScalingGroup {
    /// The settings that are changed together.
    pub fn settings(&self) -> Settings {
        let sorted = self.sorted();
        Settings {
            template: sorted.template,
            template_version: sorted.template_version,
            subnets: sorted.subnets,
            min: sorted.min,
            max: sorted.max,
            instance_types: sorted.instance_types,
            grace_seconds: sorted.grace_seconds,
            health_check_type: sorted.health_check_type,
        }
    }

    /// Our policies that may remove instances: while one stands, AWS owns the capacity.
    pub fn shrinking_policies(&self) -> impl Iterator<Item = &ScalingPolicy> {
        self.policies.iter().flatten().filter(|policy| policy.scales_in)
    }

    /// Takes the policies that were read, ours and those of others.
    pub fn set_policies(&mut self, mut policies: Vec<ScalingPolicy>) {
        policies.sort_by(|one, other| one.name.cmp(&other.name));
        policies.dedup_by(|one, other| one.name == other.name);
        let (ours, others) = policies.into_iter().partition(ScalingPolicy::is_ours);
        (self.policies, self.foreign_policies) = (Some(ours), others);
    }

    fn sorted(&self) -> Self {
        let mut sorted = self.clone();
        sorted.subnets.sort();
        sorted.target_groups.sort();
        sorted
    }
}

fn lacking(wanted: &[Reference], present: &[Reference]) -> Vec<Reference> {
    wanted.iter().filter(|group| group.as_id().is_some() && !present.contains(group)).cloned().collect()
}

impl Declared for AutoScalingGroup {
    type Change = Change;
    const KIND: Kind = Kind::AutoScalingGroup;
    const SERVICE: Service = Service::AutoScaling;
    const REPEAT: Repeat = Repeat::Safe;
    const CREATE: &'static str = "CreateAutoScalingGroup";
    const DELETE: &'static str = "DeleteAutoScalingGroup";
    const FIELDS: &'static [&'static str] = FIELDS;

    fn needs(&self) -> Vec<&Reference> {
        std::iter::once(&self.template).chain(&self.subnets).chain(&self.target_groups).collect()
    }

    fn references_mut(&mut self) -> Vec<&mut Reference> {
        std::iter::once(&mut self.template).chain(&mut self.subnets).chain(&mut self.target_groups).collect()
    }

    fn differences(&self, observed: &Self) -> Vec<Difference> {
        differences(&self.sorted(), &observed.sorted())
    }

    fn leave(&mut self, observed: &Self, field: &str) {
        // The version is a number of the template.
        if field == "template" && self.template != observed.template {
            self.template_version = observed.template_version;
        }
        leave(self, observed, field);
    }

    fn changes(&self, observed: &Self) -> Vec<Change> {
        let resolved = self.needs().iter().all(|reference| reference.as_id().is_some());
        let settings = (resolved && self.settings() != observed.settings())
            .then(|| Change::Settings(self.settings()))
            .into_iter();
        let attach = lacking(&self.target_groups, &observed.target_groups);
        let detach =
            if resolved { lacking(&observed.target_groups, &self.target_groups) } else { Vec::new() };
        let resume = observed.suspended.iter().filter(|process| !self.suspended.contains(process));
        let resume: Vec<String> = resume.cloned().collect();
        let others = [
            (!attach.is_empty()).then_some(Change::AttachTargetGroups(attach)),
            (!detach.is_empty()).then_some(Change::DetachTargetGroups(detach)),
            (!resume.is_empty()).then_some(Change::ResumeProcesses(resume)),
        ];
        let desired = (self.desired != observed.desired).then_some(Change::SetDesired(self.desired));
        let policies = policy::policy_changes(self.policies.as_ref(), observed.policies.as_ref());
        let settings = settings.chain(others.into_iter().flatten());
        settings.chain(policies.first).chain(desired).chain(policies.last).collect()
    }

    fn apply(&mut self, change: &Change) {
        match change {
            Change::Settings(settings) => self.apply_settings(settings),
            Change::SetDesired(desired) => self.desired = *desired,
            Change::AttachTargetGroups(groups) => {
                let new = lacking(groups, &self.target_groups);
                self.target_groups.extend(new);
            }
            Change::DetachTargetGroups(groups) => self.target_groups.retain(|group| !groups.contains(group)),
            Change::ResumeProcesses(processes) => {
                self.suspended.retain(|process| !processes.contains(process));
            }
            Change::PutPolicy(policy) => policy::put(&mut self.policies, policy),
            Change::DeletePolicy(name) => {
                self.policies.iter_mut().for_each(|policies| policies.retain(|policy| policy.name != *name));
            }
        }
    }

    changes! {
        Change::Settings(_) => "UpdateAutoScalingGroup",
        Change::SetDesired(_) => "SetDesiredCapacity",
        Change::AttachTargetGroups(_) => "AttachLoadBalancerTargetGroups",
        Change::DetachTargetGroups(_) => "DetachLoadBalancerTargetGroups",
        Change::ResumeProcesses(_) => "ResumeProcesses",
        Change::PutPolicy(_) => "PutScalingPolicy",
        Change::DeletePolicy(_) => "DeletePolicy",
    }
}

impl AutoScalingGroup {
    // AWS moves the desired capacity into new bounds by itself.
    fn apply_settings(&mut self, settings: &Settings) {
        self.template = settings.template.clone();
        self.template_version = settings.template_version;
        self.subnets.clone_from(&settings.subnets);
        self.min = settings.min;
        self.max = settings.max;
        self.instance_types.clone_from(&settings.instance_types);
        self.grace_seconds = settings.grace_seconds;
        self.health_check_type.clone_from(&settings.health_check_type);
        self.desired = self.desired.clamp(settings.min, settings.max.max(settings.min));
    }
}
