//! Grows ahead of the load that the last days let expect, where a forecast has shown that it is worth something.
//!
//! A forecast gives a floor for a while, and never a reason to shrink. It is made once for each reading of the past.

use std::collections::BTreeMap;
use std::sync::Arc;

use jiff::{SignedDuration, Timestamp};
use lamp_api::v1alpha1::{Metric, PredictiveMode, ScalingPolicy, ScalingPolicyType};
use lamp_cloud::{Histories, Part};

use super::evaluation::Floor;
use super::finding::round;
use super::forecast::{Backtest, DAY, Expected, Yardstick, expect};
use super::load::Load;
use super::past::{PERIOD_SECONDS, Past};
use super::target_tracking::EPSILON;
use crate::Draft;

/// The decision that says what is forecast.
pub(crate) const FORECAST: &str = "Forecast";
/// A floor is at most so many times what the highest load of the past needed.
const MOST: u32 = 2;

/// What the past of a metric lets expect.
#[derive(Clone, Debug, PartialEq)]
pub struct Prediction {
    /// When the past was read.
    read_at: Timestamp,
    outlook: Result<Outlook, Off>,
}

/// What is expected.
#[derive(Clone, Debug, PartialEq)]
struct Outlook {
    /// Number of the first period.
    first: i64,
    /// Load of each period.
    values: Vec<f64>,
    /// The highest load of the past.
    highest: f64,
    backtest: Backtest,
}

/// Why nothing is expected.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
enum Off {
    #[error("it has {} hours of history, needs 24", periods / 4)]
    TooShort { periods: usize },
    #[error("{}", errors(backtest))]
    NotBetter { backtest: Backtest },
    #[error("its history ends at {0}, and a forecast reaches two days")]
    Old(Timestamp),
}

/// What is needed, and when most of it is.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Need {
    capacity: u32,
    load: f64,
    at: Timestamp,
}

/// The bounds of what is scaled, and how long something new takes to serve.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Scope {
    pub(crate) min: u32,
    pub(crate) max: u32,
    /// Where a policy says none.
    pub(crate) buffer_seconds: u32,
}

/// Instances boot in two or three minutes, and become healthy.
pub(crate) const TIER_BUFFER_SECONDS: u32 = 300;
/// Read replicas are restored in some ten minutes.
pub(crate) const REPLICA_BUFFER_SECONDS: u32 = 900;

/// The floors that the predictive policies of a part give now. What they expect is told as a decision.
pub(crate) fn floors(
    draft: &mut Draft<'_>,
    part: &Part,
    policies: &[ScalingPolicy],
    scope: Scope,
    past: impl Fn(&Draft<'_>, Metric) -> Option<Past>,
) -> Vec<Floor> {
    let (mut floors, mut sentences, mut known) = (Vec::new(), Vec::new(), BTreeMap::new());
    let before = draft.plan.memory.predictions.remove(part).unwrap_or_default();
    let histories = Arc::clone(&draft.input.inventory.region.histories);
    for policy in policies.iter().filter(|policy| policy.kind == ScalingPolicyType::Predictive) {
        let Some(metric) = policy.metric else { continue };
        let Some(past) = past(draft, metric) else { continue };
        let known_before = known.get(&metric).or_else(|| before.get(&metric));
        let Some(prediction) = predict(&past, &histories, known_before) else { continue };
        let verdict = prediction.judge(policy, scope, draft.input.now);
        sentences.push(verdict.sentence);
        floors.extend(verdict.floor);
        known.insert(metric, prediction);
    }
    if !known.is_empty() {
        draft.plan.memory.predictions.insert(part.clone(), known);
    }
    if !sentences.is_empty() {
        draft.decide(part, FORECAST, sentences.join("; "));
    }
    floors
}

/// The prediction of a past; the one from before, unless the past was read again.
fn predict(past: &Past, histories: &Histories, before: Option<&Arc<Prediction>>) -> Option<Arc<Prediction>> {
    let before = before.cloned();
    // What is being read anew in parts is the same as before until all of it is there.
    let Some(read_at) = past.read_at(histories) else { return before };
    let same = before.filter(|prediction| prediction.read_at == read_at);
    Some(same.unwrap_or_else(|| Arc::new(Prediction::new(&past.load(histories), read_at))))
}

/// What a policy makes of a prediction.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Verdict {
    pub(crate) floor: Option<Floor>,
    pub(crate) sentence: String,
}

