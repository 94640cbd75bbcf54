//! The figures of `cargo xtask bench`: each is a count, or a time that is printed and asserted nowhere.
//!
//! It must not know AWS: everything but the API's figures is measured in a simulated region on one thread.

pub mod api;
pub mod converge;
mod critical_path;
pub mod decisions;
mod figures;
mod process;
mod replay;
pub mod scaling;
mod serving;
pub mod speed;
pub mod sweep;
pub mod watch;

use std::time::Duration;

use anyhow::Result;
use lamp_sim::Load;
use serde_json::{Value, json};

pub use figures::Figures;

use crate::{SiteOptions, specs};

/// Time moves by the period of observation.
const STEP: Duration = Duration::from_secs(15);

/// A calm region with the same few visitors at all times, so that nothing scales.
fn calm() -> SiteOptions {
    let mut options = SiteOptions::calm(1);
    options.region.load = Load::steady(40.0);
    options
}

/// The same without AWS's rates: how long it takes until all is there and was read is not what is measured.
fn unpaced() -> SiteOptions {
    let mut options = calm();
    options.settings.rate_percent = 5000;
    options
}

/// `specs/lamp.yaml` under another name.
fn shop(name: &str) -> Result<Value> {
    let mut spec = specs::load("lamp")?;
    spec["metadata"]["name"] = json!(name);
    Ok(spec)
}
