//! What is usual at a time of the day or of the week.

use super::{DAY, WEEK};

/// So many steps to both sides make one value of a curve smoother.
const SMOOTHED: usize = 2;
/// How much the newest day counts in a mean of days.
const NEWEST: f64 = 0.3;
/// Days of which the median is taken.
const DAYS: usize = 7;

/// What is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Curve {
    pub(super) usual: Usual,
    /// Whether each step is the mean of itself and its neighbours: less noise, but no edge stays sharp.
    pub(super) smooth: bool,
}

/// A way to say what is usual.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Usual {
    /// The median of the last seven days at this time: a wild day is none.
    Day,
    /// A mean of all days at this time, in which the newer count more.
    MeanDay,
    /// The mean of this time one and two weeks ago; of a shorter past, the usual day.
    Week,
}

impl Curve {
    pub(super) fn all() -> impl Iterator<Item = Self> {
        let usual = [Usual::Day, Usual::MeanDay, Usual::Week];
        usual.into_iter().flat_map(|usual| [false, true].map(|smooth| Self { usual, smooth }))
    }

    /// What is usual in the steps after `past`.
    pub(super) fn ahead(self, past: &[f64], steps: usize) -> Vec<f64> {
        let curve = match self.usual {
            Usual::Week if past.len() >= WEEK + DAY => usual(past, WEEK, 2, mean),
            Usual::Day | Usual::Week => usual(past, DAY, DAYS, median),
            Usual::MeanDay => mean_day(past),
        };
        let curve = if self.smooth { smooth(&curve) } else { curve };
        curve.into_iter().cycle().take(steps).collect()
    }
}

/// One period after `past`, each step made of those so many times the period before it.
fn usual(past: &[f64], period: usize, times: usize, of: fn(Vec<f64>) -> f64) -> Vec<f64> {
    let step = |step: usize| {
        let back = (1..=times).filter_map(|times| past.len().checked_sub(times * period - step));
        of(back.map(|index| past[index]).collect())
    };
    let now = past.last().copied().unwrap_or_default();
    let known = |step: usize| past.len() + step >= period;
    (0..period).map(|index| if known(index) { step(index) } else { now }).collect()
}

fn mean_day(past: &[f64]) -> Vec<f64> {
    let now = past.last().copied().unwrap_or_default();
    let first = past.len() % DAY;
    let mut days: Vec<Option<f64>> = vec![None; DAY];
    for (index, value) in past.iter().enumerate() {
        let step = &mut days[(index + DAY - first) % DAY];
        *step = Some(step.map_or(*value, |mean| mean + NEWEST * (value - mean)));
    }
    days.into_iter().map(|mean| mean.unwrap_or(now)).collect()
}

/// Each step with its neighbours, round the clock.
fn smooth(curve: &[f64]) -> Vec<f64> {
    let length = curve.len();
    let around = |index: usize| (0..=2 * SMOOTHED).map(move |offset| index + length + offset - SMOOTHED);
    let mean = |index: usize| around(index).map(|index| curve[index % length]).sum::<f64>();
    (0..length).map(|index| mean(index) / (2.0 * SMOOTHED as f64 + 1.0)).collect()
}

fn mean(values: Vec<f64>) -> f64 {
    values.iter().sum::<f64>() / values.len().max(1) as f64
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let middle = values.len() / 2;
    match values.len() {
        0 => 0.0,
        even if even % 2 == 0 => f64::midpoint(values[middle - 1], values[middle]),
        _ => values[middle],
    }
}
