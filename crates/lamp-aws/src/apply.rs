//! Which module makes which mutating call.

use lamp_cloud::{Applied, Body, Change, DeleteOptions, Kind, Request};

use crate::answer::Answer;
use crate::kinds::Creation;
use crate::{AwsCloud, kinds, live, tags};

pub(crate) async fn apply(cloud: &AwsCloud, request: &Request) -> Answer<Applied> {
    match request {
        Request::Create { name, tags, token, body, .. } => {
            create(cloud, &Creation { name, tags, token }, body).await
        }
        Request::Change { id, token, change } => self::change(cloud, id, token, change).await,
        Request::Tag { kind, id, tags } => tags::write(cloud, *kind, id, tags).await,
        Request::TagInstance { instance, tags } => tags::write_ec2(cloud, instance, tags).await,
        Request::Delete { kind, id, options } => delete(cloud, *kind, id, options).await,
        Request::ReplaceInstance { group, instance } => {
            kinds::auto_scaling_group::replace(cloud, group, instance).await
        }
        Request::RegisterTargets { target_group, targets } => {
            live::targets::register(cloud, target_group, targets).await
        }
        Request::DeregisterTargets { target_group, targets } => {
            live::targets::deregister(cloud, target_group, targets).await
        }
    }
}

async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &Body) -> Answer<Applied> {
    match body {
        Body::Vpc(body) => kinds::vpc::create(cloud, creation, body).await,
        Body::Subnet(body) => kinds::subnet::create(cloud, creation, body).await,
        Body::InternetGateway(_) => kinds::internet_gateway::create(cloud, creation).await,
        Body::ElasticIp(_) => kinds::elastic_ip::create(cloud, creation).await,
        Body::NatGateway(body) => kinds::nat_gateway::create(cloud, creation, body).await,
        Body::RouteTable(body) => kinds::route_table::create(cloud, creation, body).await,
        Body::SecurityGroup(body) => kinds::security_group::create(cloud, creation, body).await,
        Body::LoadBalancer(body) => kinds::load_balancer::create(cloud, creation, body).await,
        Body::TargetGroup(body) => kinds::target_group::create(cloud, creation, body).await,
        Body::Listener(body) => kinds::listener::create(cloud, creation, body).await,
        Body::LaunchTemplate(body) => kinds::launch_template::create(cloud, creation, body).await,
        Body::AutoScalingGroup(body) => kinds::auto_scaling_group::create(cloud, creation, body).await,
        Body::DbSubnetGroup(body) => kinds::db_subnet_group::create(cloud, creation, body).await,
        Body::DbParameterGroup(body) => kinds::db_parameter_group::create(cloud, creation, body).await,
        Body::DbInstance(body) => kinds::db_instance::create(cloud, creation, body).await,
        Body::Secret(body) => kinds::secret::create(cloud, creation, body).await,
    }
}

async fn change(cloud: &AwsCloud, id: &str, token: &str, change: &Change) -> Answer<Applied> {
    match change {
        Change::Vpc(change) => kinds::vpc::change(cloud, id, change).await,
        Change::Subnet(change) => kinds::subnet::change(cloud, id, change).await,
        Change::InternetGateway(change) => kinds::internet_gateway::change(cloud, id, change).await,
        Change::ElasticIp(change) => kinds::elastic_ip::change(cloud, change).await,
        Change::NatGateway(change) => match *change {},
        Change::RouteTable(change) => kinds::route_table::change(cloud, id, change).await,
        Change::SecurityGroup(change) => kinds::security_group::change(cloud, id, change).await,
        Change::LoadBalancer(change) => kinds::load_balancer::change(cloud, id, change).await,
        Change::TargetGroup(change) => kinds::target_group::change(cloud, id, change).await,
        Change::Listener(change) => kinds::listener::change(cloud, id, change).await,
        Change::LaunchTemplate(change) => kinds::launch_template::change(cloud, id, token, change).await,
        Change::AutoScalingGroup(change) => kinds::auto_scaling_group::change(cloud, id, change).await,
        Change::DbSubnetGroup(change) => kinds::db_subnet_group::change(cloud, id, change).await,
        Change::DbParameterGroup(change) => kinds::db_parameter_group::change(cloud, id, change).await,
        Change::DbInstance(change) => kinds::db_instance::change(cloud, id, change).await,
        Change::Secret(change) => match *change {},
    }
}

async fn delete(cloud: &AwsCloud, kind: Kind, id: &str, options: &DeleteOptions) -> Answer<Applied> {
    match kind {
        Kind::Vpc => kinds::vpc::delete(cloud, id).await,
        Kind::Subnet => kinds::subnet::delete(cloud, id).await,
        Kind::InternetGateway => kinds::internet_gateway::delete(cloud, id).await,
        Kind::ElasticIp => kinds::elastic_ip::delete(cloud, id).await,
        Kind::NatGateway => kinds::nat_gateway::delete(cloud, id).await,
        Kind::RouteTable => kinds::route_table::delete(cloud, id).await,
        Kind::SecurityGroup => kinds::security_group::delete(cloud, id).await,
        Kind::LoadBalancer => kinds::load_balancer::delete(cloud, id).await,
        Kind::TargetGroup => kinds::target_group::delete(cloud, id).await,
        Kind::Listener => kinds::listener::delete(cloud, id).await,
        Kind::LaunchTemplate => kinds::launch_template::delete(cloud, id).await,
        Kind::AutoScalingGroup => kinds::auto_scaling_group::delete(cloud, id).await,
        Kind::DbSubnetGroup => kinds::db_subnet_group::delete(cloud, id).await,
        Kind::DbParameterGroup => kinds::db_parameter_group::delete(cloud, id).await,
        Kind::DbInstance => kinds::db_instance::delete(cloud, id, options).await,
        Kind::Secret => kinds::secret::delete(cloud, id, options).await,
    }
}
