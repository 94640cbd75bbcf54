//! What a replay came to, in numbers.

use super::ReplayedMinute;

/// From this share of their CPU on instances answer slowly, and a minute counts as overloaded.
pub const OVERLOADED: f64 = 0.8;

/// What a replay came to.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Summary {
    /// Minutes in which instances were busier than [`OVERLOADED`].
    pub overloaded_minutes: usize,
    /// Hours of all instances that are paid for.
    pub instance_hours: f64,
    /// How often the capacity changed.
    pub changes: usize,
    /// The highest share of their CPU that was asked of instances; more than 1 where they could not serve it.
    pub highest_utilisation: f64,
    /// Minutes whose load is not known.
    pub unknown_minutes: usize,
}

impl Summary {
    pub fn of(minutes: &[ReplayedMinute]) -> Self {
        let paid = minutes.iter().map(|minute| f64::from(minute.capacity)).sum::<f64>();
        Self {
            overloaded_minutes: minutes.iter().filter(|minute| minute.is_overloaded()).count(),
            instance_hours: paid / 60.0,
            changes: minutes.windows(2).filter(|two| two[0].capacity != two[1].capacity).count(),
            highest_utilisation: minutes.iter().map(|minute| minute.utilisation).fold(0.0, f64::max),
            unknown_minutes: minutes.iter().filter(|minute| minute.utilisation.is_nan()).count(),
        }
    }
}

impl ReplayedMinute {
    /// Whether its instances were busier than they should be.
    pub fn is_overloaded(&self) -> bool {
        self.utilisation > OVERLOADED
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn minute(capacity: u32, utilisation: f64) -> ReplayedMinute {
        ReplayedMinute { capacity, serving: capacity, utilisation, decision: None }
    }

    #[test]
    fn what_is_not_known_is_paid_for_but_is_no_overload() {
        let minutes = [minute(2, 0.8), minute(4, 1.2), minute(4, f64::NAN), minute(2, 0.5)];
        let summary = Summary::of(&minutes);
        assert_eq!((summary.overloaded_minutes, summary.changes, summary.unknown_minutes), (1, 2, 1));
        assert_eq!((summary.instance_hours, summary.highest_utilisation), (0.2, 1.2));
    }
}
