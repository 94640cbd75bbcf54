//! How much simulated time passes in a second of ours while a site is kept.

use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::{Figures, STEP, calm};
use crate::{Site, specs};

const HOUR: Duration = Duration::from_secs(3600);
/// Long enough to measure, and a whole day.
const SPAN: Duration = Duration::from_secs(24 * 3600);

/// A settled site, observed and planned every 15 seconds of its time, with every law checked by engine and region.
///
/// # Errors
/// When the site does not come up, is changed, or a law is broken.
pub fn measure() -> Result<Figures> {
    let mut site = Site::new(calm())?;
    let key = site.apply(&specs::load("lamp")?)?;
    site.run_until(STEP, 2 * HOUR, |site| site.is_ready(&key))??;
    site.run_for(STEP, HOUR)??;
    let mutations = site.mutations();
    let began = Instant::now();
    site.run_for(STEP, SPAN)??;
    let took = began.elapsed();
    ensure!(site.mutations() == mutations, "the site was changed");
    ensure!(site.region.world().violations().is_empty(), "{:?}", site.region.world().violations());
    let mut figures = Figures::default();
    figures.add("sim.hours_per_s", SPAN.as_secs_f64() / 3600.0 / took.as_secs_f64());
    Ok(figures)
}
