//! An Auto Scaling group as AWS shows it, in our words.

use aws_sdk_autoscaling::types::{
    Instance, LaunchTemplateSpecification, LifecycleState as Word, TagDescription,
};
use lamp_cloud::kinds::auto_scaling_group::{AutoScalingGroup, EC2};
use lamp_cloud::{LifecycleState, Member, Reference, Resource, State, Tags};

use super::LIST;
use crate::answer::{Answer, count, references, required, timestamp};

pub(super) fn resource(row: &aws_sdk_autoscaling::types::AutoScalingGroup) -> Answer<Resource> {
    let name = required(LIST, "AutoScalingGroupName", row.auto_scaling_group_name.clone())?;
    Ok(Resource {
        id: name.clone(),
        name,
        tags: row.tags().iter().filter_map(tag).collect::<Tags>(),
        state: state(row.status()),
        body: body(row)?.into(),
        created_at: timestamp(row.created_time()),
    })
}

fn tag(tag: &TagDescription) -> Option<(String, String)> {
    Some((tag.key.clone()?, tag.value.clone().unwrap_or_default()))
}

/// AWS gives a status to groups that are being deleted, and to no others.
fn state(status: Option<&str>) -> State {
    match status {
        None | Some("") => State::Ready,
        Some(_) => State::Deleting,
    }
}

fn body(row: &aws_sdk_autoscaling::types::AutoScalingGroup) -> Answer<AutoScalingGroup> {
    let mixed = row.mixed_instances_policy().and_then(|policy| policy.launch_template());
    let template = row.launch_template().or(mixed.and_then(|mixed| mixed.launch_template_specification()));
    let overrides = mixed.map(|mixed| mixed.overrides()).unwrap_or_default();
    let mut suspended: Vec<_> =
        row.suspended_processes().iter().filter_map(|process| process.process_name.clone()).collect();
    suspended.sort();
    let subnets = row.vpc_zone_identifier().unwrap_or_default();
    Ok(AutoScalingGroup {
        // A group with a launch configuration has no template; nothing equals it.
        template: Reference::id(template.and_then(|it| it.launch_template_id()).unwrap_or_default()),
        template_version: template.and_then(version).unwrap_or_default(),
        subnets: references(subnets.split(',').map(str::trim).filter(|subnet| !subnet.is_empty())),
        target_groups: references(row.target_group_arns()),
        min: count(row.min_size),
        max: count(row.max_size),
        desired: count(row.desired_capacity),
        instance_types: overrides.iter().filter_map(|it| it.instance_type.clone()).collect(),
        grace_seconds: count(row.health_check_grace_period),
        // Without one a group goes by EC2.
        health_check_type: row.health_check_type().filter(|name| !name.is_empty()).unwrap_or(EC2).to_owned(),
        members: row.instances().iter().map(member).collect::<Answer<_>>()?,
        suspended,
        policies: None,
        foreign_policies: Vec::new(),
    })
}

/// A version that is a number; `$Latest` and `$Default` are none.
fn version(template: &LaunchTemplateSpecification) -> Option<u64> {
    template.version()?.parse().ok()
}

fn member(row: &Instance) -> Answer<Member> {
    Ok(Member {
        instance: required(LIST, "InstanceId", row.instance_id.clone())?,
        zone: row.availability_zone.clone().unwrap_or_default(),
        lifecycle: lifecycle(required(LIST, "LifecycleState", row.lifecycle_state())?),
        healthy: row.health_status().is_none_or(|status| status.eq_ignore_ascii_case("healthy")),
        template_version: row.launch_template().and_then(version),
        instance_type: row.instance_type.clone().unwrap_or_default(),
    })
}

/// What is neither in service, nor leaving, nor set aside is on its way in.
fn lifecycle(word: &Word) -> LifecycleState {
    let word = word.as_str();
    let begins = |beginnings: &[&str]| beginnings.iter().any(|beginning| word.starts_with(beginning));
    if word == "InService" {
        LifecycleState::InService
    } else if begins(&["Terminat", "Detach", "Warmed:Terminat", "Quarantined"]) {
        LifecycleState::Terminating
    } else if begins(&["Standby", "EnteringStandby"]) {
        LifecycleState::Standby
    } else {
        LifecycleState::Pending
    }
}

#[cfg(test)]
mod tests {
    use aws_sdk_autoscaling::types::{
        LaunchTemplate, LaunchTemplateOverrides, MixedInstancesPolicy, SuspendedProcess,
    };

    use super::*;

    fn group() -> aws_sdk_autoscaling::types::builders::AutoScalingGroupBuilder {
        aws_sdk_autoscaling::types::AutoScalingGroup::builder().auto_scaling_group_name("ll-web")
    }

    fn template(version: &str) -> LaunchTemplateSpecification {
        LaunchTemplateSpecification::builder().launch_template_id("lt-1").version(version).build()
    }

    #[test]
    fn a_mixed_group_shows_its_types_and_template() {
        let of_type = |name: &str| LaunchTemplateOverrides::builder().instance_type(name).build();
        let mixed = LaunchTemplate::builder()
            .launch_template_specification(template("7"))
            .overrides(of_type("t3.small"))
            .overrides(of_type("t3a.small"));
        let row = group()
            .mixed_instances_policy(MixedInstancesPolicy::builder().launch_template(mixed.build()).build())
            .vpc_zone_identifier("subnet-b, subnet-a")
            .suspended_processes(SuspendedProcess::builder().process_name("Terminate").build())
            .suspended_processes(SuspendedProcess::builder().process_name("Launch").build());
        let body = body(&row.build()).expect("a body");
        assert_eq!((body.template, body.template_version), (Reference::id("lt-1"), 7));
        assert_eq!(body.instance_types, ["t3.small", "t3a.small"]);
        assert_eq!(body.subnets, references(["subnet-a", "subnet-b"]));
        assert_eq!(body.suspended, ["Launch", "Terminate"]);
    }

    #[test]
    fn a_plain_group_shows_no_types_and_a_moving_version_is_none() {
        let body = body(&group().launch_template(template("$Latest")).build()).expect("a body");
        assert!(body.instance_types.is_empty());
        assert_eq!(body.template_version, 0);
    }

    #[test]
    fn a_group_with_a_status_is_being_deleted() {
        assert_eq!(state(None), State::Ready);
        assert_eq!(state(Some("Delete in progress")), State::Deleting);
    }

    #[test]
    fn life_cycle_words() {
        let rows = [
            ("Pending", LifecycleState::Pending),
            ("Pending:Wait", LifecycleState::Pending),
            ("Warmed:Running", LifecycleState::Pending),
            ("Warmed:Terminating:Wait", LifecycleState::Terminating),
            ("InService", LifecycleState::InService),
            ("Terminating", LifecycleState::Terminating),
            ("Terminating:Proceed", LifecycleState::Terminating),
            ("Terminated", LifecycleState::Terminating),
            ("Detaching", LifecycleState::Terminating),
            ("EnteringStandby", LifecycleState::Standby),
            ("Standby", LifecycleState::Standby),
        ];
        for (word, expected) in rows {
            assert_eq!(lifecycle(&Word::from(word)), expected, "{word}");
        }
    }
}
