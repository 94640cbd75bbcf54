//! What one rule allows.

use lamp_api::rbac::PolicyRule;

use super::attributes::Attributes;

const ANY: &str = "*";

/// Whether the rule allows it.
pub(super) fn allows(rule: &PolicyRule, attributes: &Attributes<'_>) -> bool {
    match *attributes {
        Attributes::Resource { verb, group, resource, subresource, name, .. } => {
            has(&rule.verbs, verb)
                && has(list(&rule.api_groups), group)
                && list(&rule.resources).iter().any(|pattern| is_resource(pattern, resource, subresource))
                && is_named(list(&rule.resource_names), name)
        }
        Attributes::Url { verb, path } => {
            has(&rule.verbs, verb)
                && list(&rule.non_resource_urls).iter().any(|pattern| is_url(pattern, path))
        }
    }
}

pub(super) fn list(list: &Option<Vec<String>>) -> &[String] {
    list.as_deref().unwrap_or_default()
}

pub(super) fn has(list: &[String], wanted: &str) -> bool {
    list.iter().any(|item| item == ANY || item == wanted)
}

/// `lampstacks`, `lampstacks/status`, `*/status`, `*`, which is also every subresource.
pub(super) fn is_resource(pattern: &str, resource: &str, subresource: &str) -> bool {
    match pattern.split_once('/') {
        None => pattern == ANY || (pattern == resource && subresource.is_empty()),
        Some((of, part)) => !subresource.is_empty() && part == subresource && (of == ANY || of == resource),
    }
}

/// Without names the rule is about all objects; with some, what has no name (a list, a creation) is not meant.
fn is_named(names: &[String], name: &str) -> bool {
    names.is_empty() || names.iter().any(|allowed| allowed == name)
}

/// `/metrics`, `/openapi/*`, `*`.
pub(super) fn is_url(pattern: &str, path: &str) -> bool {
    pattern == path || pattern.strip_suffix('*').is_some_and(|prefix| path.starts_with(prefix))
}
