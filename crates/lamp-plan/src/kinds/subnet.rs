//! Subnets: three layers in each zone.

use lamp_api::v1alpha1::Zones;
use lamp_cloud::kinds::subnet::Subnet;
use lamp_cloud::{Body, Kind, Listing};

use super::{to, zones};
use crate::network_range;
use crate::observed::held;
use crate::parts::Layer;
use crate::{PlanInput, Wanted, parts};

pub(crate) fn wanted(input: &PlanInput<'_>) -> Vec<Wanted> {
    let numbers = zones(input);
    let all = numbers.flat_map(|zone| Layer::ALL.map(|layer| (layer, zone)));
    all.map(|(layer, zone)| {
        Wanted::or_waiting(parts::subnet(layer, zone), Kind::Subnet, body(input, layer, zone))
    })
    .collect()
}

fn body(input: &PlanInput<'_>, layer: Layer, zone: usize) -> Result<Subnet, String> {
    let cidr = network_range::subnet(&input.spec.network.cidr, layer, zone).map_err(|e| e.to_string())?;
    Ok(Subnet {
        vpc: to(&parts::vpc()),
        cidr: cidr.to_string(),
        zone: zone_name(input, layer, zone)?,
        public_addresses: false,
    })
}

/// Where the subnet stands already; else where its siblings of the same number stand; else what the spec or the
/// region's list of zones says. A subnet cannot move, and AWS's list may change.
pub(crate) fn zone_name(input: &PlanInput<'_>, layer: Layer, zone: usize) -> Result<String, String> {
    let standing =
        std::iter::once(layer).chain(Layer::ALL).find_map(|layer| observed_zone(input, layer, zone));
    match (standing, &input.spec.network.zones) {
        (Some(name), _) => Ok(name),
        (None, Zones::Names(names)) => {
            names.get(zone - 1).cloned().ok_or_else(|| format!("the spec names no zone {zone}"))
        }
        (None, Zones::Count(_)) => nth_available(input, zone),
    }
}

fn observed_zone(input: &PlanInput<'_>, layer: Layer, zone: usize) -> Option<String> {
    match &held(input, &parts::subnet(layer, zone), Kind::Subnet)?.body {
        Body::Subnet(subnet) => Some(subnet.zone.clone()),
        _ => None,
    }
}

fn nth_available(input: &PlanInput<'_>, zone: usize) -> Result<String, String> {
    let region = &input.inventory.region;
    if let Some(why) = region.unknown(Listing::Zones) {
        return Err(format!("the zones of the region could not be listed: {why}"));
    }
    let mut names: Vec<&str> =
        region.zones.iter().filter(|zone| zone.available).map(|zone| zone.name.as_str()).collect();
    names.sort_unstable();
    names.get(zone - 1).map(|name| (*name).to_owned()).ok_or_else(|| {
        format!("the region has only {} available zones, and the spec wants zone number {zone}", names.len())
    })
}
