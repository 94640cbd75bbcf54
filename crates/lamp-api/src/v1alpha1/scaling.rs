//! How capacity follows load, the clock and the forecast, for instances and read replicas.

mod behavior;
mod formula;
mod metric;
mod policy;
mod schedule;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use behavior::*;
pub use formula::*;
pub use metric::*;
pub use policy::*;
pub use schedule::*;

/// Policies, and how fast they may act. Capacity grows if any policy wants it, and shrinks only if all agree.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Scaling {
    /// What the capacity follows. Default: nothing; capacity stays as the spec says.
    #[serde(default)]
    pub policies: Vec<ScalingPolicy>,

    /// How fast, and how surely, capacity may change.
    #[serde(default)]
    pub behavior: ScalingBehavior,
}

impl Scaling {
    /// Whether AWS changes the capacity, and Lamplighter leaves it alone.
    pub fn is_owned_by_aws(&self) -> bool {
        self.policies.iter().any(|policy| policy.owner == PolicyOwner::Aws)
    }
    /// Whether any policy needs something to measure; the clock alone does not.
    pub fn is_measured(&self) -> bool {
        self.policies.iter().any(|policy| policy.kind != ScalingPolicyType::Scheduled)
    }
}
