//! The scalers of others, by their documentation. A minute whose load is not known changes nothing.

use lamp_plan::replay::{CapacityModel, Fleet, ReplayedMinute, Scaler};

type Decision = (u32, Option<(&'static str, String)>);

/// Room for the error of floating point.
const EPSILON: f64 = 1e-9;

/// A capacity within the bounds.
fn bounded(wanted: u32, fleet: &Fleet) -> Decision {
    let CapacityModel { min, max, .. } = fleet.model;
    (wanted.max(min).min(max.max(min)), None)
}

fn whole(wanted: f64) -> u32 {
    (wanted - EPSILON).ceil().max(0.0) as u32
}

/// Target tracking of EC2 Auto Scaling (Amazon EC2 Auto Scaling User Guide, "Target tracking scaling policies"): an
/// alarm of three minutes above the target, one of fifteen below nine tenths of it, a warm-up of 300 seconds in which what
/// was launched counts as there and nothing shrinks, and a cooldown of 300 seconds from one removal to the next.
///
/// How much it removes AWS does not say; here it is what fifteen minutes of load did not need, which never removes the
/// same instance twice.
#[derive(Debug)]
pub(super) struct TargetTracking {
    target: f64,
    /// The minute before which nothing is removed again.
    rests_until: usize,
}

const WARM_UP_MINUTES: u32 = 5;
const COOLDOWN_MINUTES: usize = 5;

impl TargetTracking {
    pub(super) fn new(target: f64) -> Self {
        Self { target, rests_until: 0 }
    }
}

impl Scaler for TargetTracking {
    fn decide(&mut self, fleet: &Fleet, past: &[ReplayedMinute], _: &[f64]) -> Decision {
        let current = fleet.capacity();
        let newest = |count: usize| past.len().checked_sub(count).map(|first| &past[first..]);
        let share = |minute: &ReplayedMinute| minute.utilisation;
        if let Some(three) = newest(3)
            && three.iter().all(|minute| share(minute) > self.target)
        {
            let wanted = whole(f64::from(fleet.serving()) * share(&three[2]) / self.target);
            return bounded(current.max(wanted), fleet);
        }
        let warming = current - fleet.older_than(fleet.model.boot_minutes + WARM_UP_MINUTES);
        let rests = warming > 0 || fleet.minute < self.rests_until;
        if let Some(fifteen) = newest(15).filter(|_| !rests)
            && fifteen.iter().all(|minute| share(minute) < 0.9 * self.target)
        {
            let load = |minute: &ReplayedMinute| minute.utilisation * f64::from(minute.serving);
            let wanted = whole(fifteen.iter().map(load).fold(0.0, f64::max) / self.target);
            if wanted < current {
                self.rests_until = fleet.minute + COOLDOWN_MINUTES;
                return bounded(wanted, fleet);
            }
        }
        bounded(current, fleet)
    }
}

/// The Horizontal Pod Autoscaler with its defaults (Kubernetes documentation, "Horizontal Pod Autoscaling"): the newest
/// value, a tolerance of a tenth, at most doubled or four more every 15 seconds, and down to the highest
/// recommendation of five minutes.
#[derive(Debug)]
pub(super) struct PodAutoscaler {
    target: f64,
    recommendations: Vec<(usize, u32)>,
}

impl PodAutoscaler {
    pub(super) fn new(target: f64) -> Self {
        Self { target, recommendations: Vec::new() }
    }

    fn recommend(&self, fleet: &Fleet, past: &[ReplayedMinute]) -> u32 {
        let current = fleet.capacity();
        let Some(newest) = past.last().filter(|minute| minute.utilisation.is_finite()) else {
            return current;
        };
        let ratio = newest.utilisation / self.target;
        let (serving, unready) =
            (f64::from(fleet.serving()), f64::from(current.saturating_sub(fleet.serving())));
        let wanted = ratio * serving + if ratio < 1.0 { unready } else { 0.0 };
        let adjusted = wanted / f64::from(current);
        let turned = (ratio < 1.0) != (adjusted < 1.0);
        if turned || (adjusted - 1.0).abs() <= 0.1 { current } else { whole(wanted) }
    }
}

impl Scaler for PodAutoscaler {
    fn decide(&mut self, fleet: &Fleet, past: &[ReplayedMinute], _: &[f64]) -> Decision {
        let (current, wanted) = (fleet.capacity(), self.recommend(fleet, past));
        self.recommendations.push((fleet.minute, wanted));
        self.recommendations.retain(|(minute, _)| minute + 5 > fleet.minute);
        if wanted > current {
            // Four periods of 15 seconds in a minute.
            return bounded(wanted.min((current * 16).max(current + 16)), fleet);
        }
        let highest = self.recommendations.iter().map(|(_, wanted)| *wanted).max().unwrap_or(current);
        bounded(current.min(highest), fleet)
    }
}
