//! When a `Scheduled` policy fires.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::Timestamp;
use jiff::tz::{TimeZone, TimeZoneDatabase};

/// A line of cron and its time zone. In spring, what falls into the hour that is left out fires at its end; in autumn,
/// what falls into the hour that comes twice fires once.
#[derive(Clone, Debug)]
pub struct Schedule {
    cron: Arc<Cron>,
    zone: TimeZone,
}

/// Schedules that were read, by line and zone: to read one takes thirty times as long as to ask it.
type Known = Mutex<HashMap<(String, String), Schedule>>;
/// More are not kept: lines that are no longer used must not stay for ever.
const MOST_KNOWN: usize = 4096;

/// Why a schedule was refused.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Of the line of cron.
    #[error("{0}")]
    Line(String),
    /// Of the time zone.
    #[error(
        "no such time zone; it must be a name of the IANA time zone database, such as Europe/Berlin or UTC"
    )]
    Zone,
}

impl Schedule {
    /// Reads five fields, or a nickname such as `@daily`, and the name of a time zone.
    ///
    /// # Errors
    ///
    /// Says what is wrong with the line, or that nobody knows the zone.
    pub fn parse(line: &str, zone: &str) -> Result<Self, ScheduleError> {
        static KNOWN: OnceLock<Known> = OnceLock::new();
        let known = KNOWN.get_or_init(Known::default);
        let key = (line.to_owned(), zone.to_owned());
        if let Some(schedule) = known.lock().unwrap_or_else(PoisonError::into_inner).get(&key) {
            return Ok(schedule.clone());
        }
        let schedule = Self::read(line, zone)?;
        let mut known = known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST_KNOWN {
            known.clear();
        }
        Ok(known.entry(key).or_insert(schedule).clone())
    }

    fn read(line: &str, zone: &str) -> Result<Self, ScheduleError> {
        let zone = zones().get(zone).map_err(|_| ScheduleError::Zone)?;
        let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
        let cron = parser.parse(line).map_err(|error| ScheduleError::Line(error.to_string()))?;
        Ok(Self { cron: Arc::new(cron), zone })
    }

    /// The newest moment up to `now` at which it fired.
    pub fn last(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.cron.find_previous_occurrence(&now.to_zoned(self.zone.clone()), true);
        at.ok().map(|at| at.timestamp())
    }

    /// The first moment after `now` at which it will fire; none, if there is no such day.
    pub fn next(&self, now: Timestamp) -> Option<Timestamp> {
        let at = self.cron.find_next_occurrence(&now.to_zoned(self.zone.clone()), false);
        at.ok().map(|at| at.timestamp())
    }
}

/// The database that is part of the program.
fn zones() -> &'static TimeZoneDatabase {
    static ZONES: OnceLock<TimeZoneDatabase> = OnceLock::new();
    ZONES.get_or_init(TimeZoneDatabase::bundled)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    fn berlin(line: &str) -> Schedule {
        Schedule::parse(line, "Europe/Berlin").unwrap()
    }

    #[test]
    fn a_schedule_knows_when_it_fired_and_when_it_will() {
        let schedule = berlin("0 8 * * MON-FRI");
        let sunday = at("2026-11-29T12:00:00Z");
        assert_eq!(schedule.last(sunday), Some(at("2026-11-27T07:00:00Z")));
        assert_eq!(schedule.next(sunday), Some(at("2026-11-30T07:00:00Z")));
        let moment = at("2026-11-27T07:00:00Z");
        assert_eq!(schedule.last(moment), Some(moment), "it has fired at the moment itself");
        assert_eq!(schedule.next(moment), Some(at("2026-11-30T07:00:00Z")));
    }

    #[test]
    fn summer_time_takes_no_firing_away_and_gives_none_twice() {
        let schedule = berlin("30 2 * * *");
        assert_eq!(
            schedule.next(at("2027-03-27T12:00:00Z")),
            Some(at("2027-03-28T01:00:00Z")),
            "02:30 is left out"
        );
        let first = schedule.next(at("2027-10-30T12:00:00Z")).unwrap();
        assert_eq!(schedule.next(first), Some(at("2027-11-01T01:30:00Z")), "02:30 comes twice");
    }

    #[test]
    fn what_is_no_schedule_is_told() {
        for line in ["", "8 * *", "61 * * * *", "0 8 * * FUNDAY", "* * * * * *", "0 8 * * * 2030"] {
            assert!(matches!(Schedule::parse(line, "UTC"), Err(ScheduleError::Line(_))), "{line}");
        }
        assert_eq!(Schedule::parse("0 8 * * *", "Europe/Atlantis").unwrap_err(), ScheduleError::Zone);
        let never = Schedule::parse("0 8 30 2 *", "UTC").unwrap();
        assert_eq!(never.next(at("2026-11-29T12:00:00Z")), None, "there is no 30th of February");
    }
}
