//! Target groups, named by ARN: HTTP/1.1 to instances.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    Matcher, ProtocolEnum, TargetGroup as Row, TargetGroupAttribute, TargetTypeEnum,
};
use lamp_cloud::kinds::target_group::{Change, HealthCheck, TargetGroup, TargetGroupAttributes};
use lamp_cloud::{Applied, Page, Reference, Resource, State, Tags};

use super::Creation;
use crate::answer::{Answer, count, created, done, id, number, page, required};
use crate::errors::failure;
use crate::{AwsCloud, tags};

const LIST: &str = "DescribeTargetGroups";
const CREATE: &str = "CreateTargetGroup";

/// Redirects are healthy: a site may send `/` elsewhere.
const HEALTHY: &str = "200-399";

const DELAY: &str = "deregistration_delay.timeout_seconds";
const STICKINESS: &str = "stickiness.enabled";
const STICKINESS_TYPE: &str = "stickiness.type";
const COOKIE_SECONDS: &str = "stickiness.lb_cookie.duration_seconds";
const ALGORITHM: &str = "load_balancing.algorithm.type";
const LEAST_OUTSTANDING: &str = "least_outstanding_requests";

/// The listing shows no tags: every group of instances is shown that speaks HTTP.
pub(crate) async fn list(cloud: &AwsCloud, from: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.elb.describe_target_groups().page_size(400).set_marker(from);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    let speaks_http = |row: &&Row| {
        row.target_type() == Some(&TargetTypeEnum::Instance) && row.protocol() == Some(&ProtocolEnum::Http)
    };
    let candidates = answer.target_groups().iter().filter(speaks_http);
    Ok(page(candidates.map(resource).collect::<Answer<_>>()?, answer.next_marker))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .elb
        .describe_target_groups()
        .target_group_arns(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.target_groups().iter().map(resource).collect()
}

fn resource(row: &Row) -> Answer<Resource> {
    let id = required(LIST, "TargetGroupArn", row.target_group_arn.clone())?;
    let port = row.port.and_then(|port| port.try_into().ok());
    let body = TargetGroup {
        vpc: Reference::id(required(LIST, "VpcId", row.vpc_id())?),
        port: required(LIST, "Port", port)?,
        health_check: HealthCheck {
            path: row.health_check_path.clone().unwrap_or_default(),
            interval_seconds: count(row.health_check_interval_seconds),
            timeout_seconds: count(row.health_check_timeout_seconds),
            healthy_threshold: count(row.healthy_threshold_count),
            unhealthy_threshold: count(row.unhealthy_threshold_count),
        },
        attributes: None,
        load_balancers: row.load_balancer_arns().to_vec(),
    };
    Ok(Resource {
        name: row.target_group_name.clone().unwrap_or_else(|| id.clone()),
        id,
        tags: Tags::new(),
        state: State::Ready,
        body: body.into(),
        created_at: None,
    })
}

pub(crate) async fn attributes(cloud: &AwsCloud, id: &str) -> Answer<TargetGroupAttributes> {
    const OPERATION: &str = "DescribeTargetGroupAttributes";
    let call = cloud.reads.elb.describe_target_group_attributes().target_group_arn(id);
    let answer = call.send().await.map_err(|error| failure(OPERATION, error))?;
    let values = answer
        .attributes()
        .iter()
        .filter_map(|attribute| Some((attribute.key()?, attribute.value()?)))
        .collect();
    Ok(from_values(&values))
}

/// An attribute that AWS does not name has AWS's default.
fn from_values(values: &BTreeMap<&str, &str>) -> TargetGroupAttributes {
    let seconds = |key, default| values.get(key).and_then(|value| value.parse().ok()).unwrap_or(default);
    let sticky = values.get(STICKINESS) == Some(&"true")
        && values.get(STICKINESS_TYPE).is_none_or(|kind| *kind == "lb_cookie");
    TargetGroupAttributes {
        deregistration_delay_seconds: seconds(DELAY, 300),
        stickiness_seconds: sticky.then(|| seconds(COOKIE_SECONDS, 86_400)),
        least_outstanding_requests: values.get(ALGORITHM) == Some(&LEAST_OUTSTANDING),
    }
}

fn to_values(attributes: &TargetGroupAttributes) -> Vec<(&'static str, String)> {
    let algorithm = if attributes.least_outstanding_requests { LEAST_OUTSTANDING } else { "round_robin" };
    let mut values = vec![
        (DELAY, attributes.deregistration_delay_seconds.to_string()),
        (ALGORITHM, algorithm.to_owned()),
        (STICKINESS, attributes.stickiness_seconds.is_some().to_string()),
    ];
    if let Some(seconds) = attributes.stickiness_seconds {
        values.push((STICKINESS_TYPE, "lb_cookie".to_owned()));
        values.push((COOKIE_SECONDS, seconds.to_string()));
    }
    values
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &TargetGroup) -> Answer<Applied> {
    let check = &body.health_check;
    let call = cloud
        .mutations
        .elb
        .create_target_group()
        .name(creation.name)
        .protocol(ProtocolEnum::Http)
        .protocol_version("HTTP1")
        .port(body.port.into())
        .vpc_id(id(CREATE, &body.vpc)?)
        .target_type(TargetTypeEnum::Instance)
        .health_check_enabled(true)
        .health_check_protocol(ProtocolEnum::Http)
        .health_check_port("traffic-port")
        .health_check_path(&check.path)
        .health_check_interval_seconds(number(check.interval_seconds))
        .health_check_timeout_seconds(number(check.timeout_seconds))
        .healthy_threshold_count(number(check.healthy_threshold))
        .unhealthy_threshold_count(number(check.unhealthy_threshold))
        .matcher(Matcher::builder().http_code(HEALTHY).build())
        .set_tags(Some(tags::to_elb(creation.tags)));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.target_groups().first().and_then(|made| made.target_group_arn()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let elb = &cloud.mutations.elb;
    match change {
        Change::HealthCheck(check) => {
            let call = elb
                .modify_target_group()
                .target_group_arn(id)
                .health_check_enabled(true)
                .health_check_path(&check.path)
                .health_check_interval_seconds(number(check.interval_seconds))
                .health_check_timeout_seconds(number(check.timeout_seconds))
                .healthy_threshold_count(number(check.healthy_threshold))
                .unhealthy_threshold_count(number(check.unhealthy_threshold));
            let answer = call.send().await.map_err(|error| failure("ModifyTargetGroup", error))?;
            Ok(done(&answer))
        }
        Change::Attributes(attributes) => {
            let attribute = |(key, value)| TargetGroupAttribute::builder().key(key).value(value).build();
            let values = to_values(attributes).into_iter().map(attribute).collect();
            let call = elb.modify_target_group_attributes().target_group_arn(id).set_attributes(Some(values));
            let answer = call.send().await.map_err(|error| failure("ModifyTargetGroupAttributes", error))?;
            Ok(done(&answer))
        }
    }
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.elb.delete_target_group().target_group_arn(id);
    let answer = call.send().await.map_err(|error| failure("DeleteTargetGroup", error))?;
    Ok(done(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_survive_the_way_to_aws_and_back() {
        for stickiness_seconds in [None, Some(3600)] {
            for least_outstanding_requests in [true, false] {
                let attributes = TargetGroupAttributes {
                    deregistration_delay_seconds: 30,
                    stickiness_seconds,
                    least_outstanding_requests,
                };
                let values = to_values(&attributes);
                let values = values.iter().map(|(key, value)| (*key, value.as_str())).collect();
                assert_eq!(from_values(&values), attributes);
            }
        }
    }

    #[test]
    fn a_cookie_of_the_application_is_no_stickiness_of_ours() {
        let values = BTreeMap::from([(STICKINESS, "true"), (STICKINESS_TYPE, "app_cookie")]);
        assert_eq!(from_values(&values).stickiness_seconds, None);
        assert_eq!(from_values(&BTreeMap::new()).deregistration_delay_seconds, 300);
    }
}
