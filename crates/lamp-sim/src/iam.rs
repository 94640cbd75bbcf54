//! What IAM allows: the policy of the daemon's role is evaluated on each call, before anything else is looked at.
//!
//! `checks.rs` and `implied.rs` say what AWS checks a call for, `permissions.rs` whether a policy allows that. The tables
//! of the policy are not used here, so that a policy which lacks something is found out. What people do by hand is not
//! checked: their credentials are their own.

mod arns;
mod checks;
mod implied;
mod permissions;

use lamp_cloud::iam::{IamAction, Policy, Scope};
use lamp_cloud::{Operation, Read, Request, Service, Tags};

pub(crate) use permissions::Permissions;

use crate::Config;
use crate::refusal::Refusal;
use crate::world::{ACCOUNT, World};

/// One thing that a call needs to be allowed.
#[derive(Clone, Debug)]
struct Check<'a> {
    action: IamAction,
    /// ARN of the resource, or `*`.
    resource: String,
    /// Tags that the call gives.
    requested: Option<&'a Tags>,
    /// Tags that the resource carries.
    carried: Option<&'a Tags>,
    /// Other keys that conditions may ask for, with their values.
    facts: Vec<(&'static str, String)>,
}

impl<'a> Check<'a> {
    fn new(action: impl Into<IamAction>, resource: impl Into<String>) -> Self {
        Self {
            action: action.into(),
            resource: resource.into(),
            requested: None,
            carried: None,
            facts: Vec::new(),
        }
    }

    fn requesting(self, tags: &'a Tags) -> Self {
        Self { requested: Some(tags), ..self }
    }

    fn carrying(self, tags: &'a Tags) -> Self {
        Self { carried: Some(tags), ..self }
    }

    fn knowing(mut self, key: &'static str, value: impl Into<String>) -> Self {
        self.facts.push((key, value.into()));
        self
    }
}

/// The policy that a region starts with: its own, or all that the daemon of its installation needs.
pub(crate) fn policy(config: &Config) -> Policy {
    let scope = || Scope {
        install: config.install.clone(),
        regions: vec![config.region.clone()],
        account: Some(ACCOUNT.to_owned()),
    };
    config.policy.clone().unwrap_or_else(|| Policy::new(&scope()))
}

impl World {
    /// What the daemon's role may do from now on.
    pub fn set_policy(&mut self, policy: Policy) {
        self.permissions = Permissions::new(policy);
    }

    /// What the daemon's role may do.
    pub fn policy(&self) -> &Policy {
        self.permissions.policy()
    }

    /// Whether IAM lets a mutating call through.
    pub(crate) fn authorize(&self, request: &Request) -> Result<(), Refusal> {
        self.checks(request).iter().try_for_each(|check| self.allow(request.called(), check))
    }

    /// Whether IAM lets a reading call through. Where AWS would look at one resource, `*` stands for whichever it is.
    pub(crate) fn authorize_read(&self, read: &Read) -> Result<(), Refusal> {
        self.allow(read.called(), &Check::new(read.called(), "*"))
    }

    fn allow(&self, called: Operation, check: &Check<'_>) -> Result<(), Refusal> {
        if self.permissions.allow(check, &self.config.region) {
            return Ok(());
        }
        Err(match implied::words(called, check) {
            Some(words) => words,
            None => denied(called, check.action, &check.resource),
        })
    }
}

/// AWS's words for a call that no statement allows.
pub(crate) fn denied(called: Operation, action: IamAction, resource: &str) -> Refusal {
    let (code, before) = match called.service {
        Service::Ec2 => ("UnauthorizedOperation", "You are not authorized to perform this operation. "),
        Service::SecretsManager => ("AccessDeniedException", ""),
        _ => ("AccessDenied", ""),
    };
    let message = format!(
        "{before}User: arn:aws:sts::{ACCOUNT}:assumed-role/lamplighter/daemon is not authorized to perform: {action} \
         on resource: {resource} because no identity-based policy allows the {action} action"
    );
    Refusal::new(code, message)
}
