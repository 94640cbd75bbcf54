//! Fields that somebody else may change: which differences are only reported, or not even looked at.

mod fields;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use fields::{PartFamily, PartNames, part_families};

/// Every field that a rule may name.
pub const ALL_FIELDS: &str = "*";

/// Fields of existing parts that are not put back when they differ from the spec. Creation is not affected: a part that
/// is made, or made again, is first brought to what the spec says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct IgnoreRule {
    /// Name of the part as `status.parts` has it, for example `launch-template/web`. `*` stands for any characters:
    /// `security-group/*`.
    pub part: String,

    /// The fields, as plans name them, for example `userData`. `*` alone stands for all of them.
    pub fields: Vec<String>,

    /// What is done about a difference: `Report` shows it, `Ignore` does not even compare.
    /// Default `Report`: what is nobody's to put back should still be seen.
    #[serde(default)]
    pub policy: IgnorePolicy,
}

/// What is done about a difference that is not put back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub enum IgnorePolicy {
    /// It is shown in the status.
    #[default]
    Report,
    /// Nothing is compared, and nothing is shown.
    Ignore,
}

impl IgnoreRule {
    /// Whether the rule is about any field of a part.
    pub fn is_about(&self, part: &str) -> bool {
        matches(&self.part, part)
    }

    /// Whether the rule covers a field of a part. What says whose something is (tags, ids) is never covered.
    pub fn covers(&self, part: &str, field: &str) -> bool {
        let names_it = self.fields.iter().any(|named| named == field || named == ALL_FIELDS);
        names_it && self.is_about(part) && may_be_left(part, field)
    }
}

/// Whether a field of a part can be left to others at all. What says whose something is cannot.
pub fn may_be_left(part: &str, field: &str) -> bool {
    fields::family(part).is_some_and(|family| family.fields.contains(&field))
}

/// What becomes of a difference in a field of a part; `None`: it is put back. Of several rules the one that leaves the
/// field more alone counts, as the order of rules has no meaning.
pub fn ignore_policy(rules: &[IgnoreRule], part: &str, field: &str) -> Option<IgnorePolicy> {
    rules.iter().filter(|rule| rule.covers(part, field)).map(|rule| rule.policy).max()
}

/// Whether `text` is as `pattern` says, in which `*` stands for any characters, also none.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    let Some((start, rest)) = pattern.split_once('*') else { return pattern == text };
    let Some(text) = text.strip_prefix(start) else { return false };
    let ends = text.char_indices().map(|(index, _)| index).chain([text.len()]);
    ends.into_iter().any(|index| matches(rest, &text[index..]))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rule(part: &str, fields: &[&str], policy: IgnorePolicy) -> IgnoreRule {
        let fields = fields.iter().map(|field| (*field).to_owned()).collect();
        IgnoreRule { part: part.to_owned(), fields, policy }
    }

    #[test]
    fn a_star_stands_for_any_characters() {
        let cases = [
            ("vpc", "vpc", true),
            ("vpc", "vpc/1", false),
            ("security-group/*", "security-group/web", true),
            ("security-group/*", "security-group/web/load-balancer", true),
            ("security-group/*", "security-group", false),
            ("*/web", "launch-template/web", true),
            ("*/web", "launch-template/web2", false),
            ("subnet/*/1", "subnet/public/1", true),
            ("subnet/*/1", "subnet/public/2", false),
            ("*", "vpc", true),
            ("s*b*t/é*", "subnet/é", true),
        ];
        for (pattern, text, expected) in cases {
            assert_eq!(matches(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn of_several_rules_the_one_that_leaves_more_alone_counts() {
        let mut rules = vec![
            rule("security-group/*", &["ingress"], IgnorePolicy::Report),
            rule("security-group/web", &["*"], IgnorePolicy::Ignore),
        ];
        for _ in 0..2 {
            assert_eq!(ignore_policy(&rules, "security-group/web", "ingress"), Some(IgnorePolicy::Ignore));
            assert_eq!(ignore_policy(&rules, "security-group/app", "ingress"), Some(IgnorePolicy::Report));
            assert_eq!(ignore_policy(&rules, "security-group/app", "egress"), None);
            rules.reverse();
        }
    }

    #[test]
    fn what_says_whose_something_is_is_never_left_alone() {
        let all = [rule("*", &["*"], IgnorePolicy::Ignore)];
        assert_eq!(ignore_policy(&all, "launch-template/web", "userData"), Some(IgnorePolicy::Ignore));
        assert_eq!(ignore_policy(&all, "launch-template/web", "instanceTags"), None);
        assert_eq!(ignore_policy(&all, "replica/1", "source"), None);
    }
}
