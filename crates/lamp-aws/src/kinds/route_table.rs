//! Route tables, their routes and the subnets that use them.

use aws_sdk_ec2::types::RouteTableAssociationStateCode as Association;
use aws_sdk_ec2::types::{ResourceType, Route, RouteOrigin, RouteState, RouteTableAssociation};
use lamp_cloud::kinds::route_table::{Change, RouteTable};
use lamp_cloud::{Applied, Page, Reference, Resource, State};

use super::Creation;
use crate::AwsCloud;
use crate::answer::{Answer, created, done, id, page_of, refused, required};
use crate::errors::failure;
use crate::tags::{self, Whose};

const LIST: &str = "DescribeRouteTables";
const CREATE: &str = "CreateRouteTable";
const CREATE_ROUTE: &str = "CreateRoute";
const REPLACE_ROUTE: &str = "ReplaceRoute";

pub(crate) async fn list(cloud: &AwsCloud, whose: Whose, page: Option<String>) -> Answer<Page<Resource>> {
    let call = cloud.reads.ec2.describe_route_tables().set_filters(whose.ec2_filters(cloud)).max_results(100);
    let answer = call.set_next_token(page).send().await.map_err(|error| failure(LIST, error))?;
    let rows = answer.route_tables().iter().map(resource).collect::<Answer<_>>()?;
    Ok(page_of(cloud, whose, rows, answer.next_token))
}

/// One, whatever its tags. AWS refuses an id that it does not know.
pub(crate) async fn one(cloud: &AwsCloud, id: &str) -> Answer<Vec<Resource>> {
    let answer = cloud
        .reads
        .ec2
        .describe_route_tables()
        .route_table_ids(id)
        .send()
        .await
        .map_err(|error| failure(LIST, error))?;
    answer.route_tables().iter().map(resource).collect()
}

fn resource(row: &aws_sdk_ec2::types::RouteTable) -> Answer<Resource> {
    let id = required(LIST, "routeTableId", row.route_table_id.clone())?;
    let associations: std::collections::BTreeMap<_, _> =
        row.associations().iter().filter_map(association).collect();
    let body = RouteTable {
        vpc: Reference::id(required(LIST, "vpcId", row.vpc_id())?),
        routes: row.routes().iter().filter_map(route).collect(),
        subnets: associations.keys().map(Reference::id).collect(),
        associations,
    };
    Ok(Resource {
        name: id.clone(),
        id,
        tags: tags::from_ec2(row.tags()),
        state: State::Ready,
        body: body.into(),
        created_at: None,
    })
}

/// Subnet and association, of associations that hold and that somebody made.
fn association(row: &RouteTableAssociation) -> Option<(String, String)> {
    let ended = [Association::Disassociating, Association::Disassociated, Association::Failed];
    let state = row.association_state().and_then(|state| state.state());
    if row.main == Some(true) || state.is_some_and(|state| ended.contains(state)) {
        return None;
    }
    Some((row.subnet_id.clone()?, row.route_table_association_id.clone()?))
}

/// Destination and target. The local route and those that a VPN gateway propagates are not ours to change.
fn route(row: &Route) -> Option<(String, Reference)> {
    let propagated = row.origin() == Some(&RouteOrigin::EnableVgwRoutePropagation);
    if row.gateway_id() == Some("local") || propagated {
        return None;
    }
    let destination = row
        .destination_cidr_block()
        .or(row.destination_ipv6_cidr_block())
        .or(row.destination_prefix_list_id())?;
    Some((destination.to_owned(), Reference::id(target(row))))
}

fn target(row: &Route) -> &str {
    if row.state() == Some(&RouteState::Blackhole) {
        return "blackhole";
    }
    [
        row.nat_gateway_id(),
        row.gateway_id(),
        row.instance_id(),
        row.network_interface_id(),
        row.transit_gateway_id(),
        row.vpc_peering_connection_id(),
        row.egress_only_internet_gateway_id(),
        row.local_gateway_id(),
        row.carrier_gateway_id(),
        row.core_network_arn(),
    ]
    .into_iter()
    .flatten()
    .find(|id| !id.is_empty())
    .unwrap_or("blackhole")
}

pub(crate) async fn create(cloud: &AwsCloud, creation: &Creation<'_>, body: &RouteTable) -> Answer<Applied> {
    let call = cloud
        .mutations
        .ec2
        .create_route_table()
        .vpc_id(id(CREATE, &body.vpc)?)
        .client_token(creation.token)
        .tag_specifications(tags::specification(ResourceType::RouteTable, creation.tags));
    let answer = call.send().await.map_err(|error| failure(CREATE, error))?;
    created(CREATE, answer.route_table().and_then(|table| table.route_table_id()), &answer)
}

