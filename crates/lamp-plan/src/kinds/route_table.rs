//! Route tables: one for the public layer, one per zone for instances, one without a way out for data.

use std::collections::BTreeMap;

use lamp_cloud::kinds::route_table::RouteTable;
use lamp_cloud::{Part, Reference};

use super::{nat_gateway, to, zones};
use crate::parts::Layer;
use crate::{PlanInput, Wanted, parts};

const ANYWHERE: &str = "0.0.0.0/0";

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    let layer = |layer| zones(input).map(|zone| to(&parts::subnet(layer, zone))).collect();
    let mut wanted = vec![
        table(parts::public_route_table(), Some(parts::internet_gateway()), layer(Layer::Public)),
        table(parts::data_route_table(), None, layer(Layer::Data)),
    ];
    wanted.extend(zones(input).map(|zone| {
        let nat = nat_gateway::serving(input, zone).map(parts::nat_gateway);
        table(parts::application_route_table(zone), nat, vec![to(&parts::subnet(Layer::Application, zone))])
    }));
    wanted
}

fn table(part: Part, default: Option<Part>, subnets: Vec<Reference>) -> Wanted {
    let routes: BTreeMap<_, _> = default.iter().map(|target| (ANYWHERE.to_owned(), to(target))).collect();
    Wanted::new(
        part,
        RouteTable { vpc: to(&parts::vpc()), routes, subnets, associations: BTreeMap::default() },
    )
}
