//! What scaling policies would have done with a load of the past: the evaluator that runs in production, over recorded
//! load and a stated model of capacity.
//!
//! It must not decide anything itself: how many are wanted comes from [`crate::scaling`].

mod forecasts;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{Metric, Scaling, ScalingPolicy};
use lamp_cloud::Series;

use self::forecasts::Forecasts;
use crate::ScalingMemory;
use crate::scaling::evaluation::{Question, evaluate, measures};
use crate::scaling::finding::{Evidence, Finding};
use crate::scaling::measure::{Demand, Silence, measure};
use crate::scaling::{scheduled, warm_after};

/// CloudWatch has a minute about one minute after it is over.
const PUBLISHED_AFTER: usize = 1;
/// Metrics are read this far back.
const READ: usize = 10;

/// What instances can do, and how soon.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CapacityModel {
    /// Units of load a minute that one instance serves with all of its CPU.
    pub per_instance: f64,
    /// Minutes from the launch of an instance until it serves.
    pub boot_minutes: u32,
    pub min: u32,
    pub max: u32,
}

impl CapacityModel {
    /// The share of its CPU that each instance uses, 1 for all of it; more, where more is asked of them than they can do.
    pub fn utilisation(&self, load: f64, serving: u32) -> f64 {
        load / (f64::from(serving.max(1)) * self.per_instance)
    }
}

/// One minute of a replay.
#[derive(Clone, Debug, PartialEq)]
pub struct ReplayedMinute {
    /// Instances that are paid for.
    pub capacity: u32,
    /// Those that serve.
    pub serving: u32,
    /// The share of their CPU that they use; more than 1, where the load is more than they can serve.
    pub utilisation: f64,
    /// What was decided, in the words of production.
    pub decision: Option<(&'static str, String)>,
}

/// Whatever decides how many instances there should be.
pub trait Scaler {
    /// The wanted capacity at the beginning of a minute, and what there is to say of it. `past` are the minutes whose
    /// metrics are published, `loads` their loads.
    fn decide(
        &mut self,
        fleet: &Fleet,
        past: &[ReplayedMinute],
        loads: &[f64],
    ) -> (u32, Option<(&'static str, String)>);
}

/// The instances of a moment.
#[derive(Clone, Debug)]
pub struct Fleet {
    pub model: CapacityModel,
    /// The minute that begins now.
    pub minute: usize,
    /// When each instance was launched, oldest first.
    launched: Vec<i64>,
}

impl Fleet {
    fn new(model: CapacityModel, first_load: f64, target: f64) -> Self {
        let wanted = (first_load / (model.per_instance * target)).ceil().max(0.0) as u32;
        let fleet = wanted.max(model.min).min(model.max.max(model.min));
        let launched = vec![i64::MIN / 2; usize::try_from(fleet).unwrap_or(usize::MAX)];
        Self { model, minute: 0, launched }
    }

    /// How many there are.
    pub fn capacity(&self) -> u32 {
        u32::try_from(self.launched.len()).unwrap_or(u32::MAX)
    }

    /// How many were launched at least so many minutes ago.
    pub fn older_than(&self, minutes: u32) -> u32 {
        let now = i64::try_from(self.minute).unwrap_or(i64::MAX);
        let old =
            self.launched.iter().filter(|launched| now.saturating_sub(**launched) >= i64::from(minutes));
        u32::try_from(old.count()).unwrap_or(u32::MAX)
    }

    /// How many serve.
    pub fn serving(&self) -> u32 {
        self.older_than(self.model.boot_minutes)
    }

    /// Launches what is missing, and removes the newest of what is too much.
    fn set(&mut self, wanted: u32) {
        let wanted = wanted.max(self.model.min).min(self.model.max.max(self.model.min));
        let now = i64::try_from(self.minute).unwrap_or(i64::MAX);
        self.launched.resize(usize::try_from(wanted).unwrap_or(usize::MAX), now);
    }
}

/// Lives through a load, one number a minute. The fleet begins with what the first minute needs at the target share.
pub fn replay(
    scaler: &mut dyn Scaler,
    model: CapacityModel,
    loads: &[f64],
    target_share: f64,
) -> Vec<ReplayedMinute> {
    let mut fleet = Fleet::new(model, loads.first().copied().unwrap_or_default(), target_share);
    let mut minutes: Vec<ReplayedMinute> = Vec::with_capacity(loads.len());
    for (minute, load) in loads.iter().enumerate() {
        fleet.minute = minute;
        let known = minutes.len().saturating_sub(PUBLISHED_AFTER);
        let (past, published) =
            (minutes.get(..known).unwrap_or_default(), loads.get(..known).unwrap_or_default());
        let (wanted, decision) = scaler.decide(&fleet, past, published);
        fleet.set(wanted);
        let serving = fleet.serving();
        let utilisation = model.utilisation(*load, serving);
        minutes.push(ReplayedMinute { capacity: fleet.capacity(), serving, utilisation, decision });
    }
    minutes
}

/// The evaluator of production.
#[derive(Debug)]
pub struct Production<'a> {
    scaling: &'a Scaling,
    memory: ScalingMemory,
    forecasts: Forecasts,
    began: Timestamp,
}

impl<'a> Production<'a> {
    pub fn new(scaling: &'a Scaling) -> Self {
        let began = Timestamp::UNIX_EPOCH;
        Self { scaling, memory: ScalingMemory::new(began), forecasts: Forecasts::default(), began }
    }

