//! The IAM policy allows what the adapter calls, and what AWS checks for that besides; nothing else.

use std::collections::BTreeSet;

use anyhow::{Result, ensure};
use lamp_cloud::iam::{self, Policy, Scope};
use lamp_cloud::{Operation, Read, Request};
use lamp_tests::proxy::Tally;

/// The one call that is no request of its own: the adapter makes it before it creates a database.
const PASSWORD: &str = "secretsmanager:GetSecretValue";

/// Whether the policy is for these calls, where they are all that the adapter can make.
///
/// # Errors
/// Calls that the port does not list or the policy does not allow, and those that are listed or allowed for nothing.
pub(crate) fn is_for_exactly(calls: &Tally) -> Result<()> {
    let called: BTreeSet<String> =
        calls.actions().map(|(service, action)| iam_action(service, action)).collect();
    let operations: BTreeSet<Operation> = &Read::operations() | &Request::operations();
    let listed = operations.iter().map(ToString::to_string).chain([PASSWORD.to_owned()]).collect();
    same("the port lists", &listed, "the adapter calls", &called)?;
    let implied = operations.iter().flat_map(|operation| iam::implied(*operation));
    let checked: BTreeSet<String> = implied.map(|implied| implied.action.to_string()).collect();
    let scope = Scope { install: "default".to_owned(), regions: Vec::new(), account: None };
    same("the policy allows", &Policy::new(&scope).actions(), "AWS checks", &(&called | &checked))
}

/// CloudWatch signs with another name than IAM knows it by.
fn iam_action(service: &str, action: &str) -> String {
    let service = if service == "monitoring" { "cloudwatch" } else { service };
    format!("{service}:{action}")
}

fn same(one: &str, left: &BTreeSet<String>, other: &str, right: &BTreeSet<String>) -> Result<()> {
    let only_left: Vec<_> = left.difference(right).collect();
    let only_right: Vec<_> = right.difference(left).collect();
    ensure!(only_left.is_empty(), "only {one}: {only_left:?}");
    ensure!(only_right.is_empty(), "only {other}: {only_right:?}");
    Ok(())
}
