//! The network of a site: its zones, and which subnet is of which layer.

use lamp_api::v1alpha1::{NatGateways, Network, Zones};
use lamp_cloud::kinds::route_table::RouteTable;
use lamp_cloud::{Body, Kind, Part, Resource};

use super::database::Primary;
use super::tiers::Group;
use super::{Found, Survey};
use crate::parts::{self, Layer};

/// Reads the network, and finds its parts.
pub(super) fn read<'a>(
    survey: &Survey<'a>,
    vpc: &'a Resource,
    groups: &[Group<'a>],
    database: Option<&Primary<'a>>,
    found: &mut Found<'a>,
) -> Network {
    found.insert(parts::vpc(), vpc);
    let gateway = survey.of(Kind::InternetGateway).find(|row| {
        matches!(&row.body, Body::InternetGateway(gateway)
            if gateway.vpc.as_ref().and_then(|vpc| vpc.as_id()) == Some(survey.vpc))
    });
    found.extend(gateway.map(|row| (parts::internet_gateway(), row)));
    let layered = layers(survey, groups, database);
    let zones = zones(survey, &layered);
    for (number, zone) in (1..).zip(&zones) {
        for layer in Layer::ALL {
            let of = layered.iter().find(|(_, of, at)| *of == layer && at == zone);
            found.extend(of.map(|(row, ..)| (parts::subnet(layer, number), *row)));
        }
    }
    tables(survey, zones.len(), found);
    let nat_gateways = nats(survey, zones.len(), found);
    let cidr = match &vpc.body {
        Body::Vpc(vpc) => vpc.cidr.clone(),
        _ => String::new(),
    };
    Network { cidr, single_zone: zones.len() == 1, zones: Zones::Names(zones), nat_gateways }
}

/// Each subnet that has a place in a stack, with its layer and zone.
fn layers<'a>(
    survey: &Survey<'a>,
    groups: &[Group<'a>],
    database: Option<&Primary<'a>>,
) -> Vec<(&'a Resource, Layer, String)> {
    let mut layered: Vec<_> = survey
        .subnets()
        .filter_map(|(row, subnet)| {
            Some((row, layer(survey, groups, database, &row.id)?, subnet.zone.clone()))
        })
        .collect();
    layered.sort_by(|one, other| one.0.id.cmp(&other.0.id));
    layered
}

/// The layer of a subnet, by what stands in it: instances, databases, and what faces the internet.
fn layer(
    survey: &Survey<'_>,
    groups: &[Group<'_>],
    database: Option<&Primary<'_>>,
    subnet: &str,
) -> Option<Layer> {
    let names = |references: &[lamp_cloud::Reference]| {
        references.iter().any(|reference| reference.as_id() == Some(subnet))
    };
    if groups.iter().any(|group| names(&group.body.subnets)) {
        return Some(Layer::Application);
    }
    if database.is_some_and(|primary| names(primary.subnets())) {
        return Some(Layer::Data);
    }
    let table = table_of(survey, subnet)?.1;
    let leads_out = table.routes.values().any(|to| to.as_id().is_some_and(|id| id.starts_with("igw-")));
    leads_out.then_some(Layer::Public)
}

/// The zones of the site by name, the one of the only NAT gateway first.
fn zones(survey: &Survey<'_>, layered: &[(&Resource, Layer, String)]) -> Vec<String> {
    let mut zones: Vec<String> = layered.iter().map(|(_, _, zone)| zone.clone()).collect();
    zones.sort();
    zones.dedup();
    let with_nat = |zone: &String| {
        let public = layered.iter().filter(|(_, layer, at)| *layer == Layer::Public && at == zone);
        public.into_iter().any(|(row, ..)| nat_in(survey, &row.id).is_some())
    };
    if zones.iter().filter(|zone| with_nat(zone)).count() == 1 {
        zones.sort_by_key(|zone| !with_nat(zone));
    }
    zones
}

fn table_of<'a>(survey: &Survey<'a>, subnet: &str) -> Option<(&'a Resource, &'a RouteTable)> {
    survey.of(Kind::RouteTable).find_map(|row| match &row.body {
        Body::RouteTable(table) if table.associations.contains_key(subnet) => Some((row, table)),
        _ => None,
    })
}

/// The table that the subnets of each layer use; one table is one part.
fn tables<'a>(survey: &Survey<'a>, zones: usize, found: &mut Found<'a>) {
    for zone in 1..=zones {
        let of_layer = [
            (Layer::Public, parts::public_route_table()),
            (Layer::Application, parts::application_route_table(zone)),
            (Layer::Data, parts::data_route_table()),
        ];
        for (layer, part) in of_layer {
            let subnet = found.get(&parts::subnet(layer, zone));
            let table = subnet.and_then(|subnet| table_of(survey, &subnet.id)).map(|(row, _)| row);
            claim(found, part, table);
        }
    }
}

/// Takes a resource for a part, unless either has another already.
fn claim<'a>(found: &mut Found<'a>, part: Part, row: Option<&'a Resource>) {
    let Some(row) = row else { return };
    let is_other = found.values().any(|other| other.kind() == row.kind() && other.id == row.id);
    if !is_other {
        found.entry(part).or_insert(row);
    }
}

fn nat_in<'a>(survey: &Survey<'a>, subnet: &str) -> Option<&'a Resource> {
    survey.of(Kind::NatGateway).find(|row| {
        matches!(&row.body, Body::NatGateway(nat) if nat.subnet.as_id() == Some(subnet)) && row.is_ready()
    })
}

/// The NAT gateways with their addresses, and how many zones have one.
fn nats<'a>(survey: &Survey<'a>, zones: usize, found: &mut Found<'a>) -> NatGateways {
    let mut count = 0;
    for zone in 1..=zones {
        let public = found.get(&parts::subnet(Layer::Public, zone));
        let Some(row) = public.and_then(|subnet| nat_in(survey, &subnet.id)) else { continue };
        count += 1;
        found.insert(parts::nat_gateway(zone), row);
        let Body::NatGateway(nat) = &row.body else { continue };
        let address = nat.address.as_id().and_then(|id| survey.row(Kind::ElasticIp, id));
        found.extend(address.map(|row| (parts::elastic_ip(zone), row)));
    }
    match count {
        0 => NatGateways::None,
        1 if zones > 1 => NatGateways::Single,
        _ => NatGateways::PerZone,
    }
}