pub(crate) async fn change(cloud: &AwsCloud, id: &str, change: &Change) -> Answer<Applied> {
    match change {
        Change::CreateRoute { destination, target } => create_route(cloud, id, destination, target).await,
        Change::ReplaceRoute { destination, target } => replace_route(cloud, id, destination, target).await,
        Change::DeleteRoute { destination } => delete_route(cloud, id, destination).await,
        Change::Associate { subnet } => {
            let call = cloud.mutations.ec2.associate_route_table().route_table_id(id).subnet_id(subnet);
            let answer = call.send().await.map_err(|error| failure("AssociateRouteTable", error))?;
            Ok(done(&answer))
        }
        Change::Disassociate { association, .. } => {
            let call = cloud.mutations.ec2.disassociate_route_table().association_id(association);
            let answer = call.send().await.map_err(|error| failure("DisassociateRouteTable", error))?;
            Ok(done(&answer))
        }
    }
}

/// The two kinds of targets that our routes have.
enum Target<'a> {
    Nat(&'a str),
    Gateway(&'a str),
}

fn routable<'a>(operation: &str, target: &'a str) -> Answer<Target<'a>> {
    match target.split_once('-') {
        Some(("nat", _)) => Ok(Target::Nat(target)),
        Some(("igw" | "vgw", _)) => Ok(Target::Gateway(target)),
        _ => Err(refused(operation, "UnknownRouteTarget", format!("{target} is no gateway"))),
    }
}

async fn create_route(cloud: &AwsCloud, id: &str, destination: &str, target: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.create_route().route_table_id(id).destination_cidr_block(destination);
    let call = match routable(CREATE_ROUTE, target)? {
        Target::Nat(nat) => call.nat_gateway_id(nat),
        Target::Gateway(gateway) => call.gateway_id(gateway),
    };
    let answer = call.send().await.map_err(|error| failure(CREATE_ROUTE, error))?;
    Ok(done(&answer))
}

async fn replace_route(cloud: &AwsCloud, id: &str, destination: &str, target: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.replace_route().route_table_id(id).destination_cidr_block(destination);
    let call = match routable(REPLACE_ROUTE, target)? {
        Target::Nat(nat) => call.nat_gateway_id(nat),
        Target::Gateway(gateway) => call.gateway_id(gateway),
    };
    let answer = call.send().await.map_err(|error| failure(REPLACE_ROUTE, error))?;
    Ok(done(&answer))
}

// A surplus route may be one that somebody else made: to an IPv6 range or a prefix list, too.
async fn delete_route(cloud: &AwsCloud, id: &str, destination: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.delete_route().route_table_id(id);
    let call = if destination.starts_with("pl-") {
        call.destination_prefix_list_id(destination)
    } else if destination.contains(':') {
        call.destination_ipv6_cidr_block(destination)
    } else {
        call.destination_cidr_block(destination)
    };
    let answer = call.send().await.map_err(|error| failure("DeleteRoute", error))?;
    Ok(done(&answer))
}

pub(crate) async fn delete(cloud: &AwsCloud, id: &str) -> Answer<Applied> {
    let call = cloud.mutations.ec2.delete_route_table().route_table_id(id);
    let answer = call.send().await.map_err(|error| failure("DeleteRouteTable", error))?;
    Ok(done(&answer))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_local_route_is_left_out_and_a_blackhole_is_named() {
        let local = Route::builder().destination_cidr_block("10.0.0.0/16").gateway_id("local").build();
        assert_eq!(route(&local), None);
        let nat = Route::builder().destination_cidr_block("0.0.0.0/0").nat_gateway_id("nat-1");
        assert_eq!(route(&nat.clone().build()), Some(("0.0.0.0/0".into(), Reference::id("nat-1"))));
        let lost = nat.state(RouteState::Blackhole).build();
        assert_eq!(route(&lost), Some(("0.0.0.0/0".into(), Reference::id("blackhole"))));
        let propagated = Route::builder()
            .destination_cidr_block("172.16.0.0/12")
            .gateway_id("vgw-1")
            .origin(RouteOrigin::EnableVgwRoutePropagation);
        assert_eq!(route(&propagated.build()), None);
    }

    #[test]
    fn only_associations_that_somebody_made_and_that_hold_are_shown() {
        let row =
            RouteTableAssociation::builder().subnet_id("subnet-1").route_table_association_id("rtbassoc-1");
        assert_eq!(association(&row.clone().build()), Some(("subnet-1".into(), "rtbassoc-1".into())));
        assert_eq!(association(&row.main(true).build()), None);
    }

    #[test]
    fn a_route_goes_to_a_gateway_only() {
        assert!(matches!(routable(CREATE_ROUTE, "nat-1"), Ok(Target::Nat("nat-1"))));
        assert!(matches!(routable(CREATE_ROUTE, "igw-1"), Ok(Target::Gateway("igw-1"))));
        assert!(routable(CREATE_ROUTE, "blackhole").is_err());
    }
}
