//! The evaluator of production as a scaler of the past.

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{Metric, PolicyOwner, Scaling, ScalingPolicy};
use lamp_cloud::Series;

use super::forecasts::Forecasts;
use super::{Fleet, ReplayedMinute, Scaler};
use crate::ScalingMemory;
use crate::scaling::evaluation::{Question, evaluate, measures};
use crate::scaling::finding::{Evidence, Finding};
use crate::scaling::measure::{Demand, Silence, measure};
use crate::scaling::scheduled::{self, Setting};
use crate::scaling::warm_after;

/// Metrics are read this far back.
const READ: usize = 10;

/// The evaluator of production.
#[derive(Debug)]
pub struct Production<'a> {
    scaling: &'a Scaling,
    memory: ScalingMemory,
    schedules: Option<InForce>,
    forecasts: Forecasts,
    began: Timestamp,
}

/// What schedules say until one of them fires next: working it out every minute takes longer than all else.
#[derive(Debug)]
struct InForce {
    until: Option<Timestamp>,
    bounds: (Option<u32>, Option<u32>),
    setting: Option<Setting>,
}

impl<'a> Production<'a> {
    /// `began` is the first minute of the load: schedules go by it.
    pub fn new(scaling: &'a Scaling, began: Timestamp) -> Self {
        Self {
            scaling,
            memory: ScalingMemory::new(began),
            schedules: None,
            forecasts: Forecasts::default(),
            began,
        }
    }

    fn at(&self, minute: usize) -> Timestamp {
        let seconds = i64::try_from(minute).unwrap_or(i64::MAX).saturating_mul(60);
        self.began.saturating_add(SignedDuration::from_secs(seconds)).unwrap_or(self.began)
    }

    fn schedules(&mut self, now: Timestamp) -> &InForce {
        let scaling = self.scaling;
        let over = |it: &InForce| it.until.is_some_and(|until| until <= now);
        self.schedules = self.schedules.take().filter(|it| !over(it));
        self.schedules.get_or_insert_with(|| InForce {
            until: scheduled::next(scaling, now),
            bounds: scheduled::bounds(scaling, now),
            setting: scheduled::setting(scaling, now),
        })
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
        let known = minutes.filter(|(_, (_, load))| load.is_finite());
        let points = known.filter_map(|(minute, (past, load))| {
            Some((self.at(minute), value(policy.metric?, past, *load)?))
        });
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

/// What CloudWatch says of a minute; None for what does not follow from a load.
fn value(metric: Metric, minute: &ReplayedMinute, load: f64) -> Option<f64> {
    match metric {
        Metric::CPUUtilization => Some((minute.utilisation * 100.0).min(100.0)),
        Metric::RequestCountPerTarget | Metric::DatabaseConnections => {
            Some(load / f64::from(minute.serving.max(1)))
        }
        Metric::TargetResponseTime | Metric::NetworkIn | Metric::NetworkOut | Metric::ReplicaLag => None,
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
        let InForce { bounds: (min, max), setting, .. } = self.schedules(now);
        let (min, max, setting) = (*min, *max, setting.clone());
        let floors = self.forecasts.floors(self.scaling, fleet.model, (fleet.minute, now), past, loads);
        let question = Question {
            scaling: self.scaling,
            min: min.unwrap_or(fleet.model.min),
            max: max.unwrap_or(fleet.model.max),
            bound: None,
            current,
            findings: policies.map(|policy| self.find(policy, fleet, past, loads)).collect(),
            floors,
            setting,
            hold_down: (moving > 0).then(|| format!("{moving} instances are on their way in or out")),
            now,
        };
        let answer = evaluate(question, &mut self.memory);
        (answer.desired, answer.decision)
    }
}

/// A policy that a replay cannot show as it is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Unreplayed {
    /// Its place among the policies.
    pub policy: usize,
    /// The field that is the reason, below the policy.
    pub field: &'static str,
    pub why: String,
}

/// The policies that cannot be replayed: a load says nothing of what they follow, or others decide for them.
pub fn unreplayed(scaling: &Scaling) -> Vec<Unreplayed> {
    let policies = scaling.policies.iter().enumerate();
    policies.filter_map(|(index, policy)| hindrance(index, policy)).collect()
}

fn hindrance(index: usize, policy: &ScalingPolicy) -> Option<Unreplayed> {
    let refused = |field, why: String| Some(Unreplayed { policy: index, field, why });
    if policy.owner == PolicyOwner::Aws {
        let why = "AWS decides for this policy, and a replay shows what Lamplighter decides".to_owned();
        return refused("owner", why);
    }
    if policy.custom_metric.is_some() {
        return refused("customMetric", not_derived("a metric of your own"));
    }
    let metric = policy.metric.filter(|metric| !follows_from_load(*metric))?;
    refused("metric", not_derived(metric.as_str()))
}

fn not_derived(metric: &str) -> String {
    format!(
        "a load does not tell {metric}: a replay works out CPUUtilization, RequestCountPerTarget and DatabaseConnections"
    )
}

fn follows_from_load(metric: Metric) -> bool {
    let nothing = ReplayedMinute { capacity: 1, serving: 1, utilisation: 0.0, decision: None };
    value(metric, &nothing, 0.0).is_some()
}
