//! What comes next in a series of quarter hours, from simple models; the one that did best over the last day is taken.
//!
//! It must not know what the numbers are of. There are eighteen models: a curve of the day or of the week, and where
//! the series is beside that curve just now. All of them together take two milliseconds for two weeks.

mod curve;

use self::curve::{Curve, Usual};

/// Steps of a day, and of a week.
pub(crate) const DAY: usize = 96;
const WEEK: usize = 7 * DAY;
/// Steps between two forecasts: six hours.
const REFRESH: usize = DAY / 4;
/// Steps that a forecast reaches: two days.
pub(crate) const HORIZON: usize = 2 * DAY;
/// The newest steps that say where a series is beside its curve.
const RECENT: usize = 8;
/// The error of a model must be smaller than this share of the yardstick's.
const BETTER: f64 = 0.95;

/// A series without gaps.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Series<'a> {
    pub(crate) values: &'a [f64],
    /// Where a value was measured, and is not filled in.
    pub(crate) measured: &'a [bool],
}

/// What is expected, and how well the same was expected of the last day.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Expected {
    pub(crate) values: Vec<f64>,
    pub(crate) backtest: Backtest,
}

/// How well the last day, or the last quarter of a shorter series, was forecast from what was known six hours before
/// at most.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Backtest {
    /// Steps that were forecast.
    pub(crate) steps: usize,
    /// Mean absolute error of the best model, as a share of the mean.
    pub(crate) error: f64,
    /// The same of the yardstick.
    pub(crate) naive: f64,
    pub(crate) yardstick: Yardstick,
}

/// A forecast that needs no model.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Yardstick {
    /// As at this time yesterday.
    Yesterday,
    /// As at this time a week ago.
    LastWeek,
}

/// A curve, and what the series does beside it.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Model {
    curve: Curve,
    deviation: Deviation,
}

/// What becomes of the difference between the newest steps and their curve, from step to step.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Deviation {
    /// It stays so far above or below.
    Stays,
    /// The same, but it returns to its curve within hours.
    Fades,
    /// It stays so many times higher or lower, and returns within hours.
    Scales,
}

impl Backtest {
    pub(crate) fn is_better(self) -> bool {
        self.error < self.naive * BETTER
    }
}

/// Forecasts what comes after a series of at least a step.
pub(crate) fn expect(series: Series<'_>) -> Expected {
    let (best, backtest) = backtest(series);
    Expected { values: best.forecast(series.values, HORIZON), backtest }
}

/// Takes the best of all models over the last day, and sets it beside the better yardstick.
fn backtest(series: Series<'_>) -> (Model, Backtest) {
    let length = series.values.len();
    let steps = if length >= 4 * DAY { DAY } else { length / 4 };
    let error = |forecast: &dyn Fn(&[f64], usize) -> Vec<f64>| error(series, length - steps, forecast);
    let yardsticks = [(Yardstick::Yesterday, DAY), (Yardstick::LastWeek, WEEK)];
    let naive = yardsticks
        .into_iter()
        .filter(|(_, lag)| *lag == DAY || length >= WEEK + steps)
        .map(|(yardstick, lag)| (error(&|past, ahead| again(past, ahead, lag)), yardstick))
        .min_by(|one, other| one.0.total_cmp(&other.0))
        .unwrap_or((0.0, Yardstick::Yesterday));
    let models = models().map(|model| (error(&|past, ahead| model.forecast(past, ahead)), model));
    let first = Model { curve: Curve { usual: Usual::Day, smooth: true }, deviation: Deviation::Fades };
    let best = models.min_by(|one, other| one.0.total_cmp(&other.0)).unwrap_or((f64::INFINITY, first));
    (best.1, Backtest { steps, error: best.0, naive: naive.0, yardstick: naive.1 })
}

/// The error over everything from `begin` on, if it had been forecast anew every six hours.
fn error(series: Series<'_>, begin: usize, forecast: &dyn Fn(&[f64], usize) -> Vec<f64>) -> f64 {
    let (mut missed, mut total) = (0.0, 0.0);
    let mut origin = begin;
    while origin < series.values.len() {
        let (past, future) = series.values.split_at(origin);
        let ahead = future.len().min(REFRESH);
        let measured = future.iter().zip(series.measured.iter().skip(origin));
        for (expected, (value, measured)) in forecast(past, ahead).into_iter().zip(measured) {
            if *measured {
                missed += (expected - value).abs();
                total += value;
            }
        }
        origin += REFRESH;
    }
    match (missed > 0.0, total > 0.0) {
        (false, _) => 0.0,
        // Anything is infinitely more than nothing; everything was missed.
        (true, false) => 1.0,
        (true, true) => missed / total,
    }
}

/// The same as a period ago; where the past is shorter than that, as just now.
fn again(past: &[f64], ahead: usize, lag: usize) -> Vec<f64> {
    let now = past.last().copied().unwrap_or_default();
    (0..ahead).map(|step| before(past, step, lag).unwrap_or(now)).collect()
}

/// The newest value a whole number of periods before a step ahead.
fn before(past: &[f64], step: usize, lag: usize) -> Option<f64> {
    let back = lag - step % lag;
    past.len().checked_sub(back).map(|index| past[index])
}

fn models() -> impl Iterator<Item = Model> {
    let deviations = [Deviation::Stays, Deviation::Fades, Deviation::Scales];
    Curve::all().flat_map(move |curve| deviations.map(|deviation| Model { curve, deviation }))
}

