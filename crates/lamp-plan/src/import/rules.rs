//! Rules that leave alone what a spec cannot say.

use std::collections::{BTreeMap, BTreeSet};

use lamp_api::v1alpha1::{IgnorePolicy, IgnoreRule};
use lamp_cloud::Part;

use super::{Found, Unexpressed};

/// One rule for each part that differs, and one for a whole family that differs in the same fields.
pub(super) fn rules(unexpressed: &[Unexpressed], found: &Found<'_>) -> Vec<IgnoreRule> {
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
    rules.into_iter().map(report).chain(capacity(found)).collect()
}

/// Scaling policies of AWS are not read. Those that there are go on moving the capacity within its bounds.
fn capacity(found: &Found<'_>) -> Option<IgnoreRule> {
    let group = found.keys().any(|part| word(part) == GROUP);
    group.then(|| IgnoreRule {
        part: format!("{GROUP}/*"),
        fields: vec!["desired".to_owned()],
        policy: IgnorePolicy::Ignore,
    })
}

const GROUP: &str = "auto-scaling-group";

/// What the names of all parts of a family begin with.
fn word(part: &Part) -> &str {
    part.as_str().split('/').next().unwrap_or_default()
}
