//! The IAM policy of the daemon's role: what the port can call, and nothing else.
//!
//! Which actions there are follows from the port ([`super::actions`]). On which resources AWS lets each be allowed stands
//! in one table, `table.rs`; under which conditions, in `guard.rs`. `deploy/iam/policy.json` is this policy for the
//! installation `default`.

mod grants;
mod guard;
mod scope;
mod table;

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use grants::Grant;
use guard::Guard;
pub use scope::Scope;

/// An IAM policy. It serialises to the JSON that IAM takes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Policy {
    version: &'static str,
    statement: Vec<Statement>,
}

/// One permission: these actions, on these resources, under all of these conditions.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "PascalCase")]
pub struct Statement {
    pub sid: String,
    effect: &'static str,
    /// For example `ec2:CreateVpc`.
    pub action: BTreeSet<String>,
    /// Patterns of ARNs, in which `*` stands for anything.
    pub resource: BTreeSet<String>,
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub condition: Condition,
}

/// By operator: keys, for example `aws:RequestTag/lamplighter:install`, and the values of which one must be there.
pub type Condition = BTreeMap<Operator, BTreeMap<String, Vec<String>>>;

/// How a condition compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub enum Operator {
    /// The key is there, and has one of the values.
    StringEquals,
    /// The key is not there, or has one of the values.
    StringEqualsIfExists,
    /// The key is there, and is like one of the patterns.
    ArnLike,
    /// Whether the key is missing: `true` or `false`.
    Null,
}

impl Policy {
    /// What the daemon of this scope may do.
    pub fn new(scope: &Scope) -> Self {
        Self::of(grants::all().into_iter().map(|(grant, actions)| statement(scope, grant, actions)))
    }

    /// What the daemon of this scope may do besides, for as long as it takes over sites that others made: tag what
    /// carries no installation's tag, whatever it is called. EC2's tags are not limited by names anyway.
    pub fn takeover(scope: &Scope) -> Self {
        let actions =
            ["autoscaling:CreateOrUpdateTags", "elasticloadbalancing:AddTags", "rds:AddTagsToResource"];
        Self::of([Statement {
            sid: "TakeOver".to_owned(),
            effect: "Allow",
            action: actions.map(str::to_owned).into(),
            resource: [table::EVERYTHING.to_owned()].into(),
            condition: Guard::Unclaimed.condition(scope),
        }])
    }

    /// Both together.
    #[must_use]
    pub fn and(mut self, other: Self) -> Self {
        self.statement.extend(other.statement);
        self
    }

    /// Nothing is allowed.
    pub fn nothing() -> Self {
        Self::of([])
    }

    fn of(statements: impl IntoIterator<Item = Statement>) -> Self {
        Self { version: "2012-10-17", statement: statements.into_iter().collect() }
    }

    /// The same without one action, for example `ec2:CreateVpc`.
    #[must_use]
    pub fn without(mut self, action: &str) -> Self {
        for statement in &mut self.statement {
            statement.action.remove(action);
        }
        self.statement.retain(|statement| !statement.action.is_empty());
        self
    }

    pub fn statements(&self) -> &[Statement] {
        &self.statement
    }

    /// Every action that it allows on something, for example `ec2:CreateVpc`.
    pub fn actions(&self) -> BTreeSet<String> {
        self.statement.iter().flat_map(|statement| statement.action.iter().cloned()).collect()
    }

    /// The document, as IAM takes it and people read it.
    ///
    /// # Errors
    /// Never in practice: whatever JSON may refuse is not in it.
    pub fn document(&self) -> serde_json::Result<String> {
        Ok(serde_json::to_string_pretty(self)? + "\n")
    }
}

fn statement(scope: &Scope, (guard, patterns): Grant, action: BTreeSet<String>) -> Statement {
    let everywhere = patterns.contains(table::EVERYTHING);
    let arn = |pattern: &String| if everywhere { pattern.clone() } else { scope.arn(pattern) };
    let is_regional = everywhere || patterns.iter().any(|pattern| pattern.contains("{region}"));
    let is_named = !everywhere && scope.regions.len() == 1;
    let mut condition = guard.condition(scope);
    // Where no ARN names the region, a condition does.
    if is_regional && !is_named && !scope.regions.is_empty() {
        let equals = condition.entry(Operator::StringEquals).or_default();
        equals.insert("aws:RequestedRegion".to_owned(), scope.regions.clone());
    }
    Statement {
        sid: if everywhere { "Observe".to_owned() } else { format!("{guard:?}{}", first_name(&action)) },
        effect: "Allow",
        resource: patterns.iter().map(arn).collect(),
        condition,
        action,
    }
}

/// The first action's name, which tells apart the statements of one guard.
fn first_name(actions: &BTreeSet<String>) -> &str {
    actions.first().and_then(|action| action.rsplit(':').next()).unwrap_or_default()
}

#[cfg(test)]
mod tests;
