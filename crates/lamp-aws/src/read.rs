//! Which module makes which reading call.

use lamp_cloud::{Kind, Listing, Page, Read, Reading, Resource};

use crate::answer::{Answer, refused};
use crate::errors::is_absent;
use crate::tags::Whose;
use crate::{AwsCloud, kinds, live, tags};

pub(crate) async fn read(cloud: &AwsCloud, read: &Read) -> Answer<Reading> {
    Ok(match read {
        Read::List { listing, page } => list(cloud, *listing, page.clone()).await?,
        Read::Everyones { kind, page } => {
            Reading::Resources(resources(cloud, *kind, Whose::Everyones, page.clone()).await?)
        }
        Read::VpcDnsSupport { vpc } => Reading::VpcAttribute(kinds::vpc::dns_support(cloud, vpc).await?),
        Read::VpcDnsHostnames { vpc } => Reading::VpcAttribute(kinds::vpc::dns_hostnames(cloud, vpc).await?),
        Read::Listeners { load_balancer } => {
            Reading::Listeners(kinds::listener::list(cloud, load_balancer).await?)
        }
        Read::LoadBalancerAttributes { load_balancer } => {
            Reading::LoadBalancerAttributes(kinds::load_balancer::attributes(cloud, load_balancer).await?)
        }
        Read::TargetGroupAttributes { target_group } => {
            Reading::TargetGroupAttributes(kinds::target_group::attributes(cloud, target_group).await?)
        }
        Read::ScalingPolicies { page } => {
            Reading::ScalingPolicies(kinds::auto_scaling_group::policy::list(cloud, page.clone()).await?)
        }
        Read::TargetHealth { target_group } => {
            Reading::TargetHealth(live::targets::health(cloud, target_group).await?)
        }
        Read::DbParameters { group } => {
            Reading::DbParameters(kinds::db_parameter_group::parameters(cloud, group).await?)
        }
        Read::ZoneInstances { zone, page } => {
            Reading::Instances(live::instances::in_zone(cloud, zone, page.clone()).await?)
        }
        Read::NetworkInstances { vpcs } => {
            Reading::NetworkInstances(live::instances::in_networks(cloud, vpcs).await?)
        }
        Read::NetworkInterfaces { vpc, page } => {
            Reading::NetworkInterfaces(live::interfaces::list(cloud, vpc, page.clone()).await?)
        }
        Read::Tags { kind, ids } => Reading::Tags(tags::read(cloud, *kind, ids).await?),
        Read::One { kind, id } => Reading::One(one(cloud, *kind, id).await?),
        Read::DbSnapshot { id } => Reading::DbSnapshot(kinds::db_instance::snapshot(cloud, id).await?),
        Read::Metrics { queries, minutes } => {
            Reading::Metrics(live::metrics::read(cloud, queries, *minutes).await?)
        }
        Read::History { queries, days } => {
            Reading::History(live::history::read(cloud, queries, *days).await?)
        }
    })
}

async fn one(cloud: &AwsCloud, kind: Kind, id: &str) -> Answer<Option<Resource>> {
    let rows = match kind {
        Kind::Vpc => kinds::vpc::one(cloud, id).await,
        Kind::Subnet => kinds::subnet::one(cloud, id).await,
        Kind::InternetGateway => kinds::internet_gateway::one(cloud, id).await,
        Kind::ElasticIp => kinds::elastic_ip::one(cloud, id).await,
        Kind::NatGateway => kinds::nat_gateway::one(cloud, id).await,
        Kind::RouteTable => kinds::route_table::one(cloud, id).await,
        Kind::SecurityGroup => kinds::security_group::one(cloud, id).await,
        Kind::LoadBalancer => kinds::load_balancer::one(cloud, id).await,
        Kind::TargetGroup => kinds::target_group::one(cloud, id).await,
        Kind::Listener => kinds::listener::one(cloud, id).await,
        Kind::LaunchTemplate => kinds::launch_template::one(cloud, id).await,
        Kind::AutoScalingGroup => kinds::auto_scaling_group::one(cloud, id).await,
        Kind::DbSubnetGroup => kinds::db_subnet_group::one(cloud, id).await,
        Kind::DbParameterGroup => kinds::db_parameter_group::one(cloud, id).await,
        Kind::DbInstance => kinds::db_instance::one(cloud, id).await,
        Kind::Secret => kinds::secret::one(cloud, id).await,
    };
    match rows {
        // A row of another id answers a question that nobody asked.
        Ok(rows) => Ok(rows.into_iter().find(|row| row.id == id)),
        Err(error) if is_absent(&error) => Ok(None),
        Err(error) => Err(error),
    }
}

async fn list(cloud: &AwsCloud, listing: Listing, page: Option<String>) -> Answer<Reading> {
    Ok(match listing {
        Listing::Zones => Reading::Zones(live::zones::list(cloud).await?),
        Listing::Resources(kind) => Reading::Resources(resources(cloud, kind, Whose::Ours, page).await?),
        Listing::LaunchTemplateVersions => {
            Reading::LaunchTemplateVersions(kinds::launch_template::versions(cloud, page).await?)
        }
        Listing::Instances => Reading::Instances(live::instances::list(cloud, page).await?),
        Listing::InstanceStatus => Reading::InstanceStatus(live::instances::status(cloud, page).await?),
    })
}

async fn resources(
    cloud: &AwsCloud,
    kind: Kind,
    whose: Whose,
    page: Option<String>,
) -> Answer<Page<Resource>> {
    match kind {
        Kind::Vpc => kinds::vpc::list(cloud, whose, page).await,
        Kind::Subnet => kinds::subnet::list(cloud, whose, page).await,
        Kind::InternetGateway => kinds::internet_gateway::list(cloud, whose, page).await,
        Kind::ElasticIp => kinds::elastic_ip::list(cloud, whose).await,
        Kind::NatGateway => kinds::nat_gateway::list(cloud, whose, page).await,
        Kind::RouteTable => kinds::route_table::list(cloud, whose, page).await,
        Kind::SecurityGroup => kinds::security_group::list(cloud, whose, page).await,
        Kind::LoadBalancer => kinds::load_balancer::list(cloud, page).await,
        Kind::TargetGroup => kinds::target_group::list(cloud, page).await,
        Kind::Listener => {
            Err(refused("DescribeListeners", "NoListing", "listeners are read per load balancer"))
        }
        Kind::LaunchTemplate => kinds::launch_template::list(cloud, whose, page).await,
        Kind::AutoScalingGroup => kinds::auto_scaling_group::list(cloud, whose, page).await,
        Kind::DbSubnetGroup => kinds::db_subnet_group::list(cloud, page).await,
        Kind::DbParameterGroup => kinds::db_parameter_group::list(cloud, page).await,
        Kind::DbInstance => kinds::db_instance::list(cloud, whose, page).await,
        Kind::Secret => kinds::secret::list(cloud, whose, page).await,
    }
}
