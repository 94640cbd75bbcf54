//! EC2 instances: those that carry our tags, those in our networks, and EC2's status checks.

use aws_sdk_ec2::types::{Filter, InstanceStateName, InstanceStatus, InstanceStatusSummary, SummaryStatus};
use lamp_cloud::{Instance, InstanceState, Page, ResourceId, StatusCheck};

use crate::answer::{Answer, page, required, timestamp, unintelligible};
use crate::errors::failure;
use crate::{AwsCloud, tags};

const LIST: &str = "DescribeInstances";
const STATUS: &str = "DescribeInstanceStatus";

/// The tag that Auto Scaling puts on what it launches.
const GROUP: &str = "aws:autoscaling:groupName";

/// Terminated instances are shown for about an hour.
pub(crate) async fn list(cloud: &AwsCloud, from: Option<String>) -> Answer<Page<Instance>> {
    ours(cloud, None, from).await
}

/// The same of one zone.
pub(crate) async fn in_zone(cloud: &AwsCloud, zone: &str, from: Option<String>) -> Answer<Page<Instance>> {
    let filter = Filter::builder().name("availability-zone").values(zone).build();
    ours(cloud, Some(filter), from).await
}

async fn ours(cloud: &AwsCloud, narrower: Option<Filter>, from: Option<String>) -> Answer<Page<Instance>> {
    let filters = [Some(tags::ec2_filter(cloud)), narrower].into_iter().flatten().collect();
    let call = cloud.reads.ec2.describe_instances().set_filters(Some(filters)).max_results(1000);
    let answer = call.set_next_token(from).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.reservations().iter().flat_map(|reservation| reservation.instances());
    let mut instances = rows.map(instance).collect::<Answer<Vec<_>>>()?;
    instances.retain(|instance| tags::are_ours(cloud, &instance.tags));
    Ok(page(instances, answer.next_token))
}

/// Whatever runs in these networks, with its network. It fits one page; more than that is an error, never half of it.
pub(crate) async fn in_networks(
    cloud: &AwsCloud,
    vpcs: &[ResourceId],
) -> Answer<Vec<(ResourceId, Instance)>> {
    let filter = Filter::builder().name("vpc-id").set_values(Some(vpcs.to_vec())).build();
    let call = cloud.reads.ec2.describe_instances().filters(filter).max_results(1000);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    if answer.next_token().is_some_and(|token| !token.is_empty()) {
        let what = format!("{} networks have more than 1000 instances", vpcs.len());
        return Err(unintelligible(LIST, "TooManyRows", what));
    }
    let rows = answer.reservations().iter().flat_map(|reservation| reservation.instances());
    // One that is gone is in no network any more.
    rows.filter_map(|row| Some((row.vpc_id.clone()?, row)))
        .map(|(vpc, row)| Ok((vpc, instance(row)?)))
        .collect()
}

fn instance(row: &aws_sdk_ec2::types::Instance) -> Answer<Instance> {
    let tags = tags::from_ec2(row.tags());
    let zone = row.placement().and_then(|placement| placement.availability_zone());
    let word = required(LIST, "instanceState", row.state().and_then(|state| state.name()))?;
    Ok(Instance {
        id: required(LIST, "instanceId", row.instance_id.clone())?,
        group: tags.get(GROUP).cloned(),
        tags,
        state: state(word)?,
        zone: zone.unwrap_or_default().to_owned(),
        instance_type: row.instance_type().map(|name| name.as_str().to_owned()).unwrap_or_default(),
        launched_at: required(LIST, "launchTime", timestamp(row.launch_time()))?,
        status: None,
    })
}

fn state(name: &InstanceStateName) -> Answer<InstanceState> {
    Ok(match name {
        InstanceStateName::Pending => InstanceState::Pending,
        InstanceStateName::Running => InstanceState::Running,
        InstanceStateName::ShuttingDown => InstanceState::ShuttingDown,
        InstanceStateName::Terminated => InstanceState::Terminated,
        InstanceStateName::Stopping => InstanceState::Stopping,
        InstanceStateName::Stopped => InstanceState::Stopped,
        other => {
            return Err(unintelligible(LIST, "UnknownState", format!("instance state {}", other.as_str())));
        }
    })
}

/// Status checks of all running instances, as the call knows no tags; those that are still initialising are left out.
pub(crate) async fn status(
    cloud: &AwsCloud,
    from: Option<String>,
) -> Answer<Page<(ResourceId, StatusCheck)>> {
    let call = cloud.reads.ec2.describe_instance_status().max_results(1000).set_next_token(from);
    let answer = call.send().await.map_err(|error| failure(STATUS, error))?;
    let checks = answer.instance_statuses().iter().filter_map(check).collect();
    Ok(page(checks, answer.next_token))
}

fn check(row: &InstanceStatus) -> Option<(ResourceId, StatusCheck)> {
    let words = [row.instance_status(), row.system_status()].map(word);
    let verdict = if words.contains(&Some(&SummaryStatus::Impaired)) {
        StatusCheck::Impaired
    } else if words == [Some(&SummaryStatus::Ok); 2] {
        StatusCheck::Ok
    } else {
        return None;
    };
    Some((row.instance_id.clone()?, verdict))
}

fn word(summary: Option<&InstanceStatusSummary>) -> Option<&SummaryStatus> {
    summary.and_then(|summary| summary.status())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_worse_of_the_two_checks_counts() {
        let of = |status: &str| InstanceStatusSummary::builder().status(status.into()).build();
        let row = |instance: &str, system: &str| {
            InstanceStatus::builder()
                .instance_id("i-1")
                .instance_status(of(instance))
                .system_status(of(system))
        };
        let verdict = |instance, system| check(&row(instance, system).build()).map(|(_, verdict)| verdict);
        assert_eq!(verdict("ok", "ok"), Some(StatusCheck::Ok));
        assert_eq!(verdict("ok", "impaired"), Some(StatusCheck::Impaired));
        assert_eq!(verdict("impaired", "initializing"), Some(StatusCheck::Impaired));
        assert_eq!(verdict("initializing", "ok"), None);
        assert_eq!(verdict("ok", "insufficient-data"), None);
    }

    #[test]
    fn an_unknown_state_is_not_guessed() {
        assert!(state(&InstanceStateName::from("hibernating")).is_err());
        assert_eq!(state(&InstanceStateName::from("shutting-down")), Ok(InstanceState::ShuttingDown));
    }
}
