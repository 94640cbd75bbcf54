//! What AWS checks a call for besides its own action: tags at creation, what Auto Scaling launches with its caller's
//! permissions, roles of services, what RDS does on the way.

use lamp_cloud::iam::IamAction;
use lamp_cloud::kinds::auto_scaling_group;
use lamp_cloud::kinds::launch_template::{self, TemplateData};
use lamp_cloud::{Body, Change, Kind, Operation, Reference, Service, Tags};

use super::Check;
use crate::refusal::Refusal;
use crate::world::{ACCOUNT, World};

const CREATE_TAGS: IamAction = IamAction::new("ec2", "CreateTags");
const RUN_INSTANCES: IamAction = IamAction::new("ec2", "RunInstances");
const PASS_ROLE: IamAction = IamAction::new("iam", "PassRole");
const SERVICE_ROLE: IamAction = IamAction::new("iam", "CreateServiceLinkedRole");
const IMAGE_PARAMETER: IamAction = IamAction::new("ssm", "GetParameters");
const PASSWORD: IamAction = IamAction::new("secretsmanager", "GetSecretValue");
const SNAPSHOT: IamAction = IamAction::new("rds", "CreateDBSnapshot");
const TAG_SNAPSHOT: IamAction = IamAction::new("rds", "AddTagsToResource");

/// What load balancing looks at with its caller's permissions, as long as it has no role of its own.
const LOOKS: [&str; 6] = [
    "DescribeAccountAttributes",
    "DescribeAddresses",
    "DescribeInternetGateways",
    "DescribeSecurityGroups",
    "DescribeSubnets",
    "DescribeVpcs",
];

