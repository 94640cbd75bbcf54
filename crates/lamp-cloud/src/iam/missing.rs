//! Which action a refusal is about.

use std::collections::BTreeSet;

use super::{IamAction, implied};
use crate::{CloudError, ErrorClass, Operation, Read, Request};

/// Codes of refusals that a policy decides. Others of the same class are about credentials.
const BY_POLICY: &[&str] = &["AccessDenied", "AccessDeniedException", "UnauthorizedOperation"];

/// The actions that may be missing, as text, where `error` says that a policy does not allow the call: the one that
/// AWS names, or those that its words point to, or else all that the call needs. Empty for any other error.
pub fn missing(error: &CloudError) -> Vec<String> {
    if error.class != ErrorClass::Denied {
        return Vec::new();
    }
    if let Some(named) = named(&error.message) {
        return vec![named];
    }
    let Some(called) = called(&error.operation) else { return Vec::new() };
    let implied = implied(called);
    let points_to = |hints: &[&str]| hints.iter().any(|hint| error.message.contains(hint));
    let hinted: BTreeSet<IamAction> =
        implied.iter().filter(|one| points_to(one.hints)).map(|one| one.action).collect();
    let all = || implied.iter().map(|one| one.action).chain([called.into()]).collect();
    let suspects: BTreeSet<IamAction> = match hinted.is_empty() {
        false => hinted,
        true if BY_POLICY.contains(&error.code.as_str()) => all(),
        true => BTreeSet::new(),
    };
    suspects.iter().map(ToString::to_string).collect()
}

/// The action in AWS's sentence "… is not authorized to perform: ec2:CreateVpc on resource: …".
fn named(message: &str) -> Option<String> {
    let (_, rest) = message.split_once("authorized to perform: ")?;
    let action = rest.split([' ', ',', '.']).next()?;
    let (service, name) = action.split_once(':')?;
    let is_action = service.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-')
        && name.starts_with(|c: char| c.is_ascii_uppercase());
    is_action.then(|| action.to_owned())
}

fn called(name: &str) -> Option<Operation> {
    let all = Read::operations().into_iter().chain(Request::operations());
    all.into_iter().find(|operation| operation.name == name)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn denied(operation: &str, code: &str, message: &str) -> Vec<String> {
        missing(&CloudError::new(ErrorClass::Denied, operation, code, message))
    }

    #[test]
    fn the_action_that_aws_names_is_the_one() {
        let user =
            "User: arn:aws:sts::123456789012:assumed-role/lamplighter/i-1 is not authorized to perform:";
        let message = format!("{user} iam:PassRole on resource: arn:aws:iam::123456789012:role/web");
        assert_eq!(denied("RunInstances", "UnauthorizedOperation", &message), ["iam:PassRole"]);
        let message = format!("{user} ec2:CreateTags because no identity-based policy allows the action");
        assert_eq!(denied("CreateVpc", "UnauthorizedOperation", &message), ["ec2:CreateTags"]);
    }

    #[test]
    fn where_aws_names_none_its_words_point_to_some() {
        let message = "You are not authorized to use launch template: lt-0";
        let launch = ["ec2:CreateTags", "ec2:RunInstances", "iam:PassRole", "ssm:GetParameters"];
        assert_eq!(denied("UpdateAutoScalingGroup", "AccessDenied", message), launch);
        let message =
            "Unable to create the resource. Verify that you have permission to create service linked role.";
        let role = ["iam:CreateServiceLinkedRole"];
        assert_eq!(denied("CreateDBInstance", "InvalidParameterValue", message), role);
    }

    #[test]
    fn where_aws_says_nothing_all_that_the_call_needs_is_named() {
        let message = "You are not authorized to perform this operation.";
        let both = ["ec2:CreateSubnet", "ec2:CreateTags"];
        assert_eq!(denied("CreateSubnet", "UnauthorizedOperation", message), both);
    }

    #[test]
    fn what_no_policy_decides_names_no_action() {
        assert!(denied("CreateVpc", "ExpiredToken", "The security token is expired").is_empty());
        let other = CloudError::new(ErrorClass::Quota, "CreateVpc", "VpcLimitExceeded", "too many");
        assert!(missing(&other).is_empty());
    }
}
