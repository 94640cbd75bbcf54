//! What it costs to decide: the CPU of one decision for each of a thousand tiers with five policies each.

use anyhow::{Context, Result};
use lamp_api::v1alpha1::Scaling;
use lamp_plan::replay::{CapacityModel, Production, replay};
use serde_json::json;

use super::Figures;
use super::process::cpu;

const TIERS: usize = 1000;
const MINUTES: u32 = 20;

/// # Errors
/// When the kernel does not say what was used.
pub fn measure() -> Result<Figures> {
    let scaling = scaling()?;
    let model = CapacityModel { per_instance: 100.0, boot_minutes: 2, min: 2, max: 20 };
    let loads: Vec<f64> = (0..MINUTES).map(|minute| 300.0 + f64::from(minute % 7) * 40.0).collect();
    let began = cpu()?;
    for _ in 0..TIERS {
        replay(&mut Production::new(&scaling, jiff::Timestamp::UNIX_EPOCH), model, &loads, 0.6);
    }
    let took = cpu()?.saturating_sub(began);
    let mut figures = Figures::default();
    figures.add("scaling.decisions_cpu_ms.1000", took.as_secs_f64() * 1000.0 / f64::from(MINUTES));
    Ok(figures)
}

fn scaling() -> Result<Scaling> {
    let policies = json!([
        {"metric": "CPUUtilization", "target": 60},
        {"metric": "RequestCountPerTarget", "target": 60},
        {"type": "Step", "metric": "CPUUtilization", "steps": [{"from": 80, "adjustment": 2}, {"to": 20, "adjustment": -1}]},
        {"type": "Simple", "metric": "CPUUtilization", "threshold": 90, "adjustment": 4},
        {"type": "Scheduled", "schedule": "0 8 * * MON-FRI", "timeZone": "Europe/Berlin", "min": 3},
    ]);
    serde_json::from_value(json!({"policies": policies})).context("no scaling")
}
