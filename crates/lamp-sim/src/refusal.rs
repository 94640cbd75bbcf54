//! What the region refuses, in AWS's words.

use lamp_cloud::{CloudError, ErrorClass};

/// A refusal before the operation's name is put to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub(crate) code: &'static str,
    pub(crate) message: String,
}

impl Refusal {
    pub(crate) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { code, message: message.into() }
    }

    /// Something else still needs it.
    pub(crate) fn in_use(id: &str, by: &str) -> Self {
        Self::new("DependencyViolation", format!("{id} has a dependent object ({by}) and cannot be deleted"))
    }

    pub(crate) fn error(self, operation: &str) -> CloudError {
        CloudError::new(class(self.code, &self.message), operation, self.code, self.message)
    }
}

/// The class of an AWS error, as the adapter to AWS tells it.
pub(crate) fn class(code: &str, message: &str) -> ErrorClass {
    match code {
        "ValidationError" if message.contains("not found") || message.contains("does not exist") => {
            ErrorClass::NotFound
        }
        "InvalidParameterCombination" if message.starts_with("Cannot delete protected DB Instance") => {
            ErrorClass::State
        }
        "RequestLimitExceeded" | "ThrottlingException" | "Throttling" => ErrorClass::Throttled,
        "Timeout" | "InternalError" | "InternalFailure" | "ServiceUnavailable" | "ResourceContention" => {
            ErrorClass::Transient
        }
        "InsufficientInstanceCapacity"
        | "InsufficientDBInstanceCapacity"
        | "InsufficientFreeAddressesInSubnet" => ErrorClass::Capacity,
        "UnauthorizedOperation"
        | "AccessDenied"
        | "AccessDeniedException"
        | "ExpiredToken"
        | "RequestExpired"
        | "SignatureDoesNotMatch" => ErrorClass::Denied,
        "InvalidParameterValue" if message.contains("service linked role") => ErrorClass::Denied,
        "IdempotentParameterMismatch" => ErrorClass::Conflict,
        "UnintelligibleAnswer" => ErrorClass::Unintelligible,
        "DependencyViolation"
        | "ResourceInUse"
        | "InvalidIPAddress.InUse"
        | "InvalidDBSubnetGroupStateFault"
        | "InvalidDBParameterGroupState" => ErrorClass::Dependency,
        "IncorrectState"
        | "InvalidDBInstanceState"
        | "OperationNotPermitted"
        | "ScalingActivityInProgress"
        | "InvalidRequestException"
        | "InvalidTarget" => ErrorClass::State,
        code if code.ends_with("LimitExceeded")
            || code.starts_with("TooMany")
            || code.ends_with("QuotaExceeded") =>
        {
            ErrorClass::Quota
        }
        code if is_missing(code) => ErrorClass::NotFound,
        code if is_duplicate(code) => ErrorClass::AlreadyExists,
        _ => ErrorClass::Invalid,
    }
}

fn is_missing(code: &str) -> bool {
    code == "Gateway.NotAttached"
        || code.ends_with("NotFound")
        || code.ends_with("NotFoundException")
        || code.ends_with("NotFoundFault")
}

fn is_duplicate(code: &str) -> bool {
    ["Duplicate", "AlreadyExists", "AlreadyAssociated", "Conflict", "ResourceExistsException"]
        .iter()
        .any(|word| code.contains(word))
}
