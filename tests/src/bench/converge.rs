//! How long `specs/lamp.yaml` takes from nothing to Ready, and how long it must take.

use std::time::Duration;

use anyhow::{Result, ensure};
use lamp_cloud::Clock;

use super::critical_path::Witness;
use super::{Figures, STEP, calm};
use crate::{Site, specs};

const LIMIT: Duration = Duration::from_secs(2 * 3600);

/// Brings the site up, and watches the region meanwhile.
///
/// # Errors
/// When it does not come up.
pub fn measure() -> Result<Figures> {
    let mut site = Site::new(calm())?;
    let key = site.apply(&specs::load("lamp")?)?;
    let began = site.clock.now();
    let mut witness = Witness::new(began);
    loop {
        site.pass()??;
        witness.look(&site.region.world());
        if site.is_ready(&key)? {
            break;
        }
        ensure!(site.clock.now() < began + LIMIT, "not Ready: {}", site.story()?);
        step(&site, &mut witness);
    }
    let (critical, path) = witness.critical_path()?;
    let mut figures = Figures::default();
    figures.add("converge.sim_seconds", site.clock.now().duration_since(began).as_secs_f64());
    figures.add("converge.critical_path_seconds", critical.as_secs_f64());
    #[allow(clippy::cast_precision_loss)]
    figures.add("converge.mutations", site.mutations().values().sum::<u64>() as f64);
    figures.note(format!("critical path: {}", path.join(" > ")));
    Ok(figures)
}

/// Moves time by one period, and looks at the region whenever something happens in it.
fn step(site: &Site, witness: &mut Witness) {
    let end = site.clock.now() + STEP;
    loop {
        let next = site.region.world().next_event().filter(|at| *at < end);
        site.clock.set(next.unwrap_or(end));
        witness.look(&site.region.world());
        if next.is_none() {
            return;
        }
    }
}
