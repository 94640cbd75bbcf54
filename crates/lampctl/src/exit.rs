//! How the program ends: what failed, what to do next, and the exit code that scripts rely on.

use std::process::ExitCode;

use kube::core::Status;

/// Wrong usage (`EX_USAGE`).
pub(crate) const USAGE: u8 = 64;
const FAILED: u8 = 1;
const CHANGES: u8 = 2;
const DIFF_FAILED: u8 = 3;
const UNREACHABLE: u8 = 69;
const TIMED_OUT: u8 = 75;
const NOT_ALLOWED: u8 = 77;
const INTERRUPTED: u8 = 130;

/// How a verb ended that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Outcome {
    Done,
    /// `diff` found differences.
    Differs,
    /// `plan --detailed-exitcode` found changes.
    Changes,
    /// `can-i` was answered with no.
    No,
}

/// Why a verb could not do its work.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    #[error("{0}")]
    Usage(String),
    #[error(
        "no daemon answers at {address}: {cause}\n\
         Start one with `lamplighter serve`, or name it with --server or LAMPLIGHTER_SERVER."
    )]
    Unreachable { address: String, cause: String },
    /// Something answers, but client and server do not speak alike, or do not trust each other.
    #[error("{0}")]
    Misunderstood(String),
    #[error("{0}")]
    NotAllowed(String),
    #[error("{0}")]
    TimedOut(String),
    #[error("{}", describe(.0))]
    Api(Box<Status>),
    #[error("{0}")]
    Failed(String),
    /// Several objects failed, each with its own text.
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Several(Vec<Failure>),
    #[error("interrupted")]
    Interrupted,
    /// The reader of our output went away; that is how `| head` ends.
    #[error("nobody reads the output any more")]
    BrokenPipe,
    #[error("cannot write the output: {0}")]
    Output(std::io::Error),
}

impl Failure {
    pub(crate) fn failed(text: impl Into<String>) -> Self {
        Self::Failed(text.into())
    }

    /// The answer's HTTP code, if the server answered.
    pub(crate) fn http_code(&self) -> Option<u16> {
        match self {
            Self::Api(status) => Some(status.code),
            _ => None,
        }
    }

    /// All of `failures` as one, or none.
    pub(crate) fn all(mut failures: Vec<Failure>) -> Result<(), Failure> {
        match failures.len() {
            0 => Ok(()),
            1 => Err(failures.remove(0)),
            _ => Err(Self::Several(failures)),
        }
    }

    fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => USAGE,
            Self::Unreachable { .. } | Self::Misunderstood(_) => UNREACHABLE,
            Self::NotAllowed(_) => NOT_ALLOWED,
            Self::TimedOut(_) => TIMED_OUT,
            Self::Api(status) if matches!(status.code, 401 | 403) => NOT_ALLOWED,
            Self::Api(_) | Self::Failed(_) | Self::Output(_) => FAILED,
            // The same code for all of them, or plain failure.
            Self::Several(all) => {
                let first = all.first().map_or(FAILED, Failure::code);
                if all.iter().all(|failure| failure.code() == first) { first } else { FAILED }
            }
            Self::Interrupted => INTERRUPTED,
            Self::BrokenPipe => 0,
        }
    }
}

/// What the server said, in kubectl's words.
fn describe(status: &Status) -> String {
    if status.code == 401 {
        return "You must be logged in to the server (Unauthorized): see `lampctl login`.".to_owned();
    }
    if status.reason.is_empty() {
        return format!("Error from server: {}", status.message);
    }
    format!("Error from server ({}): {}", status.reason, status.message)
}

/// Prints the failure, if there is one, and says how to end. For `diff`, 1 means differences, so that plain
/// failure is another code.
pub(crate) fn finish(result: Result<Outcome, Failure>, differs_is_one: bool) -> ExitCode {
    let code = match result {
        Ok(Outcome::Done) => 0,
        Ok(Outcome::Differs | Outcome::No) => FAILED,
        Ok(Outcome::Changes) => CHANGES,
        Err(Failure::BrokenPipe) => 0,
        Err(failure) => {
            crate::printer::tell(&crate::printer::style::error(&failure.to_string()));
            if differs_is_one && failure.code() == FAILED { DIFF_FAILED } else { failure.code() }
        }
    };
    ExitCode::from(code)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn api(code: u16) -> Failure {
        Failure::Api(Box::new(Status { code, ..Status::default() }))
    }

    #[test]
    fn codes_are_those_that_scripts_rely_on() {
        assert_eq!(Failure::Usage(String::new()).code(), 64);
        let unreachable = Failure::Unreachable { address: "a".into(), cause: "b".into() };
        assert_eq!(unreachable.code(), 69);
        assert!(unreachable.to_string().contains("lamplighter serve"));
        assert_eq!(Failure::TimedOut(String::new()).code(), 75);
        assert_eq!((api(401).code(), api(403).code(), api(404).code()), (77, 77, 1));
        assert_eq!(Failure::NotAllowed(String::new()).code(), 77);
        assert_eq!(Failure::Misunderstood(String::new()).code(), 69);
        assert_eq!(Failure::Several(vec![api(403), api(403)]).code(), 77);
        assert_eq!(Failure::Several(vec![api(403), api(404)]).code(), 1);
        assert_eq!(Failure::BrokenPipe.code(), 0);
    }
}
