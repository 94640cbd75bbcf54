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

/// When a call that failed at `at`, for the `failures`th time in a row, may be made again.
pub fn retry_at(error: &CloudError, failures: u32, at: Timestamp) -> Timestamp {
    let row = backoff(error.class);
    let doublings = failures.saturating_sub(1).min(16);
    let wait = row.first.saturating_mul(1 << doublings).min(row.longest);
    at + wait.max(error.retry_after.unwrap_or_default())
}
