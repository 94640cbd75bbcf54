//! Actions that AWS checks besides the one of the call's own name.

use super::IamAction;
use crate::kinds::Declared;
use crate::kinds::auto_scaling_group::AutoScalingGroup;
use crate::kinds::db_instance::DbInstance;
use crate::kinds::db_subnet_group::DbSubnetGroup;
use crate::kinds::launch_template::LaunchTemplate;
use crate::kinds::load_balancer::LoadBalancer;
use crate::kinds::target_group::TargetGroup;
use crate::{Kind, Operation};

/// When AWS checks it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    Always,
    /// The account has no service-linked role of the service yet: the first resource makes it.
    FirstOfService,
    /// The launch template names an instance profile.
    InstanceProfile,
    /// The launch template names its image by an SSM parameter.
    ImageParameter,
    /// The database leaves a final snapshot.
    FinalSnapshot,
}

/// An action that a call needs besides its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Implied {
    pub action: IamAction,
    pub when: When,
    /// Words of AWS's refusal that point to it, where AWS does not name the action.
    pub hints: &'static [&'static str],
}

const fn when(when: When, service: &'static str, name: &'static str) -> Implied {
    Implied { action: IamAction::new(service, name), when, hints: &[] }
}

const fn hinted(
    when: When,
    service: &'static str,
    name: &'static str,
    hints: &'static [&'static str],
) -> Implied {
    Implied { action: IamAction::new(service, name), when, hints }
}

/// What Auto Scaling says when its caller may not launch instances as the template says.
const LAUNCH: &[&str] = &["not authorized to use launch template"];

/// Auto Scaling launches with its caller's permissions: they are checked whenever a group is given a template. The
/// template tags instances and volumes, and may name a profile, whose role is then passed, and a parameter.
const LAUNCHES: &[Implied] = &[
    hinted(When::Always, "ec2", "RunInstances", LAUNCH),
    hinted(When::Always, "ec2", "CreateTags", LAUNCH),
    hinted(When::InstanceProfile, "iam", "PassRole", LAUNCH),
    hinted(When::ImageParameter, "ssm", "GetParameters", LAUNCH),
];

/// EC2 looks the parameter up when a template names one.
const IMAGE: &[Implied] = &[when(When::ImageParameter, "ssm", "GetParameters")];

/// The first resource of a service in an account makes the role that the service works with.
const SERVICE_ROLE: &[Implied] = &[hinted(
    When::FirstOfService,
    "iam",
    "CreateServiceLinkedRole",
    // RDS, of a database and of a subnet group.
    &["permission to create service linked role", "Missing necessary credentials"],
)];

/// Until load balancing has its role, it looks at EC2 with its caller's permissions.
const LOOKS_AT_EC2: &[Implied] = &[
    when(When::FirstOfService, "ec2", "DescribeAccountAttributes"),
    when(When::FirstOfService, "ec2", "DescribeAddresses"),
    when(When::FirstOfService, "ec2", "DescribeInternetGateways"),
    when(When::FirstOfService, "ec2", "DescribeSecurityGroups"),
    when(When::FirstOfService, "ec2", "DescribeSubnets"),
    when(When::FirstOfService, "ec2", "DescribeVpcs"),
];

/// The adapter reads the master password just before it makes the database.
const PASSWORD: &[Implied] = &[when(When::Always, "secretsmanager", "GetSecretValue")];

/// RDS takes the final snapshot with its caller's permissions, and copies the tags to it.
const SNAPSHOT: &[Implied] = &[
    when(When::FinalSnapshot, "rds", "CreateDBSnapshot"),
    when(When::FinalSnapshot, "rds", "AddTagsToResource"),
];

/// The table: kind, operation, what it implies. Tags at creation are in no row, as every creation carries them.
const ROWS: &[(Kind, &str, &[&[Implied]])] = &[
    (Kind::LaunchTemplate, LaunchTemplate::CREATE, &[IMAGE]),
    (Kind::LaunchTemplate, "CreateLaunchTemplateVersion", &[IMAGE]),
    (Kind::AutoScalingGroup, AutoScalingGroup::CREATE, &[LAUNCHES, SERVICE_ROLE]),
    (Kind::AutoScalingGroup, "UpdateAutoScalingGroup", &[LAUNCHES]),
    (Kind::LoadBalancer, LoadBalancer::CREATE, &[LOOKS_AT_EC2, SERVICE_ROLE]),
    (Kind::TargetGroup, TargetGroup::CREATE, &[LOOKS_AT_EC2, SERVICE_ROLE]),
    (Kind::DbSubnetGroup, DbSubnetGroup::CREATE, &[SERVICE_ROLE]),
    (Kind::DbInstance, DbInstance::CREATE, &[PASSWORD, SERVICE_ROLE]),
    (Kind::DbInstance, DbInstance::DELETE, &[SNAPSHOT]),
];

fn operation((kind, name, _): &(Kind, &'static str, &[&[Implied]])) -> Operation {
    Operation::new(kind.service(), name)
}

/// The operations that have a row.
#[cfg(test)]
pub(super) fn operations() -> impl Iterator<Item = Operation> {
    ROWS.iter().map(operation)
}

/// What `called` needs besides the action of its own name.
pub fn implied(called: Operation) -> Vec<Implied> {
    let rows = ROWS.iter().filter(|row| operation(row) == called);
    let listed = rows.flat_map(|(_, _, groups)| groups.iter().copied().flatten()).copied();
    tagging(called).into_iter().chain(listed).collect()
}

/// Everything that is created carries our tags from the start.
fn tagging(called: Operation) -> Option<Implied> {
    let mut creators = Kind::ALL
        .iter()
        .filter(|kind| kind.service() == called.service && kind.create_operations().contains(&called.name));
    creators.next().map(|kind| when(When::Always, called.service.name(), kind.tag_operation()))
}
