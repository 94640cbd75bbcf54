//! What AWS's error codes mean: the one table. A code is looked up whole, then by its message where a service has one
//! code for everything, then by its beginning or end; the HTTP status decides the rest.
//!
//! Sources: "Error codes for the Amazon EC2 API", the error sections of the API references of Auto Scaling, Elastic
//! Load Balancing, RDS and Secrets Manager, and the error lists of the SDK's service models.

use lamp_cloud::ErrorClass;
use lamp_cloud::ErrorClass::{
    AlreadyExists, Capacity, Conflict, Denied, Dependency, Invalid, NotFound, Quota, State, Throttled,
    Transient,
};

/// Codes that mean what they say.
const CODES: &[(ErrorClass, &[&str])] = &[
    (
        Throttled,
        &[
            "RequestLimitExceeded",
            "Throttling",
            "ThrottlingException",
            "ThrottledException",
            "RequestThrottled",
            "RequestThrottledException",
            "TooManyRequestsException",
            "EC2ThrottledException",
            "SlowDown",
            "PriorRequestNotComplete",
        ],
    ),
    (
        Transient,
        &[
            "InternalError",
            "InternalFailure",
            "InternalServiceError",
            "InternalServerError",
            "InternalServiceFault",
            "ServiceUnavailable",
            "ServiceUnavailableException",
            "Unavailable",
            "RequestTimeout",
            "RequestTimeoutException",
            // Auto Scaling, with status 500: another change of the group is under way.
            "ResourceContention",
            "ResourceContentionFault",
        ],
    ),
    (
        Capacity,
        &[
            // The first three come with a server error's status.
            "InsufficientInstanceCapacity",
            "InsufficientAddressCapacity",
            "InsufficientVolumeCapacity",
            "InsufficientCapacity",
            "InsufficientFreeAddressesInSubnet",
            "InsufficientDBInstanceCapacity",
            "InsufficientDBInstanceCapacityFault",
            "UnfulfillableCapacity",
            "Unsupported",
            "MaxSpotInstanceCountExceeded",
        ],
    ),
    (Quota, &["LimitExceeded", "LimitExceededException", "LimitExceededFault", "TooManyTags"]),
    (NotFound, &["Gateway.NotAttached", "ResourceNotFoundException"]),
    (
        AlreadyExists,
        &[
            "Resource.AlreadyAssociated",
            "InvalidPermission.Duplicate",
            "InvalidGroup.Duplicate",
            // The same range again, in the same VPC.
            "InvalidSubnet.Conflict",
            "DuplicateLoadBalancerName",
            "DuplicateTargetGroupName",
            "DuplicateListener",
            "ResourceExistsException",
        ],
    ),
    (
        Dependency,
        &[
            "DependencyViolation",
            // RDS says so of a group that an instance still uses.
            "InvalidDBSubnetGroupStateFault",
            "InvalidDBSubnetGroupState",
            "InvalidDBParameterGroupState",
            "InvalidDBParameterGroupStateFault",
        ],
    ),
    (
        State,
        &[
            "IncorrectState",
            "IncorrectStateException",
            "IncorrectInstanceState",
            "InvalidDBInstanceState",
            "InvalidDBInstanceStateFault",
            "InvalidDBSnapshotState",
            "InvalidVPCNetworkStateFault",
            "ScalingActivityInProgress",
            "ScalingActivityInProgressFault",
            "InstanceRefreshInProgress",
            "DBUpgradeDependencyFailure",
            "OperationNotPermitted",
            // Load balancing: the instance is not running.
            "InvalidTarget",
            // Secrets Manager: above all, a secret that waits for its deletion.
            "InvalidRequestException",
        ],
    ),
    (
        Conflict,
        &[
            "IdempotentParameterMismatch",
            "IdempotentParameterMismatchException",
            "IdempotentInstanceTerminated",
        ],
    ),
    (
        Denied,
        &[
            "AuthFailure",
            "UnauthorizedOperation",
            "AccessDenied",
            "AccessDeniedException",
            "ExpiredToken",
            "ExpiredTokenException",
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "MissingAuthenticationToken",
            "MissingAuthenticationTokenException",
            "IncompleteSignature",
            "NotAuthorized",
            "OptInRequired",
            "Blocked",
            "PendingVerification",
            "KMSKeyNotAccessibleFault",
            "DecryptionFailure",
            "EncryptionFailure",
            // A clock that is wrong.
            "RequestExpired",
            "RequestTimeTooSkewed",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
        ],
    ),
];

/// Codes that a service uses for several things, told apart by words of the message.
const MESSAGES: &[(ErrorClass, &str, &[&str])] = &[
    (NotFound, "ValidationError", &["not found", "does not exist", "Invalid IamInstanceProfile"]),
    // A new instance profile takes minutes to be seen.
    (NotFound, "InvalidParameterValue", &["Invalid IAM Instance Profile"]),
    // RDS may not make the role that it works with.
    (Denied, "InvalidParameterValue", &["service linked role"]),
    (State, "InvalidParameterCombination", &["Cannot delete protected DB Instance"]),
];

/// Beginnings and ends of codes, tried in this order.
const BEGINNINGS: &[(ErrorClass, &str)] = &[
    (Quota, "TooMany"),
    (Dependency, "ResourceInUse"),
    (Invalid, "InvalidParameter"),
    (Invalid, "Malformed"),
];

