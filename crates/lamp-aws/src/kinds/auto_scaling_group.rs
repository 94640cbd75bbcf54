//! Auto Scaling groups, named by name.
//!
//! Several instance types make a mixed-instances policy; one makes a plain launch template, whose own type is used.
//! So a plain group is shown with no instance types, and what is desired says the same.

use aws_sdk_autoscaling::types::{
    Filter, InstancesDistribution, LaunchTemplate, LaunchTemplateOverrides, LaunchTemplateSpecification,
    MixedInstancesPolicy, Tag,
};
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, Change, Settings};
use lamp_cloud::{Applied, Page, Reference, Resource, Tags, tag};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, done, id, ids, number, page_of};
use crate::errors::failure;
use crate::tags::{self, Whose};

pub(crate) mod policy;
mod row;

const LIST: &str = "DescribeAutoScalingGroups";
const CREATE: &str = "CreateAutoScalingGroup";
const UPDATE: &str = "UpdateAutoScalingGroup";

pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, page: Option<String>) -> Answer<Page<Resource>> {
    let ours = || vec![Filter::builder().name(tags::filter_name()).values(&cloud.install).build()];
    let filters = (whose == Whose::Ours).then(ours);
    let call = cloud.reads.autoscaling.describe_auto_scaling_groups().set_filters(filters).max_records(100);
    let answer = call.set_next_token(page).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.auto_scaling_groups().iter().map(row::resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .autoscaling
        .describe_auto_scaling_groups()
        .auto_scaling_group_names(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.auto_scaling_groups().iter().map(row::resource).collect()
}

/// What instances are launched from, in the two forms that AWS knows.
enum Launch {
    Plain(LaunchTemplateSpecification),
    Mixed(MixedInstancesPolicy),
}

fn launch(operation: &str, settings: &Settings) -> Answer<Launch> {
    let template = LaunchTemplateSpecification::builder()
        .launch_template_id(id(operation, &settings.template)?)
        .version(settings.template_version.to_string())
        .build();
    if settings.instance_types.len() < 2 {
        return Ok(Launch::Plain(template));
    }
    let of_type = |name: &String| LaunchTemplateOverrides::builder().instance_type(name).build();
    let overrides = settings.instance_types.iter().map(of_type).collect();
    let template = LaunchTemplate::builder()
        .launch_template_specification(template)
        .set_overrides(Some(overrides))
        .build();
    let distribution = InstancesDistribution::builder()
        .on_demand_allocation_strategy("prioritized")
        .on_demand_percentage_above_base_capacity(100)
        .build();
    let policy =
        MixedInstancesPolicy::builder().launch_template(template).instances_distribution(distribution);
    Ok(Launch::Mixed(policy.build()))
}

fn zone_identifier(operation: &str, subnets: &[Reference]) -> Answer<String> {
    Ok(ids(operation, subnets)?.join(","))
}

fn group_tags(group: &str, tags: &Tags) -> Vec<Tag> {
    tags.iter()
        .map(|(key, value)| {
            Tag::builder()
                .resource_type("auto-scaling-group")
                .resource_id(group)
                .key(key)
                .value(value)
                .propagate_at_launch(tag::is_inherited(key))
                .build()
        })
        .collect()
}

pub(crate) async fn create(
    cloud: &AwsCloud,
    creation: &Creation<'_>,
    body: &AutoScalingGroup,
) -> Answer<Applied> {
    let settings = body.settings();
    let call = cloud
        .mutations
        .autoscaling
        .create_auto_scaling_group()
        .auto_scaling_group_name(creation.name)
        .vpc_zone_identifier(zone_identifier(CREATE, &settings.subnets)?)
        .set_target_group_arns(Some(ids(CREATE, &body.target_groups)?))
        .min_size(number(settings.min))
        .max_size(number(settings.max))
        .desired_capacity(number(body.desired))
        .health_check_type(&settings.health_check_type)
        .health_check_grace_period(number(settings.grace_seconds))
        .default_instance_warmup(number(settings.grace_seconds))
        .set_tags(Some(group_tags(creation.name, creation.tags)));
    let call = match launch(CREATE, &settings)? {
        Launch::Plain(template) => call.launch_template(template),
        Launch::Mixed(policy) => call.mixed_instances_policy(policy),
    };
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    Ok(Applied { id: Some(creation.name.to_owned()), ..done(&answer) })
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let client = &cloud.mutations.autoscaling;
    let operation = lamp_cloud::Change::AutoScalingGroup(change.clone()).operation();
    Ok(match change {
        Change::Settings(settings) => update(cloud, id, settings).await?,
        Change::SetDesired(desired) => {
            let call = client.set_desired_capacity().auto_scaling_group_name(id);
            let call = call.desired_capacity(number(*desired)).honor_cooldown(false);
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::AttachTargetGroups(groups) => {
            let call = client.attach_load_balancer_target_groups().auto_scaling_group_name(id);
            let call = call.set_target_group_arns(Some(ids(operation, groups)?));
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::DetachTargetGroups(groups) => {
            let call = client.detach_load_balancer_target_groups().auto_scaling_group_name(id);
            let call = call.set_target_group_arns(Some(ids(operation, groups)?));
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::ResumeProcesses(processes) => {
            let call = client.resume_processes().auto_scaling_group_name(id);
            let call = call.set_scaling_processes(Some(processes.clone()));
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::PutPolicy(wanted) => policy::put(cloud, id, wanted).await?,
        Change::DeletePolicy(name) => policy::delete(cloud, id, name).await?,
    })
}

async fn update(cloud: &AwsCloud, id: &str, settings: &Settings) -> Answer<Applied> {
    let call = cloud
        .mutations
        .autoscaling
        .update_auto_scaling_group()
        .auto_scaling_group_name(id)
        .vpc_zone_identifier(zone_identifier(UPDATE, &settings.subnets)?)
        .min_size(number(settings.min))
        .max_size(number(settings.max))
        .health_check_type(&settings.health_check_type)
        .health_check_grace_period(number(settings.grace_seconds))
        .default_instance_warmup(number(settings.grace_seconds));
    let call = match launch(UPDATE, settings)? {
        Launch::Plain(template) => call.launch_template(template),
        Launch::Mixed(policy) => call.mixed_instances_policy(policy),
    };
    let answer = call.send().await.map_err(|error| failure(UPDATE, error))?;
    Ok(done(&answer))
}

/// Terminates a member; the group, whose desired capacity stays, launches another.
pub(crate) async fn replace(cloud: &AwsCloud, group: &str, instance: &str) -> Answer<Applied> {
    let call = cloud
        .mutations
        .autoscaling
        .terminate_instance_in_auto_scaling_group()
        .instance_id(instance)
        .should_decrement_desired_capacity(false);
    let answer = call.send().await.map_err(|error| failure("TerminateInstanceInAutoScalingGroup", error))?;
    tracing::debug!(group, instance, "member terminated, to be replaced");
    Ok(done(&answer))
}

/// With its instances: what must leave gently has left before.
pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.autoscaling.delete_auto_scaling_group().auto_scaling_group_name(id);
    let answer =
        call.force_delete(true).send().await.map_err(|error| failure("DeleteAutoScalingGroup", error))?;
    Ok(done(&answer))
}

pub(crate) async fn write_tags(cloud: &AwsCloud, group: &str, tags: &Tags) -> Answer<Applied> {
    let call = cloud.mutations.autoscaling.create_or_update_tags().set_tags(Some(group_tags(group, tags)));
    let answer = call.send().await.map_err(|error| failure("CreateOrUpdateTags", error))?;
    Ok(done(&answer))
}
