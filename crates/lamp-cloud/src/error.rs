//! What AWS refused, and what that means for us.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::iam;

/// What an error means. It decides the retry, the reason of the condition and the label of the metric.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum ErrorClass {
    /// Too many calls: wait, and call more slowly.
    Throttled,
    /// Timeout, reset, 5xx: the outcome of a mutation is unknown.
    Transient,
    /// AWS has no room for it right now, here.
    Capacity,
    /// A quota of the account is used up: a person must raise it.
    Quota,
    /// It does not exist, or is not visible yet.
    NotFound,
    /// It exists already, or the relation holds already.
    AlreadyExists,
    /// Something else still depends on it.
    Dependency,
    /// It is in a state that does not allow the call now.
    State,
    /// The same token or name with other parameters: our error, or somebody else's resource.
    Conflict,
    /// Our credentials do not allow it, or are not valid.
    Denied,
    /// The request itself is wrong; it will be wrong again.
    Invalid,
    /// An answer that could not be understood.
    Unintelligible,
}

impl ErrorClass {
    /// The CamelCase reason of a condition.
    pub fn reason(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::Transient => "AwsUnavailable",
            Self::Capacity => "InsufficientCapacity",
            Self::Quota => "QuotaExceeded",
            Self::NotFound => "NotFound",
            Self::AlreadyExists => "AlreadyExists",
            Self::Dependency => "InUse",
            Self::State => "WrongState",
            Self::Conflict => "Conflict",
            Self::Denied => "AccessDenied",
            Self::Invalid => "InvalidRequest",
            Self::Unintelligible => "UnintelligibleAnswer",
        }
    }
}

/// One call that failed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{operation}: {code}: {message}{}{}", self.advice(), request_id.as_ref().map(|id| format!(" (request {id})")).unwrap_or_default())]
pub struct CloudError {
    pub class: ErrorClass,
    /// The AWS operation, for example `CreateVpc`.
    pub operation: String,
    /// AWS's code, or ours for what never reached AWS (`Timeout`, `ConnectFailed`).
    pub code: String,
    pub message: String,
    /// AWS's request id, for support.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// How long AWS asked to wait, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub retry_after: Option<Duration>,
}

impl CloudError {
    pub fn new(
        class: ErrorClass,
        operation: impl Into<String>,
        code: impl Into<String>,
        message: impl Into<String>,
    ) -> Self {
        Self {
            class,
            operation: operation.into(),
            code: code.into(),
            message: message.into(),
            request_id: None,
            retry_after: None,
        }
    }

    /// The actions that IAM must allow, where a policy refused the call and AWS did not name them.
    fn advice(&self) -> String {
        let missing = iam::missing(self);
        match missing.as_slice() {
            [named] if self.message.contains(named) => String::new(),
            [] => String::new(),
            actions => format!(" (IAM must allow {})", actions.join(", ")),
        }
    }

    /// Whether a mutation that failed so may have taken effect all the same.
    pub fn outcome_unknown(&self) -> bool {
        matches!(self.class, ErrorClass::Transient | ErrorClass::Unintelligible)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(message: &str) -> String {
        CloudError::new(ErrorClass::Denied, "UpdateAutoScalingGroup", "AccessDenied", message).to_string()
    }

    #[test]
    fn a_refusal_of_a_policy_says_what_must_be_allowed() {
        let unnamed = denied("You are not authorized to use launch template: lt-0");
        assert!(unnamed.contains("ec2:RunInstances"), "{unnamed}");
        let named =
            "User: somebody is not authorized to perform: autoscaling:UpdateAutoScalingGroup on resource: *";
        assert!(denied(named).ends_with("resource: *"), "AWS has said it: {}", denied(named));
    }
}