impl World {
    pub(super) fn implied_by_creation<'a>(
        &'a self,
        created_by: IamAction,
        name: &str,
        tags: &'a Tags,
        body: &'a Body,
    ) -> Vec<Check<'a>> {
        let tagging = IamAction::new(body.kind().service().name(), body.kind().tag_operation());
        let tagged = Check::new(tagging, self.new_arn(body, name))
            .requesting(tags)
            .knowing("ec2:CreateAction", created_by.name);
        let role = self.service_role(body.kind());
        let rest = match body {
            Body::LaunchTemplate(body) => body.data.iter().filter_map(|data| self.image(data)).collect(),
            Body::AutoScalingGroup(body) => {
                self.launches(&body.template, body.template_version, &body.subnets)
            }
            Body::DbInstance(body) => {
                let secret = body.secret.as_ref();
                secret.and_then(|secret| self.given(PASSWORD, Kind::Secret, secret)).into_iter().collect()
            }
            _ => Vec::new(),
        };
        [tagged].into_iter().chain(role).chain(rest).collect()
    }

    pub(super) fn implied_by_change<'a>(&'a self, change: &'a Change) -> Vec<Check<'a>> {
        match change {
            Change::AutoScalingGroup(auto_scaling_group::Change::Settings(settings)) => {
                self.launches(&settings.template, settings.template_version, &settings.subnets)
            }
            Change::LaunchTemplate(launch_template::Change::NewVersion(data)) => {
                self.image(data).into_iter().collect()
            }
            _ => Vec::new(),
        }
    }

    /// RDS takes the final snapshot, and tags it, with its caller's permissions.
    pub(super) fn implied_by_snapshot<'a>(
        &'a self,
        database: &str,
        name: &str,
        tags: &'a Tags,
    ) -> Vec<Check<'a>> {
        let snapshot = self.arn("rds", &format!("snapshot:{name}"));
        let taken = [Check::new(SNAPSHOT, &snapshot), Check::new(TAG_SNAPSHOT, &snapshot).requesting(tags)];
        taken.into_iter().chain(self.existing(SNAPSHOT, Kind::DbInstance, database)).collect()
    }

    /// Auto Scaling launches what the template says with its caller's permissions, and checks them at once.
    fn launches<'a>(&'a self, template: &Reference, version: u64, subnets: &[Reference]) -> Vec<Check<'a>> {
        let id = template.as_id().unwrap_or_default();
        let Some(data) = self.template(id, version) else { return Vec::new() };
        let used_template = self.given(RUN_INSTANCES, Kind::LaunchTemplate, template);
        let subnets = subnets.iter().filter_map(|one| self.given(RUN_INSTANCES, Kind::Subnet, one));
        let groups =
            data.security_groups.iter().filter_map(|one| self.given(RUN_INSTANCES, Kind::SecurityGroup, one));
        self.launched(id, data)
            .into_iter()
            .chain(used_template)
            .chain(subnets)
            .chain(groups)
            .chain(self.image(data))
            .chain(self.passed_role(data))
            .collect()
    }

    /// What is new with each launch.
    fn launched<'a>(&'a self, template: &str, data: &'a TemplateData) -> Vec<Check<'a>> {
        let template = self.resource_arn(Kind::LaunchTemplate, template);
        let image = format!("arn:aws:ec2:{}::image/*", self.config.region);
        let [instance, interface, volume] =
            ["instance", "network-interface", "volume"].map(|what| self.ec2_arn(what, "*"));
        let tagged = [&instance, &volume].map(|arn| {
            Check::new(CREATE_TAGS, arn)
                .requesting(&data.instance_tags)
                .knowing("ec2:CreateAction", RUN_INSTANCES.name)
        });
        let run = [image, instance, interface, volume]
            .map(|arn| Check::new(RUN_INSTANCES, arn).knowing("ec2:LaunchTemplate", &template));
        run.into_iter().chain(tagged).collect()
    }

    /// The parameter that names the image; AWS's own ones belong to no account.
    fn image<'a>(&self, data: &TemplateData) -> Option<Check<'a>> {
        let name = data.image.strip_prefix("resolve:ssm:")?;
        let account = if name.starts_with("/aws/service/") { "" } else { ACCOUNT };
        let arn = format!("arn:aws:ssm:{}:{account}:parameter{name}", self.config.region);
        Some(Check::new(IMAGE_PARAMETER, arn))
    }

    /// The role of the instance profile. Roles are not simulated: it is taken to be named as our documentation asks.
    fn passed_role<'a>(&self, data: &TemplateData) -> Option<Check<'a>> {
        let profile = data.instance_profile.as_ref()?;
        let name = profile.rsplit('/').next().unwrap_or(profile).trim_start_matches("lamplighter-tier-");
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/lamplighter-tier-{name}");
        Some(Check::new(PASS_ROLE, arn).knowing("iam:PassedToService", "ec2.amazonaws.com"))
    }

    /// The first resource of some kinds in an account makes the role that their service works with.
    fn service_role<'a>(&self, kind: Kind) -> Vec<Check<'a>> {
        let Some(role) = role_of(kind).filter(|_| !self.service_roles.contains(&kind.service())) else {
            return Vec::new();
        };
        let service = format!("{}.amazonaws.com", kind.service().name());
        let arn = format!("arn:aws:iam::{ACCOUNT}:role/aws-service-role/{service}/{role}");
        let made = Check::new(SERVICE_ROLE, arn).knowing("iam:AWSServiceName", service);
        let balances = kind.service() == Service::LoadBalancing;
        let looks =
            LOOKS.iter().filter(|_| balances).map(|name| Check::new(IamAction::new("ec2", name), "*"));
        looks.chain([made]).collect()
    }

    /// Something was made: its service has its role from now on.
    pub(crate) fn note_service_role(&mut self, kind: Kind) {
        if role_of(kind).is_some() {
            self.service_roles.insert(kind.service());
        }
    }
}

/// The role of its service, if a kind's creation makes it.
fn role_of(kind: Kind) -> Option<&'static str> {
    match kind {
        Kind::AutoScalingGroup => Some("AWSServiceRoleForAutoScaling"),
        Kind::LoadBalancer | Kind::TargetGroup => Some("AWSServiceRoleForElasticLoadBalancing"),
        Kind::DbInstance | Kind::DbSubnetGroup => Some("AWSServiceRoleForRDS"),
        _ => None,
    }
}

/// Refusals in which AWS does not name the action that is missing.
pub(super) fn words(called: Operation, check: &Check<'_>) -> Option<Refusal> {
    let launches = [RUN_INSTANCES, CREATE_TAGS, PASS_ROLE, IMAGE_PARAMETER].contains(&check.action);
    match called.service {
        Service::AutoScaling if launches => {
            Some(Refusal::new("AccessDenied", "You are not authorized to use launch template"))
        }
        Service::Rds if check.action == SERVICE_ROLE => Some(Refusal::new(
            "InvalidParameterValue",
            "Unable to create the resource. Verify that you have permission to create service linked role.",
        )),
        _ => None,
    }
}