    fn at(&self, minute: usize) -> Timestamp {
        let seconds = i64::try_from(minute).unwrap_or(i64::MAX).saturating_mul(60);
        self.began.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(self.began)
    }

    fn find(
        &self,
        policy: &'a ScalingPolicy,
        fleet: &Fleet,
        past: &[ReplayedMinute],
        loads: &[f64],
    ) -> Finding<'a> {
        let first = past.len().saturating_sub(READ);
        let minutes = past.iter().zip(loads).enumerate().skip(first);
        let points = minutes
            .filter_map(|(minute, (past, load))| Some((self.at(minute), value(policy.metric?, past, *load))));
        let series = Series { points: points.collect(), incomplete: false };
        let warm = u32::try_from(warm_after(policy, self.scaling).as_secs()).unwrap_or(u32::MAX);
        let warm = warm.div_ceil(60).max(fleet.model.boot_minutes);
        let measured = fleet.older_than(warm);
        let minutes = measure(Some(&series), &Demand::of(policy), self.at(fleet.minute));
        let evidence = minutes.and_then(|minutes| {
            if measured == 0 {
                return Err(Silence::NobodyMeasured);
            }
            Ok(Evidence { minutes, measured, missing: 0 })
        });
        Finding { policy, evidence }
    }
}

/// What CloudWatch says of a minute.
fn value(metric: Metric, minute: &ReplayedMinute, load: f64) -> f64 {
    match metric {
        Metric::CPUUtilization => (minute.utilisation * 100.0).min(100.0),
        // Load is what it counts; no other metric follows from the load alone, and none is replayed.
        _ => load / f64::from(minute.serving.max(1)),
    }
}

impl Scaler for Production<'_> {
    fn decide(
        &mut self,
        fleet: &Fleet,
        past: &[ReplayedMinute],
        loads: &[f64],
    ) -> (u32, Option<(&'static str, String)>) {
        let current = fleet.capacity();
        let moving = current - fleet.serving();
        let policies = self.scaling.policies.iter().filter(|policy| measures(policy.kind));
        let now = self.at(fleet.minute);
        let (min, max) = scheduled::bounds(self.scaling, now);
        let floors = self.forecasts.floors(self.scaling, fleet.model, (fleet.minute, now), past, loads);
        let question = Question {
            scaling: self.scaling,
            min: min.unwrap_or(fleet.model.min),
            max: max.unwrap_or(fleet.model.max),
            bound: None,
            current,
            findings: policies.map(|policy| self.find(policy, fleet, past, loads)).collect(),
            floors,
            setting: scheduled::setting(self.scaling, now),
            hold_down: (moving > 0).then(|| format!("{moving} instances are on their way in or out")),
            now,
        };
        let answer = evaluate(question, &mut self.memory);
        (answer.desired, answer.decision)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MODEL: CapacityModel = CapacityModel { per_instance: 100.0, boot_minutes: 2, min: 2, max: 20 };

    fn scaling() -> Scaling {
        let policy = ScalingPolicy {
            metric: Some(Metric::CPUUtilization),
            target: Some(60.0),
            ..ScalingPolicy::default()
        };
        Scaling { policies: vec![policy], ..Scaling::default() }
    }

    fn lived(loads: &[f64]) -> Vec<ReplayedMinute> {
        let scaling = scaling();
        replay(&mut Production::new(&scaling), MODEL, loads, 0.6)
    }

    #[test]
    fn steady_load_changes_nothing() {
        let minutes = lived(&[300.0; 300]);
        assert!(minutes.iter().all(|minute| (minute.capacity, minute.serving) == (5, 5)), "{minutes:?}");
    }

    #[test]
    fn a_jump_is_followed_when_its_first_minute_is_published_and_the_way_back_waits_for_the_window() {
        let mut loads = vec![300.0; 60];
        loads.extend([600.0; 60]);
        loads.extend([300.0; 120]);
        let minutes = lived(&loads);
        let first = |is: &dyn Fn(&ReplayedMinute) -> bool| minutes.iter().position(is).unwrap();
        assert_eq!(first(&|minute| minute.capacity > 5), 62, "a minute to be over, and one to be published");
        assert!(minutes[70..118].iter().all(|minute| minute.utilisation <= 0.67), "{:?}", &minutes[70..118]);
        let back = minutes[120..].iter().position(|minute| minute.capacity < minutes[119].capacity).unwrap();
        assert!((38..=47).contains(&back), "{back}");
        assert_eq!(minutes.last().unwrap().capacity, 5);
    }

    #[test]
    fn the_words_are_those_of_production() {
        let mut loads = vec![300.0; 10];
        loads.extend([500.0; 10]);
        let minutes = lived(&loads);
        let (action, reason) = minutes[12].decision.clone().unwrap();
        assert_eq!(
            (action, reason.as_str()),
            ("ScaleUp", "5 -> 9: CPUUtilization 100 in the newest minute against a target of 60 on 5")
        );
    }
}
