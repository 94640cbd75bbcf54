//! Differences of times that may lie in either order, because clocks are set.

use std::time::Duration;

use jiff::Timestamp;

/// A time further ahead than this was given by a clock that was set back since.
pub(crate) const OVERTAKING: Duration = Duration::from_secs(30);

/// How long it is from `now` until `at`; nothing if that is past.
pub(crate) fn until(at: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(at.duration_since(now)).unwrap_or_default()
}

/// How long ago `at` was; nothing if it is yet to come.
pub(crate) fn since(at: Timestamp, now: Timestamp) -> Duration {
    until(now, at)
}

/// The API's times have seconds and no fraction.
pub(crate) fn rfc3339_seconds(at: Timestamp) -> String {
    at.strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
}
