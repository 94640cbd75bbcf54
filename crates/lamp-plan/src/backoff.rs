//! How long a failed call is not repeated, by what its error means. One table.

use std::time::Duration;

use jiff::Timestamp;
use lamp_cloud::{CloudError, ErrorClass};

/// How a class of errors is retried.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Backoff {
    /// Wait after the first failure; doubled with each further one.
    pub first: Duration,
    pub longest: Duration,
    /// Whether another request for the same part waits as well: the error says nothing of this request in particular.
    pub any_request: bool,
    /// Whether a person must act before it can succeed.
    pub needs_person: bool,
}

/// The table.
pub fn backoff(class: ErrorClass) -> Backoff {
    let row = |first: u64, longest: u64, any_request: bool, needs_person: bool| Backoff {
        first: Duration::from_secs(first),
        longest: Duration::from_secs(longest),
        any_request,
        needs_person,
    };
    match class {
        ErrorClass::Throttled | ErrorClass::Transient | ErrorClass::Unintelligible => {
            row(5, 300, true, false)
        }
        ErrorClass::Capacity => row(180, 3600, true, false),
        ErrorClass::Quota => row(600, 600, true, true),
        ErrorClass::Denied => row(60, 600, true, true),
        ErrorClass::Invalid | ErrorClass::Conflict => row(600, 600, false, true),
        ErrorClass::Dependency | ErrorClass::State | ErrorClass::AlreadyExists => row(10, 300, false, false),
        ErrorClass::NotFound => row(30, 300, false, false),
    }
}

/// How the next call is put off after so many failures in a row. What AWS refuses for a state that passes by itself is
/// told to a person when it does not pass, and asked for more rarely.
pub fn after(class: ErrorClass, failures: u32) -> Backoff {
    let row = backoff(class);
    let passes = matches!(
        class,
        ErrorClass::Dependency | ErrorClass::State | ErrorClass::AlreadyExists | ErrorClass::NotFound
    );
    if passes && failures >= LASTING {
        return Backoff { longest: Duration::from_secs(3600), needs_person: true, ..row };
    }
    row
}

/// So many failures take two hours: longer than AWS changes a database or a load balancer.
const LASTING: u32 = 28;

/// When a call that failed at `at`, for the `failures`th time in a row, may be made again.
pub fn retry_at(error: &CloudError, failures: u32, at: Timestamp) -> Timestamp {
    let row = after(error.class, failures);
    let doublings = failures.saturating_sub(1).min(16);
    let wait = row.first.saturating_mul(1 << doublings).min(row.longest);
    at + wait.max(error.retry_after.unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_does_not_pass_by_itself_is_told_to_a_person_after_two_hours() {
        let error =
            CloudError::new(ErrorClass::State, "ModifyDBInstance", "InvalidDBInstanceState", "it failed");
        let mut at = Timestamp::UNIX_EPOCH;
        let mut failures = 0;
        while !after(error.class, failures).needs_person {
            failures += 1;
            at = retry_at(&error, failures, at);
        }
        let waited = at.duration_since(Timestamp::UNIX_EPOCH).as_secs();
        assert!((7000..12_000).contains(&waited), "{waited} s");
        assert!(
            retry_at(&error, failures + 1, at) >= at + Duration::from_secs(3600),
            "and then once an hour"
        );
    }
}
