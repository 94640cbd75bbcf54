//! Deaths at two boundaries: the second daemon dies as well, somewhere after the first.

use std::collections::BTreeMap;
use std::time::Duration;

use anyhow::{Result, ensure};

use super::trouble::calm;
use crate::{Site, specs};

const STEP: Duration = Duration::from_secs(15);
const LIMIT: Duration = Duration::from_secs(3 * 3600);
const QUIET_STEP: Duration = Duration::from_secs(3600);
const QUIET: Duration = Duration::from_secs(24 * 3600);

/// How many boundaries a site passes while it comes up, and what there is then.
///
/// # Errors
/// When it does not come up.
pub fn boundaries(spec: &str) -> Result<(usize, BTreeMap<String, usize>)> {
    let (site, _) = come_up(spec, &[usize::MAX])?;
    Ok((site.gate.passed().len(), site.census()))
}

/// Comes up, dying at each of these boundaries, each counted from the death before.
fn come_up(spec: &str, deaths: &[usize]) -> Result<(Site, usize)> {
    let mut site = Site::new(crate::SiteOptions { judged: true, ..calm(1) })?;
    let key = site.apply(&specs::load(spec)?)?;
    let mut deaths = deaths.iter();
    let mut died = 0;
    site.gate.crash_at(deaths.next().copied().unwrap_or(usize::MAX));
    while site.run_until(STEP, LIMIT, |site| site.is_ready(&key))?.is_err() {
        died += 1;
        site.restart()?;
        if let Some(next) = deaths.next() {
            site.gate.crash_at(*next);
        }
    }
    Ok((site, died))
}

/// A site comes up though its daemon dies at one boundary, and the next one at another after that; nothing is there
/// twice, and nothing more is done for a day.
///
/// # Errors
/// What was broken.
pub fn dies_twice(
    spec: &str,
    first: usize,
    second: usize,
    census: &BTreeMap<String, usize>,
) -> Result<usize> {
    let (mut site, died) = come_up(spec, &[first, second])?;
    site.gate.revive();
    site.run_for(STEP, Duration::from_secs(1800))??;
    let before = site.mutations();
    site.run_for(QUIET_STEP, QUIET)??;
    ensure!(before == site.mutations(), "L1: dead at {first} and {second}: not settled: {}", site.story()?);
    ensure!(*census == site.census(), "D5: dead at {first} and {second}: {:#?}", site.census());
    let world = site.region.world();
    ensure!(world.violations().is_empty(), "dead at {first} and {second}: {:?}", world.violations());
    drop(world);
    ensure!(site.judge.is_content(), "dead at {first} and {second}: {:?}", site.judge.broken());
    Ok(died)
}
