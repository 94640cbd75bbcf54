//! A swarm of random troubles, each drawn from its seed alone: `cargo xtask sim`.
//!
//! For some time a site meets stale readings, failing calls, crashes of the daemon and lost instances. Then all is calm,
//! and the site must come to what it is without any trouble, stay there, and have broken no law meanwhile.

mod trial;
mod trouble;

use std::collections::BTreeMap;
use std::sync::Mutex;
use std::sync::PoisonError;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use anyhow::Result;

pub use trial::{Census, Lived, calm_census, run};
pub use trouble::Trouble;

use crate::specs;

/// What a swarm went through.
#[derive(Debug, Default)]
pub struct Summary {
    pub seeds: u64,
    /// Seeds that failed, with what was wrong.
    pub failures: BTreeMap<u64, String>,
    pub lived: Lived,
}

/// Takes one seed after the other from `first` for so long; at least one for each worker.
///
/// # Errors
/// When a site does not even come up without trouble.
pub fn swarm(
    first: u64,
    span: Duration,
    workers: usize,
    failed: impl Fn(u64, &str) + Sync,
) -> Result<Summary> {
    let census = specs::ALL
        .iter()
        .map(|(name, _)| Ok(((*name).to_owned(), calm_census(name)?)))
        .collect::<Result<BTreeMap<String, Census>>>()?;
    let next = AtomicU64::new(first);
    let summary = Mutex::new(Summary::default());
    let end = Instant::now() + span;
    std::thread::scope(|scope| {
        for _ in 0..workers {
            scope.spawn(|| {
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    let outcome = run(&Trouble::draw(seed), &census);
                    let mut summary = summary.lock().unwrap_or_else(PoisonError::into_inner);
                    summary.seeds += 1;
                    match outcome {
                        Ok(lived) => summary.lived += lived,
                        Err(error) => {
                            let story = format!("{error:#}");
                            failed(seed, &story);
                            summary.failures.insert(seed, story);
                        }
                    }
                    drop(summary);
                    if Instant::now() >= end {
                        return;
                    }
                }
            });
        }
    });
    Ok(summary.into_inner().unwrap_or_else(PoisonError::into_inner))
}
