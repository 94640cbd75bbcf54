//! What IAM must allow for a call: the action of its own name, and those that AWS checks besides.
//!
//! Sources: the dependent actions of the Service Authorization Reference; "Elastic Load Balancing API permissions";
//! "Control Amazon EC2 launch template usage in Auto Scaling groups"; "Using service-linked roles for Amazon RDS". The
//! [`Policy`] says on which resources and under which conditions each action is allowed.

mod implied;
mod missing;
mod policy;

use std::collections::BTreeSet;
use std::fmt;

pub use implied::{Implied, When, implied};
pub use missing::missing;
pub use policy::{Condition, Operator, Policy, Scope, Statement};

use crate::{Operation, Read, Request};

/// An IAM action, for example `ec2:CreateVpc`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct IamAction {
    /// The service's prefix in IAM, for example `elasticloadbalancing`.
    pub service: &'static str,
    pub name: &'static str,
}

impl IamAction {
    pub const fn new(service: &'static str, name: &'static str) -> Self {
        Self { service, name }
    }
}

impl From<Operation> for IamAction {
    fn from(operation: Operation) -> Self {
        Self::new(operation.service.name(), operation.name)
    }
}

impl fmt::Display for IamAction {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.service, self.name)
    }
}

/// Every action that a call of the port can need.
pub fn actions() -> BTreeSet<IamAction> {
    let operations: BTreeSet<Operation> = &Read::operations() | &Request::operations();
    let implied = operations.iter().flat_map(|operation| implied(*operation)).map(|implied| implied.action);
    operations.iter().map(|operation| IamAction::from(*operation)).chain(implied).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Service;

    #[test]
    fn calls_and_what_they_imply_are_all_there() {
        let all: BTreeSet<String> = actions().iter().map(ToString::to_string).collect();
        for action in [
            "ec2:DescribeVpcs",
            "ec2:CreateTags",
            "ec2:DisassociateAddress",
            "autoscaling:TerminateInstanceInAutoScalingGroup",
            "rds:CreateDBInstanceReadReplica",
            "rds:ListTagsForResource",
            "secretsmanager:DescribeSecret",
            "secretsmanager:GetSecretValue",
            "iam:PassRole",
        ] {
            assert!(all.contains(action), "{action} is missing in {all:#?}");
        }
    }

    #[test]
    fn an_operation_is_known_by_its_name_alone() {
        let all: Vec<Operation> = Read::operations().into_iter().chain(Request::operations()).collect();
        let names: BTreeSet<&str> = all.iter().map(|operation| operation.name).collect();
        assert_eq!(names.len(), all.len(), "two services have an operation of one name");
    }

    #[test]
    fn every_row_of_implied_actions_is_of_a_call_that_is_made() {
        let requests = Request::operations();
        for operation in implied::operations() {
            assert!(requests.contains(&operation), "{operation} is never called");
        }
    }

    #[test]
    fn whatever_is_created_is_tagged() {
        for (service, name, tagging) in [
            (Service::Ec2, "CreateVpc", "ec2:CreateTags"),
            (Service::AutoScaling, "CreateAutoScalingGroup", "autoscaling:CreateOrUpdateTags"),
            (Service::LoadBalancing, "CreateListener", "elasticloadbalancing:AddTags"),
            (Service::Rds, "CreateDBInstanceReadReplica", "rds:AddTagsToResource"),
            (Service::SecretsManager, "CreateSecret", "secretsmanager:TagResource"),
        ] {
            let implied = implied(Operation::new(service, name));
            assert!(implied.iter().any(|one| one.action.to_string() == tagging), "{name}: {implied:?}");
        }
    }
}
