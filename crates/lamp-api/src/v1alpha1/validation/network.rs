//! Region, address range and Availability Zones.

use ipnet::Ipv4Net;

use super::bounds::{only, unique};
use crate::FieldError;
use crate::v1alpha1::{LampStackSpec, Network, Zones};

/// The private ranges of RFC 1918.
const PRIVATE: [([u8; 4], u8); 3] = [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16)];

/// A region of AWS has at most six zones.
const MAX_ZONES: usize = 6;

pub(super) fn check(spec: &LampStackSpec, errors: &mut Vec<FieldError>) {
    if !is_region(&spec.region) {
        let detail = "must be an AWS region such as eu-central-1";
        errors.push(FieldError::invalid("spec.region", &spec.region, detail));
    }
    cidr(&spec.network.cidr, errors);
    zone_count(&spec.network, errors);
    subnets_in_two_zones(spec, errors);
    if let Zones::Names(names) = &spec.network.zones {
        zone_names(names, &spec.region, errors);
    }
}

/// `eu-central-1`, `us-gov-west-1`: two letters, one or more words, and a number.
pub(super) fn is_region(region: &str) -> bool {
    let parts: Vec<&str> = region.split('-').collect();
    let [area, words @ .., number] = parts.as_slice() else { return false };
    area.len() == 2
        && only(area, |c| c.is_ascii_lowercase())
        && !words.is_empty()
        && words.iter().all(|word| only(word, |c| c.is_ascii_lowercase()))
        && number.len() <= 2
        && only(number, |c| c.is_ascii_digit())
}

fn cidr(text: &str, errors: &mut Vec<FieldError>) {
    const FIELD: &str = "spec.network.cidr";
    let Ok(net) = text.parse::<Ipv4Net>() else {
        errors.push(FieldError::invalid(FIELD, text, "must be an IPv4 range such as 10.20.0.0/16"));
        return;
    };
    if net.addr() != net.network() {
        let detail = format!("has host bits set; the range is {}", net.trunc());
        errors.push(FieldError::invalid(FIELD, text, detail));
    }
    if !(16..=22).contains(&net.prefix_len()) {
        let detail =
            "must be from /16, AWS's largest, to /22, which holds three subnets in each of six zones";
        errors.push(FieldError::invalid(FIELD, text, detail));
    }
    if !PRIVATE.iter().any(|(start, prefix)| contains(*start, *prefix, &net)) {
        let detail = "must lie within a private range: 10.0.0.0/8, 172.16.0.0/12 or 192.168.0.0/16";
        errors.push(FieldError::invalid(FIELD, text, detail));
    }
}

fn contains(start: [u8; 4], prefix: u8, net: &Ipv4Net) -> bool {
    Ipv4Net::new(start.into(), prefix).is_ok_and(|private| private.contains(net))
}

fn zone_count(network: &Network, errors: &mut Vec<FieldError>) {
    const FIELD: &str = "spec.network.zones";
    match network.zones.count() {
        0 => errors.push(FieldError::invalid(FIELD, 0, "a site needs at least one zone")),
        1 if !network.single_zone => {
            let detail =
                "one zone means an outage whenever AWS loses it; take 2, or consent with singleZone: true";
            errors.push(FieldError::invalid(FIELD, 1, detail));
        }
        count if count > MAX_ZONES => {
            let detail = format!("no region has more than {MAX_ZONES} zones");
            errors.push(FieldError::invalid(FIELD, count, detail));
        }
        _ => {}
    }
}

/// `CreateLoadBalancer` refuses an Application Load Balancer, and `CreateDBSubnetGroup` a group, in a single zone.
fn subnets_in_two_zones(spec: &LampStackSpec, errors: &mut Vec<FieldError>) {
    if spec.network.zones.count() != 1 {
        return;
    }
    let balanced = spec.tiers.iter().any(|tier| tier.load_balancer.is_some());
    let needs = [("a load balancer", balanced), ("a database", spec.database.is_some())];
    for (what, _) in needs.into_iter().filter(|(_, needed)| *needed) {
        let detail = format!("one zone cannot hold {what}: AWS wants subnets in two zones");
        errors.push(FieldError::invalid("spec.network.zones", 1, detail));
    }
}

fn zone_names(names: &[String], region: &str, errors: &mut Vec<FieldError>) {
    let path = |index: usize| format!("spec.network.zones[{index}]");
    for (index, name) in names.iter().enumerate() {
        if !is_zone_of(name, region) {
            let detail = format!("is no Availability Zone of {region}; those are {region}a, {region}b, …");
            errors.push(FieldError::invalid(path(index), name, detail));
        }
    }
    unique(errors, names.iter().map(String::as_str), path);
}

fn is_zone_of(name: &str, region: &str) -> bool {
    name.strip_prefix(region).is_some_and(|rest| rest.len() == 1 && only(rest, |c| c.is_ascii_lowercase()))
}
