//! A simulated AWS region behind the port: life cycles with their true durations, stale readings, faults, load.
//!
//! It must not know tokio, the AWS SDK or real time, nor anything of plans and stores. Time comes from a
//! [`TimeSource`]; the same seed and the same calls at the same times give the same answers.
//!
//! Start at [`Simulator`]; the truth behind it is [`World`].

mod aftermath;
mod agenda;
mod calls;
mod clock;
mod config;
mod consistency;
mod dice;
mod faults;
mod hands;
mod iam;
mod kinds;
mod live;
mod readings;
mod refusal;
mod requests;
mod throttle;
mod violations;
mod world;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

pub use calls::{Asked, Call, Effect};
pub use clock::{TimeSource, VirtualClock};
pub use config::{Config, Durations, Lag, Span};
pub use faults::{
    BadLaunch, BrownOut, Crowding, Fate, Fault, Faults, MetricSpell, MetricTrouble, Moment, Shortage, Spell,
};
use lamp_cloud::{Applied, Cloud, CloudError, Read, Reading, Request};
pub use live::load::{Load, Recorded, SiteLoad, Spike};
pub use world::{Snapshot, Truth, World};

/// Something done by hand that AWS refuses: its code and message.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{code}: {message}")]
pub struct ByHandError {
    pub code: &'static str,
    pub message: String,
}

impl From<refusal::Refusal> for ByHandError {
    fn from(refusal: refusal::Refusal) -> Self {
        Self { code: refusal.code, message: refusal.message }
    }
}

/// A simulated region. Clones are the same region.
#[derive(Clone)]
pub struct Simulator {
    region: Arc<str>,
    world: Arc<Mutex<World>>,
    time: Arc<dyn TimeSource>,
}

impl Simulator {
    pub fn new(config: Config, time: Arc<dyn TimeSource>) -> Self {
        let region = Arc::from(config.region.as_str());
        let world = World::new(config, time.now());
        Self { region, world: Arc::new(Mutex::new(world)), time }
    }

    /// The truth of the region, as it is now. Calls wait while the guard is held.
    pub fn world(&self) -> MutexGuard<'_, World> {
        let mut world = self.world.lock().unwrap_or_else(PoisonError::into_inner);
        world.settle(self.time.now());
        world
    }

    /// Makes one reading call, at once.
    ///
    /// # Errors
    /// As [`Cloud::read`].
    pub fn read_now(&self, read: &Read) -> Result<Reading, CloudError> {
        self.world().read(read)
    }

    /// Makes one mutating call, at once.
    ///
    /// # Errors
    /// As [`Cloud::apply`].
    pub fn apply_now(&self, request: &Request) -> Result<Applied, CloudError> {
        self.world().call(request)
    }
}

impl fmt::Debug for Simulator {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Simulator").field("region", &self.region).finish_non_exhaustive()
    }
}

impl Cloud for Simulator {
    fn region(&self) -> &str {
        &self.region
    }

    async fn read(&self, read: &Read) -> Result<Reading, CloudError> {
        self.read_now(read)
    }

    async fn apply(&self, request: &Request) -> Result<Applied, CloudError> {
        self.apply_now(request)
    }
}
