//! Targets of target groups and their health.

use aws_sdk_elasticloadbalancingv2::types::{
    TargetDescription, TargetHealthDescription, TargetHealthStateEnum as Health,
};
use lamp_cloud::{Applied, Target, TargetHealth, TargetState};

use crate::AwsCloud;
use crate::answer::{Answer, done, required};
use crate::errors::failure;

const LIST: &str = "DescribeTargetHealth";

/// AWS shows all targets of a group in one page.
pub(crate) async fn health(cloud: &AwsCloud, target_group: &str) -> Answer<Vec<TargetHealth>> {
    let call = cloud.reads.elb.describe_target_health().target_group_arn(target_group);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    answer.target_health_descriptions().iter().map(row).collect()
}

fn row(row: &TargetHealthDescription) -> Answer<TargetHealth> {
    let target = required(LIST, "Target", row.target())?;
    let port = target.port.and_then(|port| port.try_into().ok());
    let target = Target {
        instance: required(LIST, "Target.Id", target.id.clone())?,
        port: required(LIST, "Target.Port", port)?,
    };
    let health = row.target_health();
    Ok(TargetHealth {
        target,
        state: state(health.and_then(|health| health.state())),
        reason: health.and_then(|health| health.reason()).map(|reason| reason.as_str().to_owned()),
    })
}

fn state(state: Option<&Health>) -> TargetState {
    match state {
        Some(Health::Initial) => TargetState::Initial,
        Some(Health::Healthy) => TargetState::Healthy,
        Some(Health::Unhealthy) => TargetState::Unhealthy,
        Some(Health::Draining | Health::UnhealthyDraining) => TargetState::Draining,
        Some(Health::Unused) => TargetState::Unused,
        _ => TargetState::Unavailable,
    }
}

pub(crate) async fn register(cloud: &AwsCloud, target_group: &str, targets: &[Target]) -> Answer<Applied> {
    let call = cloud.mutations.elb.register_targets().target_group_arn(target_group);
    let call = call.set_targets(Some(descriptions(targets)));
    let answer = call.send().await.map_err(|error| failure("RegisterTargets", error))?;
    Ok(done(&answer))
}

pub(crate) async fn deregister(cloud: &AwsCloud, target_group: &str, targets: &[Target]) -> Answer<Applied> {
    let call = cloud.mutations.elb.deregister_targets().target_group_arn(target_group);
    let call = call.set_targets(Some(descriptions(targets)));
    let answer = call.send().await.map_err(|error| failure("DeregisterTargets", error))?;
    Ok(done(&answer))
}

fn descriptions(targets: &[Target]) -> Vec<TargetDescription> {
    let description =
        |target: &Target| TargetDescription::builder().id(&target.instance).port(target.port.into()).build();
    targets.iter().map(description).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_state_that_is_not_known_is_no_verdict() {
        assert_eq!(state(None), TargetState::Unavailable);
        assert_eq!(state(Some(&Health::from("brand-new"))), TargetState::Unavailable);
        assert_eq!(state(Some(&Health::from("unhealthy.draining"))), TargetState::Draining);
        assert_eq!(state(Some(&Health::from("unhealthy"))), TargetState::Unhealthy);
    }
}
