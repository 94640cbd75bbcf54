//! The harness: a real engine, a real store and a simulated region, driven step by step on one thread.
//!
//! It knows no AWS SDK, so that scenarios and benchmarks build in seconds.

pub mod account;
pub mod bench;
pub mod bugs;
pub mod contract;
pub mod counting;
pub mod crash;
pub mod daemon;
pub mod disk;
pub mod drift;
pub mod fire;
pub mod foreign;
pub mod generated;
pub mod laws;
pub mod peers;
pub mod proxy;
pub mod schema;
pub mod site;
pub mod specs;
pub mod swarm;
pub mod watch;
pub mod way;

/// Planning and decoding in a loop are for the most part allocations, for which glibc takes twice as long.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

pub use counting::{Calls, Counting};
pub use crash::{Boundary, Crashing, CrashingBackend, Gate};
pub use site::{Site, SiteOptions};
