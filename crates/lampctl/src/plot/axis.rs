//! Where axes have their ticks: at round times of UTC, and at round numbers.

use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// Distances of ticks, in minutes, up to thirty days.
const DISTANCES: [i64; 16] = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360, 720, 1440, 2880, 7200, 14_400, 43_200];

/// Minutes from the beginning at which ticks are, at most so many, with their words.
pub(super) fn ticks(began: Timestamp, minutes: usize, most: usize) -> Vec<(usize, String)> {
    let length = i64::try_from(minutes).unwrap_or(i64::MAX);
    let most = i64::try_from(most.max(1)).unwrap_or(1);
    let distance = DISTANCES.into_iter().find(|distance| length / distance <= most);
    let distance = distance.unwrap_or(length / most + 1);
    let first = began.as_second().div_euclid(60);
    let next = -(-first).div_euclid(distance) * distance;
    let all = (0..=most).map(|index| next - first + index * distance).filter(|minute| *minute <= length);
    all.filter_map(|minute| Some((usize::try_from(minute).ok()?, label(began, minute)))).collect()
}

/// `14:30`, and at midnight the day: `Jul 03`.
fn label(began: Timestamp, minute: i64) -> String {
    let at = began.saturating_add(SignedDuration::from_secs(minute * 60)).unwrap_or(began);
    let at = at.to_zoned(TimeZone::UTC);
    let midnight = at.hour() == 0 && at.minute() == 0;
    at.strftime(if midnight { "%b %d" } else { "%H:%M" }).to_string()
}

/// A round number that is no less than a value, and not much more.
pub(super) fn top(highest: f64) -> f64 {
    if !(highest > 0.0 && highest.is_finite()) {
        return 1.0;
    }
    let magnitude = 10f64.powf(highest.log10().floor());
    let steps = [1.0, 1.2, 1.5, 2.0, 2.5, 3.0, 4.0, 5.0, 6.0, 8.0, 10.0];
    let round = steps.into_iter().map(|step| step * magnitude).find(|round| *round + 1e-9 >= highest);
    round.unwrap_or(highest)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(began: &str, minutes: usize) -> String {
        let ticks = ticks(began.parse().unwrap(), minutes, 8);
        ticks.iter().map(|(at, label)| format!("{at} {label}")).collect::<Vec<_>>().join(", ")
    }

    #[test]
    fn ticks_are_at_round_times() {
        assert_eq!(
            shown("2026-11-20T23:50:00Z", 30),
            "0 23:50, 5 23:55, 10 Nov 21, 15 00:05, 20 00:10, 25 00:15, 30 00:20"
        );
        assert_eq!(
            shown("1995-07-01T01:07:00Z", 1440),
            "113 03:00, 293 06:00, 473 09:00, 653 12:00, 833 15:00, 1013 18:00, 1193 21:00, 1373 Jul 02"
        );
        assert_eq!(shown("2026-11-20T10:00:30Z", 2), "0 10:00, 1 10:01, 2 10:02");
        let month = shown("1995-07-01T00:00:00Z", 40_320);
        assert!(month.ends_with("Jul 29"), "{month}");
    }

    #[test]
    fn numbers_end_round() {
        let tops = [0.0, 0.7, 1.0, 5.2, 11.0, 12.0, 13.0, 180.0, 421.0].map(top);
        assert_eq!(tops, [1.0, 0.8, 1.0, 6.0, 12.0, 12.0, 15.0, 200.0, 500.0]);
    }
}
