//! Rules that leave alone what a spec cannot say.

use std::collections::{BTreeMap, BTreeSet};

use lamp_api::v1alpha1::{IgnorePolicy, IgnoreRule, Tier};
use lamp_cloud::Part;

use super::{Found, Unexpressed};
use crate::parts;

/// One rule for each part that differs, and one for a whole family that differs in the same fields.
pub(super) fn rules(unexpressed: &[Unexpressed], found: &Found<'_>, tiers: &[Tier]) -> Vec<IgnoreRule> {
    let mut fields: BTreeMap<&Part, BTreeSet<&str>> = BTreeMap::new();
    for rest in unexpressed {
        fields.entry(&rest.part).or_default().insert(&rest.field);
    }
    let mut rules = BTreeMap::new();
    for (part, differing) in &fields {
        let family: Vec<_> = found.keys().filter(|other| word(other) == word(part)).collect();
        let alike = family.len() > 1 && family.iter().all(|other| fields.get(*other) == Some(differing));
        let pattern = if alike { format!("{}/*", word(part)) } else { part.to_string() };
        rules.insert(pattern, differing);
    }
    let report = |(part, fields): (String, &BTreeSet<&str>)| IgnoreRule {
        part,
        fields: fields.iter().map(|field| (*field).to_owned()).collect(),
        policy: IgnorePolicy::Report,
    };
    rules.into_iter().map(report).chain(capacity(tiers)).collect()
}

/// Policies of AWS that a spec cannot say go on moving the capacity within its bounds. Where the spec has policies, they
/// say whose it is.
fn capacity(tiers: &[Tier]) -> Vec<IgnoreRule> {
    let (scaled, others): (Vec<_>, Vec<_>) = tiers.iter().partition(|tier| !tier.scaling.policies.is_empty());
    let groups: Vec<String> = match (scaled.is_empty(), others.is_empty()) {
        (_, true) => Vec::new(),
        (true, false) => vec!["auto-scaling-group/*".to_owned()],
        _ => others.iter().map(|tier| parts::auto_scaling_group(&tier.name).to_string()).collect(),
    };
    let rule = |part| IgnoreRule { part, fields: vec!["desired".to_owned()], policy: IgnorePolicy::Ignore };
    groups.into_iter().map(rule).collect()
}

/// What the names of all parts of a family begin with.
fn word(part: &Part) -> &str {
    part.as_str().split('/').next().unwrap_or_default()
}
