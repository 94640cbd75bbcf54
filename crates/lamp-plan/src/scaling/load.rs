//! A load of the past without gaps.

use std::collections::BTreeMap;

use super::forecast::{DAY, Series};

/// As much as is read: two weeks.
const LONGEST: usize = 14 * DAY;
/// Gaps of up to two hours are filled by a straight line.
const SHORT_GAP: i64 = 8;
/// A newest value that is so many times all others is not believed before another one follows it.
const WILD: f64 = 10.0;

/// Quarter hours of load, each the mean of its minutes.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Load {
    /// Number of the first period since 1970.
    first: i64,
    values: Vec<f64>,
    measured: Vec<bool>,
}

impl Load {
    /// Of what was measured, by the number of the period.
    pub(crate) fn new(mut measured: BTreeMap<i64, f64>) -> Self {
        drop_wild(&mut measured);
        let short = fill_short_gaps(&measured);
        let Some((newest, _)) = short.last_key_value() else { return Self::default() };
        let oldest = newest - LONGEST as i64 + 1;
        let Some(first) = short.range(oldest..).next().map(|(period, _)| *period) else {
            return Self::default();
        };
        let mut load = Self { first, ..Self::default() };
        for period in first..=*newest {
            let value = short.get(&period).copied().unwrap_or_else(|| load.as_before());
            load.values.push(value);
            load.measured.push(measured.contains_key(&period));
        }
        load
    }

    /// What a long gap had, as far as anybody can tell: what the day before had at this time.
    fn as_before(&self) -> f64 {
        let yesterday = self.values.len().checked_sub(DAY).map(|index| self.values[index]);
        yesterday.or(self.values.last().copied()).unwrap_or_default()
    }

    pub(crate) fn series(&self) -> Series<'_> {
        Series { values: &self.values, measured: &self.measured }
    }

    /// How many periods were measured.
    pub(crate) fn measured(&self) -> usize {
        self.measured.iter().filter(|measured| **measured).count()
    }

    /// Number of the period that comes next.
    pub(crate) fn next(&self) -> i64 {
        self.first.saturating_add(i64::try_from(self.values.len()).unwrap_or(i64::MAX))
    }

    /// The highest load that was measured.
    pub(crate) fn highest(&self) -> f64 {
        self.values.iter().copied().fold(0.0, f64::max)
    }
}

fn drop_wild(measured: &mut BTreeMap<i64, f64>) {
    let Some((newest, value)) = measured.pop_last() else { return };
    let others = measured.values().copied().fold(0.0, f64::max);
    if measured.is_empty() || value <= others * WILD {
        measured.insert(newest, value);
    }
}

/// What is missing for two hours at most lies between what was before and what came after.
pub(super) fn fill_short_gaps(measured: &BTreeMap<i64, f64>) -> BTreeMap<i64, f64> {
    let mut filled = measured.clone();
    for ((before, low), (after, high)) in measured.iter().zip(measured.iter().skip(1)) {
        let steps = after - before;
        if steps <= SHORT_GAP + 1 {
            let at = |step: i64| low + (high - low) * (step as f64 / steps as f64);
            filled.extend((1..steps).map(|step| (before + step, at(step))));
        }
    }
    filled
}

#[cfg(test)]
mod tests {
    use super::*;

    fn load(points: &[(i64, f64)]) -> Load {
        Load::new(points.iter().copied().collect())
    }

    #[test]
    fn gaps_of_two_hours_are_lines_and_longer_ones_are_as_the_day_before() {
        let short = load(&[(0, 10.0), (9, 100.0)]);
        assert_eq!(short.values, [10.0, 20.0, 30.0, 40.0, 50.0, 60.0, 70.0, 80.0, 90.0, 100.0]);
        assert_eq!((short.measured(), short.next()), (2, 10));
        let long = load(&[(0, 10.0), (10, 100.0)]);
        assert_eq!(long.values[..10], [10.0; 10]);
        let mut days: Vec<_> = (0..96).map(|period| (period, period as f64)).collect();
        days.extend([(150, 7.0)]);
        assert_eq!(load(&days).values[96 + 20], 20.0);
    }

    #[test]
    fn a_newest_value_out_of_all_proportion_waits_for_another() {
        assert_eq!(load(&[(0, 10.0), (1, 12.0), (2, 1200.0)]).highest(), 12.0);
        assert_eq!(load(&[(0, 10.0), (1, 12.0), (2, 1200.0), (3, 1100.0)]).highest(), 1200.0);
        assert_eq!(load(&[(0, 10.0), (1, 12.0), (2, 110.0)]).highest(), 110.0);
        assert_eq!(load(&[(0, 10.0)]).highest(), 10.0);
        assert_eq!(load(&[]), Load::default());
    }

    #[test]
    fn what_is_older_than_two_weeks_is_forgotten() {
        let long = load(&(0..2000).map(|period| (period, 1.0)).collect::<Vec<_>>());
        assert_eq!((long.values.len(), long.next()), (1344, 2000));
    }
}