const ENDS: &[(ErrorClass, &str)] = &[
    (Quota, "LimitExceeded"),
    (Quota, "LimitExceededException"),
    (Quota, "LimitExceededFault"),
    (Quota, "QuotaExceeded"),
    (Quota, "QuotaExceededFault"),
    (NotFound, "NotFound"),
    (NotFound, "NotFoundFault"),
    (NotFound, "NotFoundException"),
    (AlreadyExists, "AlreadyExists"),
    (AlreadyExists, "AlreadyExistsFault"),
    (AlreadyExists, "AlreadyExistsException"),
    (Dependency, ".InUse"),
];

/// The class of an error that AWS answered with.
pub(super) fn classify(code: &str, message: &str, status: u16) -> ErrorClass {
    by_code(code)
        .or_else(|| by_message(code, message))
        .or_else(|| by_shape(code))
        .unwrap_or(if status >= 500 { Transient } else { Invalid })
}

fn by_code(code: &str) -> Option<ErrorClass> {
    CODES.iter().find(|(_, codes)| codes.contains(&code)).map(|(class, _)| *class)
}

fn by_message(code: &str, message: &str) -> Option<ErrorClass> {
    let message = message.to_ascii_lowercase();
    let says = |words: &&str| message.contains(&words.to_ascii_lowercase());
    MESSAGES.iter().find(|(_, of, words)| *of == code && words.iter().any(says)).map(|(class, ..)| *class)
}

fn by_shape(code: &str) -> Option<ErrorClass> {
    let begins = BEGINNINGS.iter().find(|(_, beginning)| code.starts_with(beginning));
    begins.or_else(|| ENDS.iter().find(|(_, end)| code.ends_with(end))).map(|(class, _)| *class)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_of_the_table_holds_whatever_the_status() {
        for (class, codes) in CODES {
            for code in *codes {
                for status in [400, 404, 409, 500, 503] {
                    assert_eq!(classify(code, "", status), *class, "{code} with status {status}");
                }
            }
        }
    }

    #[test]
    fn no_code_stands_in_two_rows() {
        let mut codes: Vec<_> = CODES.iter().flat_map(|(_, codes)| codes.iter()).collect();
        let all = codes.len();
        codes.sort_unstable();
        codes.dedup();
        assert_eq!(codes.len(), all);
    }

    #[test]
    fn codes_are_known_by_their_shape() {
        let rows: &[(&str, ErrorClass)] = &[
            ("VpcLimitExceeded", Quota),
            ("VcpuLimitExceeded", Quota),
            ("AddressLimitExceeded", Quota),
            ("RulesPerSecurityGroupLimitExceeded", Quota),
            ("NatGatewayLimitExceeded", Quota),
            ("TooManyLoadBalancers", Quota),
            ("TooManyTargetGroups", Quota),
            ("InstanceQuotaExceeded", Quota),
            ("StorageQuotaExceeded", Quota),
            ("DBSubnetGroupQuotaExceeded", Quota),
            ("InvalidVpcID.NotFound", NotFound),
            ("InvalidInstanceID.NotFound", NotFound),
            ("InvalidPermission.NotFound", NotFound),
            ("InvalidRoute.NotFound", NotFound),
            ("NatGatewayNotFound", NotFound),
            ("InvalidLaunchTemplateName.NotFoundException", NotFound),
            ("LoadBalancerNotFound", NotFound),
            ("DBInstanceNotFound", NotFound),
            ("DBSubnetGroupNotFoundFault", NotFound),
            ("RouteAlreadyExists", AlreadyExists),
            ("AlreadyExists", AlreadyExists),
            ("DBInstanceAlreadyExists", AlreadyExists),
            ("InvalidLaunchTemplateName.AlreadyExistsException", AlreadyExists),
            ("ResourceInUse", Dependency),
            ("ResourceInUseFault", Dependency),
            ("InvalidIPAddress.InUse", Dependency),
            ("InvalidGroup.InUse", Dependency),
            ("InvalidParameterValue", Invalid),
            ("InvalidParameterCombination", Invalid),
            ("MalformedQueryString", Invalid),
            ("InvalidAMIID.Malformed", Invalid),
        ];
        for (code, class) in rows {
            assert_eq!(classify(code, "", 400), *class, "{code}");
        }
    }

    #[test]
    fn some_codes_need_their_message() {
        let missing = "AutoScalingGroup name not found - AutoScalingGroup 'll-web' not found";
        assert_eq!(classify("ValidationError", missing, 400), NotFound);
        assert_eq!(classify("ValidationError", "Desired capacity:9 must be between 1 and 6", 400), Invalid);
        let profile =
            "Value (web) for parameter iamInstanceProfile.name is invalid. Invalid IAM Instance Profile name";
        assert_eq!(classify("InvalidParameterValue", profile, 400), NotFound);
        let role =
            "Unable to create the resource. Verify that you have permission to create service linked role.";
        assert_eq!(classify("InvalidParameterValue", role, 400), Denied);
        let protected =
            "Cannot delete protected DB Instance, please disable deletion protection and try again.";
        assert_eq!(classify("InvalidParameterCombination", protected, 400), State);
    }

    #[test]
    fn unknown_codes_are_judged_by_status() {
        assert_eq!(classify("SomethingNew", "", 400), Invalid);
        assert_eq!(classify("SomethingNew", "", 503), Transient);
    }
}
