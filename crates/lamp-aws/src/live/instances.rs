//! EC2 instances: those that carry our tags, those in our networks, and EC2's status checks.

use aws_sdk_ec2::types::{self, EventCode, Filter, InstanceStateName, InstanceStatusSummary, SummaryStatus};
use lamp_cloud::{
    Instance, InstanceState, InstanceStatus, Page, ResourceId, ScheduledEvent, ScheduledKind, StatusCheck,
};

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
        events: Vec::new(),
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

/// Status checks and scheduled events of all running instances, as the call knows no tags.
pub(crate) async fn status(cloud: &AwsCloud, from: Option<String>) -> Answer<Page<InstanceStatus>> {
    let call = cloud.reads.ec2.describe_instance_status().max_results(1000).set_next_token(from);
    let answer = call.send().await.map_err(|error| failure(STATUS, error))?;
    let rows = answer.instance_statuses().iter().filter_map(status_of).collect();
    Ok(page(rows, answer.next_token))
}

fn status_of(row: &types::InstanceStatus) -> Option<InstanceStatus> {
    let mut events: Vec<ScheduledEvent> = row.events().iter().filter_map(event).collect();
    events.sort();
    Some(InstanceStatus { instance: row.instance_id.clone()?, check: check(row), events })
}

fn check(row: &types::InstanceStatus) -> Option<StatusCheck> {
    let (instance, system) = (word(row.instance_status()), word(row.system_status()));
    match (instance, system) {
        (_, Some(SummaryStatus::Impaired)) => Some(StatusCheck::SystemImpaired),
        (Some(SummaryStatus::Impaired), _) => Some(StatusCheck::Impaired),
        (Some(SummaryStatus::Ok), Some(SummaryStatus::Ok)) => Some(StatusCheck::Ok),
        _ => None,
    }
}

/// An event that is still to come, or under way. EC2 shows those that are over for a week, and says so in the
/// description alone.
fn event(row: &types::InstanceStatusEvent) -> Option<ScheduledEvent> {
    let over =
        |description: &str| description.starts_with("[Completed]") || description.starts_with("[Canceled]");
    if row.description().is_some_and(over) {
        return None;
    }
    let kind = match row.code()? {
        EventCode::InstanceRetirement => ScheduledKind::Retirement,
        EventCode::InstanceStop => ScheduledKind::Stop,
        EventCode::InstanceReboot | EventCode::SystemReboot => ScheduledKind::Reboot,
        EventCode::SystemMaintenance => ScheduledKind::Maintenance,
        _ => return None,
    };
    Some(ScheduledEvent { not_before: timestamp(row.not_before())?, kind })
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
            types::InstanceStatus::builder()
                .instance_id("i-1")
                .instance_status(of(instance))
                .system_status(of(system))
        };
        let verdict = |instance, system| check(&row(instance, system).build());
        assert_eq!(verdict("ok", "ok"), Some(StatusCheck::Ok));
        assert_eq!(verdict("ok", "impaired"), Some(StatusCheck::SystemImpaired));
        assert_eq!(verdict("impaired", "initializing"), Some(StatusCheck::Impaired));
        assert_eq!(verdict("initializing", "ok"), None);
        assert_eq!(verdict("ok", "insufficient-data"), None);
    }

    #[test]
    fn events_that_are_over_or_called_off_are_no_events() {
        let of = |code: &str, description: &str, second: i64| {
            types::InstanceStatusEvent::builder()
                .code(code.into())
                .description(description)
                .not_before(aws_sdk_ec2::primitives::DateTime::from_secs(second))
                .build()
        };
        let row = types::InstanceStatus::builder()
            .instance_id("i-1")
            .events(of("instance-stop", "The instance is running on degraded hardware", 20))
            .events(of("instance-retirement", "The instance is running on degraded hardware", 10))
            .events(of("system-reboot", "[Completed] Scheduled reboot", 5))
            .events(of("instance-reboot", "[Canceled] Scheduled reboot", 5))
            .build();
        let status = status_of(&row).unwrap();
        let kinds: Vec<_> = status.events.iter().map(|event| event.kind).collect();
        assert_eq!(kinds, [ScheduledKind::Retirement, ScheduledKind::Stop]);
        assert_eq!(status.check, None, "events are told while checks are still initialising");
    }

    #[test]
    fn an_unknown_state_is_not_guessed() {
        assert!(state(&InstanceStateName::from("hibernating")).is_err());
        assert_eq!(state(&InstanceStateName::from("shutting-down")), Ok(InstanceState::ShuttingDown));
    }
}