impl Prediction {
    /// Forecasts a load, if there is a day of it, and if that beats the yardstick.
    pub(crate) fn new(load: &Load, read_at: Timestamp) -> Self {
        let periods = load.measured();
        if periods < DAY {
            return Self { read_at, outlook: Err(Off::TooShort { periods }) };
        }
        let Expected { values, backtest } = expect(load.series());
        let outlook = Outlook { first: load.next(), values, highest: load.highest(), backtest };
        let outlook = if backtest.is_better() { Ok(outlook) } else { Err(Off::NotBetter { backtest }) };
        Self { read_at, outlook }
    }

    /// What a policy makes of it now.
    pub(crate) fn judge(&self, policy: &ScalingPolicy, scope: Scope, now: Timestamp) -> Verdict {
        let only = policy.mode.unwrap_or_default() == PredictiveMode::ForecastOnly;
        let target = policy.target.unwrap_or(f64::INFINITY);
        let needed = self.outlook.as_ref().map_err(Off::to_string).and_then(|outlook| {
            let need = outlook.need(target, scope.window(policy), now).map_err(|off| off.to_string())?;
            Ok((need, outlook.backtest))
        });
        let (need, backtest) = match needed {
            Ok(needed) => needed,
            Err(why) => return Verdict { floor: None, sentence: format!("Predictive stays off: {why}") },
        };
        let capacity = need.capacity.min(scope.max).max(scope.min);
        let words = need.words(policy, now);
        let errors = errors(&backtest);
        if only {
            let sentence = format!("Predictive would want {words} (its mode is ForecastOnly): {errors}");
            return Verdict { floor: None, sentence };
        }
        let floor = Floor { capacity, reason: format!("Predictive wants {words}") };
        Verdict { floor: Some(floor), sentence: format!("Predictive wants {words}: {errors}") }
    }
}

impl Scope {
    /// How far ahead a policy looks: until what is asked for now serves, and a period more.
    fn window(self, policy: &ScalingPolicy) -> SignedDuration {
        let buffer = policy.scheduling_buffer_seconds.unwrap_or(self.buffer_seconds);
        SignedDuration::from_secs(i64::from(buffer) + PERIOD_SECONDS)
    }
}

impl Outlook {
    /// What the highest load of a window that begins now needs.
    fn need(&self, target: f64, window: SignedDuration, now: Timestamp) -> Result<Need, Off> {
        let (begin, end) = (now.as_second(), now.as_second().saturating_add(window.as_secs()));
        let periods = begin.div_euclid(PERIOD_SECONDS)..=(end - 1).div_euclid(PERIOD_SECONDS);
        let expected = periods.filter_map(|period| {
            let index = usize::try_from(period.checked_sub(self.first)?).ok()?;
            Some((period, *self.values.get(index)?))
        });
        // The first of equal ones.
        let highest = expected.reduce(|one, other| if other.1 > one.1 { other } else { one });
        let at = |period: i64| Timestamp::from_second(period.saturating_mul(PERIOD_SECONDS)).unwrap_or(now);
        let Some((period, load)) = highest else {
            return Err(Off::Old(at(self.first)));
        };
        let most = instances(self.highest, target).saturating_mul(MOST);
        Ok(Need { capacity: instances(load, target).min(most), load, at: at(period) })
    }
}

/// How many keep a load at a target.
fn instances(load: f64, target: f64) -> u32 {
    // A cast to an integer saturates: too large a wish ends at the upper bound.
    (load / target - EPSILON).ceil().max(0.0) as u32
}

impl Need {
    fn words(self, policy: &ScalingPolicy, now: Timestamp) -> String {
        let when =
            if self.at <= now { "now".to_owned() } else { self.at.strftime("at %H:%M UTC").to_string() };
        let target = round(policy.target.unwrap_or_default());
        let metric = policy.metric.map_or("load", Metric::as_str);
        format!("{} {when} for {metric} {} in all, {target} each", self.capacity, round(self.load))
    }
}

/// How good a forecast was, in words.
fn errors(backtest: &Backtest) -> String {
    let yardstick = match backtest.yardstick {
        Yardstick::Yesterday => "as yesterday",
        Yardstick::LastWeek => "as a week ago",
    };
    let span = if backtest.steps >= DAY { "day".to_owned() } else { format!("{} hours", backtest.steps / 4) };
    let percent = |share: f64| round(share * 100.0);
    let (error, naive) = (percent(backtest.error), percent(backtest.naive));
    format!("its error over the last {span} was {error} %, that of \"{yardstick}\" {naive} %")
}

#[cfg(test)]
mod tests;
