//! Application Load Balancers, named by ARN; and the tags of everything in load balancing.

use std::collections::BTreeMap;

use aws_sdk_elasticloadbalancingv2::types::{
    IpAddressType, LoadBalancer as Row, LoadBalancerAttribute, LoadBalancerSchemeEnum as Scheme,
    LoadBalancerStateEnum, LoadBalancerTypeEnum,
};
use lamp_cloud::kinds::load_balancer::{Change, LoadBalancer, LoadBalancerAttributes};
use lamp_cloud::{Applied, Page, Resource, ResourceId, State, Tags};

use super::Creation;
use crate::answer::{Answer, created, done, ids, page, references, required, timestamp};
use crate::errors::failure;
use crate::{AwsCloud, tags};

const LIST: &str = "DescribeLoadBalancers";
const CREATE: &str = "CreateLoadBalancer";

const DELETION_PROTECTION: &str = "deletion_protection.enabled";
const IDLE_TIMEOUT: &str = "idle_timeout.timeout_seconds";
const HTTP2: &str = "routing.http2.enabled";
const DROP_INVALID: &str = "routing.http.drop_invalid_header_fields.enabled";

/// The listing shows no tags: every Application Load Balancer is shown.
pub(crate) async fn list(cloud: &AwsCloud, from: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.elb.describe_load_balancers().page_size(400).set_marker(from);
    let answer = call.send().await.map_err(|error| failure(LIST, error))?;
    let is_application = |row: &&Row| row.r#type() == Some(&LoadBalancerTypeEnum::Application);
    let candidates = answer.load_balancers().iter().filter(is_application);
    Ok(page(candidates.map(resource).collect::<Answer<_>>()?, answer.next_marker))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .elb
        .describe_load_balancers()
        .load_balancer_arns(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.load_balancers().iter().map(resource).collect()
}

fn resource(row: &Row) -> Answer<Resource> {
    let id = required(LIST, "LoadBalancerArn", row.load_balancer_arn.clone())?;
    let body = LoadBalancer {
        // AWS's default faces the internet.
        internet_facing: row.scheme() != Some(&Scheme::Internal),
        subnets: references(row.availability_zones().iter().filter_map(|zone| zone.subnet_id())),
        security_groups: references(row.security_groups()),
        attributes: None,
        dns_name: row.dns_name.clone(),
    };
    Ok(Resource {
        name: row.load_balancer_name.clone().unwrap_or_else(|| id.clone()),
        id,
        tags: Tags::new(),
        state: state(row),
        body: body.into(),
        created_at: timestamp(row.created_time()),
    })
}

fn state(row: &Row) -> State {
    let Some(state) = row.state() else { return State::Pending("unknown".to_owned()) };
    match state.code() {
        // Impaired: it serves, but could not grow.
        Some(LoadBalancerStateEnum::Active | LoadBalancerStateEnum::ActiveImpaired) => State::Ready,
        Some(LoadBalancerStateEnum::Failed) => State::Failed(state.reason().unwrap_or("failed").to_owned()),
        Some(other) => State::Pending(other.as_str().to_owned()),
        None => State::Pending("unknown".to_owned()),
    }
}

pub(crate) async fn attributes(cloud: &AwsCloud, id: &str) -> Answer<LoadBalancerAttributes> {
    const OPERATION: &str = "DescribeLoadBalancerAttributes";
    let call = cloud.reads.elb.describe_load_balancer_attributes().load_balancer_arn(id);
    let answer = call.send().await.map_err(|error| failure(OPERATION, error))?;
    let values = answer
        .attributes()
        .iter()
        .filter_map(|attribute| Some((attribute.key()?, attribute.value()?)))
        .collect();
    Ok(from_values(&values))
}

/// An attribute that AWS does not name has AWS's default.
fn from_values(values: &BTreeMap<&str, &str>) -> LoadBalancerAttributes {
    let on = |key, default| values.get(key).map_or(default, |value| *value == "true");
    LoadBalancerAttributes {
        deletion_protection: on(DELETION_PROTECTION, false),
        idle_timeout_seconds: values.get(IDLE_TIMEOUT).and_then(|value| value.parse().ok()).unwrap_or(60),
        http2: on(HTTP2, true),
        drop_invalid_headers: on(DROP_INVALID, false),
    }
}

fn to_values(attributes: &LoadBalancerAttributes) -> [(&'static str, String); 4] {
    [
        (DELETION_PROTECTION, attributes.deletion_protection.to_string()),
        (IDLE_TIMEOUT, attributes.idle_timeout_seconds.to_string()),
        (HTTP2, attributes.http2.to_string()),
        (DROP_INVALID, attributes.drop_invalid_headers.to_string()),
    ]
}

pub(crate) async fn create(
    cloud: &AwsCloud,
    creation: &Creation<'_>,
    body: &LoadBalancer,
) -> Answer<Applied> {
    let scheme = if body.internet_facing { Scheme::InternetFacing } else { Scheme::Internal };
    let call = cloud
        .mutations
        .elb
        .create_load_balancer()
        .name(creation.name)
        .r#type(LoadBalancerTypeEnum::Application)
        .scheme(scheme)
        .ip_address_type(IpAddressType::Ipv4)
        .set_subnets(Some(ids(CREATE, &body.subnets)?))
        .set_security_groups(Some(ids(CREATE, &body.security_groups)?))
        .set_tags(Some(tags::to_elb(creation.tags)));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.load_balancers().first().and_then(|made| made.load_balancer_arn()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    let elb = &cloud.mutations.elb;
    let operation = lamp_cloud::Change::LoadBalancer(change.clone()).operation();
    Ok(match change {
        Change::Attributes(attributes) => {
            let values = to_values(attributes)
                .map(|(key, value)| LoadBalancerAttribute::builder().key(key).value(value).build());
            let call = elb.modify_load_balancer_attributes().load_balancer_arn(id);
            let call = call.set_attributes(Some(values.into()));
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::Subnets(subnets) => {
            let call = elb.set_subnets().load_balancer_arn(id).set_subnets(Some(ids(operation, subnets)?));
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
        Change::SecurityGroups(groups) => {
            let call = elb.set_security_groups().load_balancer_arn(id);
            let call = call.set_security_groups(Some(ids(operation, groups)?));
            done(&call.send().await.map_err(|error| failure(operation, error))?)
        }
    })
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.elb.delete_load_balancer().load_balancer_arn(id);
    let answer = call.send().await.map_err(|error| failure("DeleteLoadBalancer", error))?;
    Ok(done(&answer))
}

/// Tags of up to 20 load balancers, target groups or listeners. One that is gone fails the whole call.
pub(crate) async fn read_tags(cloud: &AwsCloud, arns: &[ResourceId]) -> Answer<Vec<(ResourceId, Tags)>> {
    let call = cloud.reads.elb.describe_tags().set_resource_arns(Some(arns.to_vec()));
    let answer = call.send().await.map_err(|error| failure("DescribeTags", error))?;
    let row = |row: &aws_sdk_elasticloadbalancingv2::types::TagDescription| {
        let arn = required("DescribeTags", "ResourceArn", row.resource_arn.clone())?;
        Ok((arn, tags::from_elb(row.tags())))
    };
    answer.tag_descriptions().iter().map(row).collect()
}

pub(crate) async fn write_tags(cloud: &AwsCloud, arn: &str, tags: &Tags) -> Answer<Applied> {
    let call = cloud.mutations.elb.add_tags().resource_arns(arn).set_tags(Some(tags::to_elb(tags)));
    let answer = call.send().await.map_err(|error| failure("AddTags", error))?;
    Ok(done(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn attributes_that_aws_leaves_out_have_its_defaults() {
        let defaults = from_values(&BTreeMap::new());
        assert!(defaults.http2 && !defaults.deletion_protection && !defaults.drop_invalid_headers);
        assert_eq!(defaults.idle_timeout_seconds, 60);
    }

    #[test]
    fn attributes_survive_the_way_to_aws_and_back() {
        let attributes = LoadBalancerAttributes {
            deletion_protection: true,
            idle_timeout_seconds: 120,
            http2: false,
            drop_invalid_headers: true,
        };
        let values = to_values(&attributes);
        assert_eq!(
            from_values(&values.iter().map(|(key, value)| (*key, value.as_str())).collect()),
            attributes
        );
    }
}
