//! Whether a policy allows something: some statement does, with its action, its resource and all of its conditions.

use std::collections::BTreeMap;

use lamp_cloud::iam::{Condition, Operator, Policy, Statement};

use super::Check;

/// A policy, and where in it each action stands.
#[derive(Debug)]
pub(crate) struct Permissions {
    policy: Policy,
    by_action: BTreeMap<String, Vec<usize>>,
}

impl Permissions {
    pub(crate) fn new(policy: Policy) -> Self {
        let mut by_action: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (index, statement) in policy.statements().iter().enumerate() {
            for action in &statement.action {
                by_action.entry(action.clone()).or_default().push(index);
            }
        }
        Self { policy, by_action }
    }

    pub(super) fn policy(&self) -> &Policy {
        &self.policy
    }

    /// Whether some statement allows it in this region.
    pub(super) fn allow(&self, check: &Check<'_>, region: &str) -> bool {
        let indices = self.by_action.get(&check.action.to_string()).into_iter().flatten();
        let mut statements = indices.filter_map(|index| self.policy.statements().get(*index));
        statements.any(|statement| {
            is_about(statement, &check.resource) && holds(&statement.condition, check, region)
        })
    }
}

fn is_about(statement: &Statement, resource: &str) -> bool {
    statement.resource.iter().any(|pattern| is_like(pattern, resource))
}

fn holds(condition: &Condition, check: &Check<'_>, region: &str) -> bool {
    condition.iter().all(|(operator, keys)| {
        keys.iter().all(|(key, values)| compares(*operator, check.value(key, region), values))
    })
}

fn compares(operator: Operator, value: Option<&str>, values: &[String]) -> bool {
    match operator {
        Operator::StringEquals => value.is_some_and(|value| values.iter().any(|one| one == value)),
        Operator::StringEqualsIfExists => value.is_none_or(|value| values.iter().any(|one| one == value)),
        Operator::Null => values.iter().any(|one| *one == value.is_none().to_string()),
        Operator::ArnLike => value.is_some_and(|value| values.iter().any(|one| is_like(one, value))),
    }
}

impl Check<'_> {
    /// The value of a key of IAM's, if the call has one.
    fn value<'b>(&'b self, key: &str, region: &'b str) -> Option<&'b str> {
        if let Some(tag) = key.strip_prefix("aws:RequestTag/") {
            return self.requested?.get(tag).map(String::as_str);
        }
        if let Some(tag) = key.strip_prefix("aws:ResourceTag/") {
            return self.carried?.get(tag).map(String::as_str);
        }
        if key == "aws:RequestedRegion" {
            return Some(region);
        }
        self.facts.iter().find(|(known, _)| *known == key).map(|(_, value)| value.as_str())
    }
}

/// Whether `text` is like `pattern`, in which `*` stands for any text.
fn is_like(pattern: &str, text: &str) -> bool {
    let Some((first, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(mut left) = text.strip_prefix(first) else { return false };
    let (middle, last) = rest.rsplit_once('*').map_or((None, rest), |(middle, last)| (Some(middle), last));
    for piece in middle.into_iter().flat_map(|middle| middle.split('*')) {
        match left.split_once(piece) {
            Some((_, after)) => left = after,
            None => return false,
        }
    }
    left.ends_with(last)
}

#[cfg(test)]
mod tests {
    use lamp_cloud::Tags;
    use lamp_cloud::iam::{IamAction, Scope};

    use super::*;

    const REGION: &str = "eu-central-1";

    fn permissions() -> Permissions {
        let scope = Scope {
            install: "prod".to_owned(),
            regions: vec![REGION.to_owned()],
            account: Some("1".to_owned()),
        };
        Permissions::new(Policy::new(&scope))
    }

    fn tags(install: &str) -> Tags {
        [("lamplighter:install".to_owned(), install.to_owned())].into()
    }

    fn vpc(name: &'static str) -> Check<'static> {
        Check::new(IamAction::new("ec2", name), format!("arn:aws:ec2:{REGION}:1:vpc/vpc-1"))
    }

    #[test]
    fn stars_stand_for_any_text() {
        for (pattern, text) in
            [("*", ""), ("a:*:b/*", "a:1:b/"), ("a*b*c", "abbc"), ("*c", "abc"), ("a", "a")]
        {
            assert!(is_like(pattern, text), "{pattern} {text}");
        }
        for (pattern, text) in
            [("a", "ab"), ("a*b", "a"), ("a*b*c", "acb"), ("ab*ba", "aba"), ("a:*:c", "a:b:")]
        {
            assert!(!is_like(pattern, text), "{pattern} {text}");
        }
    }

    #[test]
    fn what_carries_another_installations_tag_is_not_touched() {
        let (ours, others) = (tags("prod"), tags("test"));
        let permissions = permissions();
        assert!(permissions.allow(&vpc("DeleteVpc").carrying(&ours), REGION));
        assert!(!permissions.allow(&vpc("DeleteVpc").carrying(&others), REGION));
        assert!(!permissions.allow(&vpc("DeleteVpc"), REGION));
        assert!(!permissions.allow(&vpc("CreateTags").requesting(&ours).carrying(&others), REGION));
        assert!(permissions.allow(&vpc("CreateTags").requesting(&ours), REGION));
    }

    #[test]
    fn nothing_is_made_without_our_tag_nor_read_in_another_region() {
        let (ours, others) = (tags("prod"), tags("test"));
        let permissions = permissions();
        assert!(permissions.allow(&vpc("CreateVpc").requesting(&ours), REGION));
        assert!(!permissions.allow(&vpc("CreateVpc").requesting(&others), REGION));
        let read = Check::new(IamAction::new("ec2", "DescribeVpcs"), "*");
        assert!(permissions.allow(&read, REGION));
        assert!(!permissions.allow(&read, "eu-west-1"));
    }
}
