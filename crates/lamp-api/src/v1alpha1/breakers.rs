//! Limits of a whole site.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Limits that protect the whole site from Lamplighter itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Breakers {
    /// If in so many tiers many instances look sick at once, nothing is replaced anywhere in the site, 2 to 10.
    /// Default 2: what two tiers have in common is no instance.
    #[serde(default = "default_sick_tiers")]
    pub sick_tiers: u32,

    /// How often a part may be made again within an hour, because what was made failed or vanished, 1 to 20; after that
    /// a person must look. Default 3: a fourth would fail alike.
    #[serde(default = "default_remakes")]
    pub max_remakes_per_hour: u32,
}

fn default_sick_tiers() -> u32 {
    2
}

fn default_remakes() -> u32 {
    3
}

impl Default for Breakers {
    fn default() -> Self {
        Self { sick_tiers: default_sick_tiers(), max_remakes_per_hour: default_remakes() }
    }
}
