//! The private network of a site.

use std::borrow::Cow;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

/// A VPC with public, application and data subnets in each zone.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Network {
    /// IPv4 range of the VPC, from /16 to /22. Immutable.
    /// Default `10.20.0.0/16`: the largest that AWS allows, away from the 10.0.0.0/16 that everything else uses.
    #[serde(default = "default_cidr")]
    pub cidr: String,

    /// Availability Zones: a number, or the names (`[eu-central-1a, eu-central-1b]`). Immutable.
    /// Default 2: the fewest with which the loss of a zone is survived.
    #[serde(default)]
    pub zones: Zones,

    /// Consents to a single zone, for tiers without load balancer and without database: AWS wants both in two zones.
    /// Default false: one zone means an outage whenever AWS loses it.
    #[serde(default)]
    pub single_zone: bool,

    /// Way out to the internet for private subnets: `PerZone`, `Single` or `None`.
    /// Default `PerZone`: the loss of one zone does not cut off the others.
    #[serde(default)]
    pub nat_gateways: NatGateways,
}

fn default_cidr() -> String {
    "10.20.0.0/16".to_owned()
}

impl Default for Network {
    fn default() -> Self {
        Self {
            cidr: default_cidr(),
            zones: Zones::default(),
            single_zone: false,
            nat_gateways: NatGateways::default(),
        }
    }
}

/// How many zones, or which.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Zones {
    Count(u8),
    Names(Vec<String>),
}

impl Default for Zones {
    fn default() -> Self {
        Self::Count(2)
    }
}

impl Zones {
    /// How many zones the site spans.
    pub fn count(&self) -> usize {
        match self {
            Self::Count(count) => usize::from(*count),
            Self::Names(names) => names.len(),
        }
    }
}

// Written by hand: a number *or* a list has no derive that yields a structural schema.
impl JsonSchema for Zones {
    fn schema_name() -> Cow<'static, str> {
        "Zones".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "anyOf": [
                {"type": "integer", "minimum": 1, "maximum": 6},
                {"type": "array", "items": {"type": "string"}, "minItems": 1, "maxItems": 6}
            ]
        })
    }

    fn inline_schema() -> bool {
        true
    }
}

/// The way out to the internet for private subnets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NatGateways {
    /// One in each zone.
    #[default]
    PerZone,
    /// One for all zones: cheaper, and lost with its zone.
    Single,
    /// None: private instances reach nothing outside the VPC.
    None,
}
