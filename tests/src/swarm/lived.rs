//! What was lived through.

use std::ops::AddAssign;
use std::time::Duration;

use super::coverage::Coverage;

/// What was lived through.
#[derive(Clone, Debug, Default)]
pub struct Lived {
    pub simulated: Duration,
    /// Passes of the daemon, with every law held against the truth after each.
    pub steps: u64,
    pub crashes: u64,
    pub instances_hurt: u64,
    pub calls_struck: u64,
    pub coverage: Coverage,
}

impl AddAssign for Lived {
    fn add_assign(&mut self, other: Self) {
        self.simulated += other.simulated;
        self.steps += other.steps;
        self.crashes += other.crashes;
        self.instances_hurt += other.instances_hurt;
        self.calls_struck += other.calls_struck;
        self.coverage += other.coverage;
    }
}
