//! What must be so for an action to be allowed on a resource.

use std::collections::BTreeMap;

use super::{Condition, Operator, Scope};
use crate::{Kind, Service, tag};

/// What must be so for an action to be allowed on a resource, in the order in which people read it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Guard {
    /// Nothing: AWS looks at no tags there, or there are none to look at.
    Anything,
    /// It is made, with our tag in the request.
    New,
    /// It is made, with our tag in the request, in something that carries our tag.
    NewWithin,
    /// It carries our tag.
    Ours,
    /// It is given our tag by the EC2 call that makes it.
    TaggedAtCreation,
    /// It is given our tag, and carries no other installation's: what lost its tags, and, where AWS does not tell the
    /// two apart, what is new.
    Claimed,
    /// It is given our tag, and carries no installation's.
    Unclaimed,
    /// It is what a launch template says.
    FromTemplate,
    /// It is a role for instances.
    ForInstances,
    /// It is the role of one of the services that we use.
    ForServices,
}

/// Services that make a role of their own with the first resource in an account.
const SERVICES: [&str; 3] =
    ["autoscaling.amazonaws.com", "elasticloadbalancing.amazonaws.com", "rds.amazonaws.com"];

impl Guard {
    /// Whether grants may share a statement, on everything of their services: what the condition says holds for
    /// whatever they touch, so that naming more resources allows nothing more.
    pub(super) fn is_enough(self) -> bool {
        matches!(self, Self::Ours | Self::TaggedAtCreation)
    }

    /// What is written into the policy, but for the region.
    pub(super) fn condition(self, scope: &Scope) -> Condition {
        let install = vec![scope.install.clone()];
        let request = (format!("aws:RequestTag/{}", tag::INSTALL), install.clone());
        let resource = (format!("aws:ResourceTag/{}", tag::INSTALL), install);
        match self {
            Self::Anything => Condition::new(),
            Self::New => equals([request]),
            Self::NewWithin => equals([request, resource]),
            Self::Ours => equals([resource]),
            Self::TaggedAtCreation => equals([request, ("ec2:CreateAction".to_owned(), creations())]),
            Self::Claimed => {
                let unless_another = operator(Operator::StringEqualsIfExists, [resource]);
                equals([request]).into_iter().chain(unless_another).collect()
            }
            Self::Unclaimed => {
                let (key, _) = resource;
                let missing = operator(Operator::Null, [(key, vec!["true".to_owned()])]);
                equals([request]).into_iter().chain(missing).collect()
            }
            Self::FromTemplate => {
                let templates = scope.arn("ec2:{region}:{account}:launch-template/*");
                operator(Operator::ArnLike, [("ec2:LaunchTemplate".to_owned(), vec![templates])])
            }
            Self::ForInstances => equals([("iam:PassedToService".to_owned(), vec![scope.ec2_principal()])]),
            Self::ForServices => {
                equals([("iam:AWSServiceName".to_owned(), SERVICES.map(str::to_owned).into())])
            }
        }
    }
}

/// The calls that make something of EC2's: ours, and the one that Auto Scaling makes with our permissions.
fn creations() -> Vec<String> {
    let kinds = Kind::ALL.iter().filter(|kind| kind.service() == Service::Ec2);
    let ours = kinds.flat_map(|kind| kind.create_operations()).copied();
    ours.chain(["RunInstances"]).map(str::to_owned).collect()
}

fn equals(pairs: impl IntoIterator<Item = (String, Vec<String>)>) -> Condition {
    operator(Operator::StringEquals, pairs)
}

fn operator(operator: Operator, pairs: impl IntoIterator<Item = (String, Vec<String>)>) -> Condition {
    BTreeMap::from([(operator, pairs.into_iter().collect())])
}
