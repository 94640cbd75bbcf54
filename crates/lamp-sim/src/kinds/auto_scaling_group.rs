//! An Auto Scaling group as its calls see it; what it does by itself is in `live::groups`.

use lamp_cloud::kinds::auto_scaling_group::{
    AutoScalingGroup, Change, ScalingPolicy, Settings, TrackedMetric,
};
use lamp_cloud::kinds::{
    Declared, launch_template::LaunchTemplate, subnet::Subnet, target_group::TargetGroup,
};
use lamp_cloud::{DeleteOptions, Kind, Reference, ResourceId, State};

use super::{Behaviour, Creation, of_body};
use crate::live::groups::Group;
use crate::live::tracking::serves;
use crate::refusal::Refusal;
use crate::world::World;

impl Behaviour for AutoScalingGroup {
    // Auto Scaling has one code for everything; the message tells that the group does not exist.
    const MISSING: &'static str = "ValidationError";
    const PAGE: usize = 100;
    const NAMED: bool = true;

    of_body!(AutoScalingGroup);

    fn id(&self, _: &World, creation: &Creation<'_>) -> ResourceId {
        creation.name.to_owned()
    }

    fn admit(&self, world: &World, creation: &Creation<'_>) -> Result<(), Refusal> {
        if world.resource(Kind::AutoScalingGroup, creation.name).is_some() {
            let message = format!("AutoScalingGroup by this name already exists - {}", creation.name);
            return Err(Refusal::new("AlreadyExists", message));
        }
        admit_settings(world, &self.settings())?;
        admit_desired(self.desired, self.min, self.max)?;
        admit_target_groups(world, &self.target_groups)
    }

    fn made(self, _: &World, _: &ResourceId) -> (Self, State) {
        let (members, suspended) = (Vec::new(), Vec::new());
        let (policies, foreign_policies) = (Some(Vec::new()), Vec::new());
        (Self { members, suspended, policies, foreign_policies, ..self }, State::Ready)
    }

    fn begun(world: &mut World, id: &str) {
        world.groups.insert(id.to_owned(), Group::default());
        world.wake_group(id);
    }

    fn admit_change(&self, world: &World, _: &str, change: &Change) -> Result<(), Refusal> {
        match change {
            Change::Settings(settings) => admit_settings(world, settings),
            Change::SetDesired(desired) => admit_desired(*desired, self.min, self.max),
            Change::AttachTargetGroups(groups) => admit_target_groups(world, groups),
            Change::PutPolicy(policy) => admit_policy(self, policy),
            Change::DeletePolicy(name) => admit_removal(self, name),
            Change::DetachTargetGroups(_) | Change::ResumeProcesses(_) => Ok(()),
        }
    }

    fn change(world: &mut World, id: &str, change: &Change) {
        world.update(id, |group: &mut Self| group.apply(change));
        match change {
            Change::AttachTargetGroups(groups) => world.attach_members(id, groups),
            Change::DetachTargetGroups(groups) => world.detach_members(id, groups),
            // Alarms do not look at the group when they are made.
            Change::PutPolicy(ScalingPolicy { name, .. }) | Change::DeletePolicy(name) => {
                return world.watch_group(id, name);
            }
            _ => {}
        }
        world.wake_group(id);
    }

    // Policies are shown by a call of their own.
    fn listed(&self, _: &World) -> Self {
        Self { policies: None, ..self.clone() }
    }

    // Deleted by force, its instances with it.
    fn delete(world: &mut World, id: &str, _: &DeleteOptions) {
        world.set_state(Kind::AutoScalingGroup, id, State::Deleting);
        world.dissolve(id);
    }
}

fn invalid(message: impl Into<String>) -> Refusal {
    Refusal::new("ValidationError", message)
}

fn admit_settings(world: &World, settings: &Settings) -> Result<(), Refusal> {
    let template = world.require::<LaunchTemplate>(&settings.template)?;
    if settings.template_version == 0 || settings.template_version > template.latest_version {
        return Err(invalid(format!("The launch template has no version {}", settings.template_version)));
    }
    if settings.min > settings.max {
        return Err(invalid("Max bound must be greater than or equal to min bound"));
    }
    if settings.subnets.is_empty() {
        return Err(invalid("At least one Availability Zone or VPC Subnet is required"));
    }
    settings.subnets.iter().try_for_each(|subnet| world.require::<Subnet>(subnet).map(drop))
}

fn admit_desired(desired: u32, min: u32, max: u32) -> Result<(), Refusal> {
    if (min..=max).contains(&desired) {
        return Ok(());
    }
    Err(invalid(format!("New SetDesiredCapacity value {desired} is not between min {min} and max {max}")))
}

fn admit_target_groups(world: &World, groups: &[Reference]) -> Result<(), Refusal> {
    groups.iter().try_for_each(|group| world.require::<TargetGroup>(group).map(drop))
}

/// Policies that one group can have.
const MOST_POLICIES: usize = 50;

fn admit_policy(group: &AutoScalingGroup, policy: &ScalingPolicy) -> Result<(), Refusal> {
    let others = group.policies.iter().flatten().filter(|other| other.name != policy.name).count();
    if others >= MOST_POLICIES {
        let message = format!("The group has {MOST_POLICIES} scaling policies, and can have no more");
        return Err(Refusal::new("LimitExceeded", message));
    }
    if !policy.target.is_finite() || policy.target <= 0.0 {
        return Err(invalid(format!("TargetValue {} must be greater than 0", policy.target)));
    }
    match &policy.metric {
        TrackedMetric::RequestCountPerTarget { label } if !is_attached(group, label) => {
            Err(invalid(format!("The target group of {label} is not attached to the Auto Scaling group")))
        }
        TrackedMetric::Customized { dimensions, .. } if dimensions.len() > 30 => {
            Err(invalid("A metric has at most 30 dimensions"))
        }
        _ => Ok(()),
    }
}

fn is_attached(group: &AutoScalingGroup, label: &str) -> bool {
    group.target_groups.iter().filter_map(Reference::as_id).any(|attached| serves(label, attached))
}

fn admit_removal(group: &AutoScalingGroup, name: &str) -> Result<(), Refusal> {
    if group.policies.iter().flatten().any(|policy| policy.name == name) {
        return Ok(());
    }
    Err(invalid(format!("Policy '{name}' not found")))
}
