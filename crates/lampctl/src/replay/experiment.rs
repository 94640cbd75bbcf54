//! Policies living through a load, and what came of each.

use jiff::{SignedDuration, Timestamp};
use lamp_plan::replay::{CapacityModel, Production, ReplayedMinute, Summary, replay, target_share};

use super::candidate::sentence;
use super::{Candidate, Load};

/// Policies beside each other.
#[derive(Clone, Debug)]
pub(crate) struct Experiment {
    pub(crate) load: Load,
    pub(crate) model: Model,
    /// `instances` or `replicas`.
    pub(crate) unit: &'static str,
    pub(crate) price_per_hour: Option<f64>,
    pub(crate) runs: Vec<Run>,
}

/// What instances are taken to be able to do.
#[derive(Clone, Debug)]
pub(crate) struct Model {
    /// Units of load a minute that one serves with all of its CPU.
    pub(crate) per_instance: f64,
    pub(crate) boot_minutes: u32,
    /// Where the numbers are from.
    pub(crate) sentence: String,
}

/// What came of one of them.
#[derive(Clone, Debug)]
pub(crate) struct Run {
    pub(crate) label: String,
    /// Its policies, and the bounds that they keep to; none for what really happened.
    pub(crate) policies: Option<(String, u32, u32)>,
    /// The share of their CPU that instances are to be kept at.
    pub(crate) share: f64,
    pub(crate) minutes: Vec<ReplayedMinute>,
    pub(crate) summary: Summary,
    pub(crate) decisions: Vec<Decided>,
}

/// A decision that changed the capacity.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Decided {
    pub(crate) at: Timestamp,
    pub(crate) action: String,
    pub(crate) reason: String,
}

impl Model {
    /// Instances that keep to a share of their CPU in each minute; `NaN` where the load is not known.
    pub(crate) fn needed(&self, loads: &[f64], share: f64) -> Vec<f64> {
        let model = self.with_bounds(0, 0);
        loads.iter().map(|load| model.needed(*load, share).unwrap_or(f64::NAN)).collect()
    }

    fn with_bounds(&self, min: u32, max: u32) -> CapacityModel {
        CapacityModel { per_instance: self.per_instance, boot_minutes: self.boot_minutes, min, max }
    }
}

impl Run {
    /// Lets policies live through a load.
    pub(crate) fn of(candidate: &Candidate, load: &Load, model: &Model) -> Self {
        let scaled = &candidate.scaled;
        let share = target_share(&scaled.scaling);
        let mut production = Production::new(&scaled.scaling, load.began);
        let minutes = replay(&mut production, model.with_bounds(scaled.min, scaled.max), &load.loads, share);
        Self {
            label: candidate.label.clone(),
            policies: Some((sentence(&scaled.scaling), scaled.min, scaled.max)),
            share,
            summary: Summary::of(&minutes),
            decisions: decisions(load.began, &minutes),
            minutes,
        }
    }
}

/// What was decided, apart from staying as it is.
fn decisions(began: Timestamp, minutes: &[ReplayedMinute]) -> Vec<Decided> {
    let made = (0i64..).zip(minutes).filter_map(|(minute, lived)| {
        let (action, reason) = lived.decision.clone().filter(|(action, _)| *action != "Hold")?;
        let at = began.saturating_add(SignedDuration::from_secs(minute * 60)).ok()?;
        Some(Decided { at, action: action.to_owned(), reason })
    });
    made.collect()
}
