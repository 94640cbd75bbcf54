//! When the database may be interrupted, and on whose word.

use std::time::Duration;

use jiff::Timestamp;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// When changes that interrupt the database are made.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Maintenance {
    /// The weekly window of the primary and its replicas, in UTC, at least 30 minutes: `sun:03:00-sun:04:00`.
    /// Default: the one that AWS chose, by night in the region; who knows when visitors sleep writes it down.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub window: Option<String>,

    /// What a change that interrupts the database waits for. Default `Confirm`: nobody is surprised by an outage.
    #[serde(default)]
    pub disruptive_changes: DisruptiveChanges,
}

/// What a change that interrupts the database waits for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DisruptiveChanges {
    /// The annotation `lamplighter.dev/confirm-replace`, for each generation of the spec.
    #[default]
    Confirm,
    /// The maintenance window, or the annotation.
    InWindow,
    /// Nothing.
    Immediately,
}

/// A window that opens once a week, in UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WeeklyWindow {
    /// Minutes from Monday 00:00.
    opens: u32,
    minutes: u32,
}

const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];
const DAY: u32 = 24 * 60;
const WEEK: u32 = 7 * DAY;
/// The clock of Unix begins on a Thursday.
const EPOCH: i64 = 3 * 24 * 60;

impl WeeklyWindow {
    /// Reads `sun:03:00-sun:04:00`, in upper or lower case; `None` if it is not written so.
    pub fn parse(text: &str) -> Option<Self> {
        let (from, to) = text.split_once('-')?;
        let (opens, closes) = (minute_of_week(from)?, minute_of_week(to)?);
        Some(Self { opens, minutes: (closes + WEEK - opens) % WEEK })
    }

    /// How long it is open.
    pub fn length(self) -> Duration {
        Duration::from_secs(u64::from(self.minutes) * 60)
    }

    /// Whether it is open at `now`, and stays so for longer than `left`.
    pub fn is_open(self, now: Timestamp, left: Duration) -> bool {
        self.elapsed(now) + left < self.length()
    }

    /// When it opens next after `now`, to the second.
    pub fn next_opening(self, now: Timestamp) -> Timestamp {
        let week = Duration::from_secs(u64::from(WEEK) * 60);
        let second = Timestamp::from_second(now.as_second()).unwrap_or(now);
        second.saturating_add(week.saturating_sub(self.elapsed(now))).unwrap_or(now)
    }

    /// How long ago it opened last.
    fn elapsed(self, now: Timestamp) -> Duration {
        let opened = (i64::from(self.opens) - EPOCH) * 60;
        let elapsed = (now.as_second() - opened).rem_euclid(i64::from(WEEK) * 60);
        Duration::from_secs(elapsed.unsigned_abs())
    }
}

fn minute_of_week(text: &str) -> Option<u32> {
    let (day, time) = text.split_once(':')?;
    let (hour, minute) = time.split_once(':')?;
    let day = DAYS.iter().position(|name| day.eq_ignore_ascii_case(name))?;
    let (hour, minute) = (two_digits(hour, 24)?, two_digits(minute, 60)?);
    Some(u32::try_from(day).ok()? * DAY + hour * 60 + minute)
}

fn two_digits(text: &str, limit: u32) -> Option<u32> {
    let number = (text.len() == 2 && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse())?;
    number.ok().filter(|number| *number < limit)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn window(text: &str) -> WeeklyWindow {
        WeeklyWindow::parse(text).unwrap()
    }

    #[test]
    fn a_window_is_written_as_rds_writes_it() {
        assert_eq!(window("Sun:03:00-sun:04:00"), window("sun:03:00-sun:04:00"));
        assert_eq!(window("sun:23:30-mon:00:30").length(), Duration::from_secs(3600));
        for wrong in [
            "",
            "sun:03:00",
            "sun:3:00-sun:04:00",
            "son:03:00-sun:04:00",
            "sun:24:00-mon:01:00",
            "03:00-04:00",
        ] {
            assert_eq!(WeeklyWindow::parse(wrong), None, "{wrong}");
        }
    }

    #[test]
    fn a_window_is_open_once_a_week() {
        // 2027-01-17 is a Sunday.
        let nightly = window("sun:23:30-mon:00:30");
        for (time, open) in [
            ("2027-01-17T23:29:59Z", false),
            ("2027-01-17T23:30:00Z", true),
            ("2027-01-18T00:29:59Z", true),
            ("2027-01-18T00:30:00Z", false),
            ("2027-01-19T00:00:00Z", false),
        ] {
            assert_eq!(nightly.is_open(at(time), Duration::ZERO), open, "{time}");
        }
        assert!(
            !nightly.is_open(at("2027-01-18T00:16:00Z"), Duration::from_secs(900)),
            "not in its last minutes"
        );
        assert!(nightly.is_open(at("2027-01-18T00:14:00Z"), Duration::from_secs(900)));
    }

    #[test]
    fn the_next_opening_is_never_now() {
        let nightly = window("sun:03:00-sun:04:00");
        for (now, next) in [
            ("2027-01-15T08:00:00Z", "2027-01-17T03:00:00Z"),
            ("2027-01-17T03:00:00Z", "2027-01-24T03:00:00Z"),
            ("2027-01-17T03:20:01.5Z", "2027-01-24T03:00:00Z"),
        ] {
            assert_eq!(nightly.next_opening(at(now)), at(next), "{now}");
        }
    }
}