impl Model {
    fn forecast(self, past: &[f64], ahead: usize) -> Vec<f64> {
        let (older, recent) = past.split_at(past.len() - RECENT.min(past.len()));
        let usual = self.curve.ahead(older, recent.len());
        let (is, was_usual) = (recent.iter().sum::<f64>(), usual.iter().sum::<f64>());
        let above = (is - was_usual) / (recent.len().max(1) as f64);
        let times = if was_usual > 0.0 { (is / was_usual).clamp(0.5, 2.0) } else { 1.0 };
        let mut left = 1.0;
        let curve = self.curve.ahead(past, ahead).into_iter();
        let values = curve.map(|value| {
            left *= self.deviation.left_after_a_step();
            match self.deviation {
                Deviation::Stays | Deviation::Fades => value + above * left,
                Deviation::Scales => value * times.powf(left),
            }
        });
        values.map(|value| value.max(0.0)).collect()
    }
}

impl Deviation {
    /// What is left of it a step later: half of it after three and a half, and after six hours.
    fn left_after_a_step(self) -> f64 {
        match self {
            Self::Stays => 1.0,
            Self::Fades => 0.95,
            Self::Scales => 0.97,
        }
    }
}

/// Numbers from `-width` to `width` that tests take for chance: another for each step, and always the same.
#[cfg(test)]
pub(crate) fn noise(step: usize, width: u32) -> f64 {
    let mixed = (step as u32 + 1).wrapping_mul(0x9e37_79b9);
    let mixed = (mixed ^ (mixed >> 15)).wrapping_mul(0x85eb_ca77);
    let mixed = (mixed ^ (mixed >> 13)).wrapping_mul(0xc2b2_ae3d);
    f64::from((mixed >> 8) % (2 * width + 1)) - f64::from(width)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// So many days of a wave, with the noise of few visitors.
    fn days(count: usize, value: impl Fn(usize, f64) -> f64) -> Vec<f64> {
        let wave = |step: usize| (step as f64 / DAY as f64 * std::f64::consts::TAU).sin();
        (0..count * DAY).map(|step| value(step, 100.0 + 60.0 * wave(step) + noise(step, 20))).collect()
    }

    fn expected(values: &[f64]) -> Expected {
        expect(Series { values, measured: &vec![true; values.len()] })
    }

    #[test]
    fn a_noisy_day_is_forecast_better_than_by_yesterday() {
        let made = expected(&days(5, |_, value| value));
        assert_eq!((made.values.len(), made.backtest.steps), (HORIZON, DAY));
        assert!(made.backtest.is_better(), "{:?}", made.backtest);
        assert_eq!(made.backtest.yardstick, Yardstick::Yesterday);
        let (low, high) = (made.values[DAY * 3 / 4], made.values[DAY / 4]);
        assert!(low < 60.0 && high > 140.0, "{low} {high}");
    }

    #[test]
    fn what_repeats_exactly_cannot_be_forecast_better() {
        let flat = expected(&[5.0; 4 * DAY]);
        assert_eq!((flat.backtest.error, flat.backtest.naive, flat.backtest.is_better()), (0.0, 0.0, false));
        assert_eq!(flat.values, [5.0; HORIZON]);
        let nothing = expected(&[0.0; 4 * DAY]);
        assert!(!nothing.backtest.is_better());
    }

    #[test]
    fn a_week_is_seen_in_two_of_them() {
        let weekend = |step: usize| step / DAY % 7 >= 5;
        let made = expected(&days(14, |step, value| if weekend(step) { value / 4.0 } else { value }));
        assert_eq!(made.backtest.yardstick, Yardstick::LastWeek);
        assert!(made.backtest.is_better(), "{:?}", made.backtest);
        assert!(made.values[DAY / 4] > 130.0, "the Monday after a quiet Sunday: {}", made.values[DAY / 4]);
    }

    #[test]
    fn a_level_that_has_changed_is_followed() {
        let made = expected(&days(6, |step, value| if step > 5 * DAY + 60 { value + 300.0 } else { value }));
        assert!(made.values[..DAY / 4].iter().all(|value| *value > 300.0), "{:?}", &made.values[..DAY / 4]);
    }

    #[test]
    fn a_short_past_is_judged_by_its_last_quarter() {
        let made = expected(&days(2, |_, value| value));
        assert_eq!(made.backtest.steps, DAY / 2);
    }

    #[test]
    fn what_was_filled_in_is_not_judged() {
        let mut values = days(5, |_, value| value);
        let before = expected(&values).backtest;
        let hole = 4 * DAY + 90..values.len();
        let mut measured = vec![true; values.len()];
        hole.clone().for_each(|step| {
            values[step] = 1e6;
            measured[step] = false;
        });
        let after = expect(Series { values: &values, measured: &measured }).backtest;
        assert!((after.naive - before.naive).abs() < 0.05, "{before:?} {after:?}");
    }

    proptest! {
        #[test]
        fn every_past_has_a_finite_forecast(values in proptest::collection::vec(0.0f64..1e9, 1..600)) {
            let made = expected(&values);
            prop_assert_eq!(made.values.len(), HORIZON);
            prop_assert!(made.values.iter().all(|value| value.is_finite() && *value >= 0.0));
            prop_assert!(made.backtest.error.is_finite() && made.backtest.naive.is_finite());
        }
    }
}
