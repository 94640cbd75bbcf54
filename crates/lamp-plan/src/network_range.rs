//! Address ranges of subnets: the VPC's range in quarters by layer, each quarter in eighths by zone.

use ipnet::Ipv4Net;

use crate::parts::Layer;

/// Why a range cannot be cut.
#[derive(Debug, thiserror::Error)]
pub enum RangeError {
    #[error("spec.network.cidr {cidr:?} is no IPv4 range: {source}")]
    NotARange { cidr: String, source: ipnet::AddrParseError },
    #[error("spec.network.cidr {cidr} has no room for a subnet of zone {zone}; take a larger range")]
    NoRoom { cidr: Ipv4Net, zone: usize },
}

/// Bits that tell layers apart: four quarters, of which the last stays free.
const LAYER_BITS: u8 = 2;
/// Bits that tell zones apart: AWS has no region with more than eight.
const ZONE_BITS: u8 = 3;

/// The range of the subnet of a layer in the zone with this number, from 1.
///
/// # Errors
/// The range cannot be read, or is too small.
pub fn subnet(cidr: &str, layer: Layer, zone: usize) -> Result<Ipv4Net, RangeError> {
    let network: Ipv4Net =
        cidr.parse().map_err(|source| RangeError::NotARange { cidr: cidr.to_owned(), source })?;
    let network = network.trunc();
    let no_room = || RangeError::NoRoom { cidr: network, zone };
    let quarter = nth(network, LAYER_BITS, layer as usize).ok_or_else(no_room)?;
    nth(quarter, ZONE_BITS, zone - 1).ok_or_else(no_room)
}

fn nth(network: Ipv4Net, bits: u8, index: usize) -> Option<Ipv4Net> {
    network.subnets(network.prefix_len() + bits).ok()?.nth(index)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn layers_are_quarters_and_zones_are_eighths() {
        let cases = [
            ("10.20.0.0/16", Layer::Public, 1, "10.20.0.0/21"),
            ("10.20.0.0/16", Layer::Public, 2, "10.20.8.0/21"),
            ("10.20.0.0/16", Layer::Application, 1, "10.20.64.0/21"),
            ("10.20.0.0/16", Layer::Data, 6, "10.20.168.0/21"),
            ("10.0.0.0/22", Layer::Data, 3, "10.0.2.64/27"),
            ("10.20.1.7/16", Layer::Public, 8, "10.20.56.0/21"),
        ];
        for (cidr, layer, zone, expected) in cases {
            assert_eq!(subnet(cidr, layer, zone).unwrap().to_string(), expected, "{cidr} {layer:?} {zone}");
        }
    }

    #[test]
    fn what_cannot_be_cut_is_an_error() {
        assert!(matches!(subnet("ten", Layer::Public, 1), Err(RangeError::NotARange { .. })));
        assert!(matches!(subnet("10.0.0.0/16", Layer::Public, 9), Err(RangeError::NoRoom { .. })));
        assert!(matches!(subnet("10.0.0.0/31", Layer::Public, 1), Err(RangeError::NoRoom { .. })));
    }
}
