//! Whether rights hold all that other rights would allow.

use lamp_api::rbac::PolicyRule;

use super::rule::{has, is_resource, is_url, list};

/// What `wanted` allows and `owned` does not, piece by piece, in words: `delete lampstacks.lamplighter.dev`. Empty: all of
/// it is covered.
pub(super) fn missing(owned: &[PolicyRule], wanted: &[PolicyRule]) -> Vec<String> {
    let pieces = wanted.iter().flat_map(pieces);
    pieces
        .filter(|piece| !owned.iter().any(|rule| piece.is_within(rule)))
        .map(|piece| piece.title())
        .collect()
}

/// The smallest part of a rule.
#[derive(Clone, Copy, Debug)]
enum Piece<'a> {
    Url {
        verb: &'a str,
        url: &'a str,
    },
    /// Without a name: of all objects.
    Resource {
        verb: &'a str,
        group: &'a str,
        resource: &'a str,
        name: Option<&'a str>,
    },
}

fn pieces(rule: &PolicyRule) -> Vec<Piece<'_>> {
    let mut pieces = Vec::new();
    let names: Vec<Option<&str>> = match list(&rule.resource_names) {
        [] => vec![None],
        names => names.iter().map(|name| Some(name.as_str())).collect(),
    };
    for verb in &rule.verbs {
        pieces.extend(list(&rule.non_resource_urls).iter().map(|url| Piece::Url { verb, url }));
        for group in list(&rule.api_groups) {
            for resource in list(&rule.resources) {
                pieces.extend(names.iter().map(|&name| Piece::Resource { verb, group, resource, name }));
            }
        }
    }
    pieces
}

impl Piece<'_> {
    /// Whether the rule allows all of it: a wildcard is within a wildcard only.
    fn is_within(self, rule: &PolicyRule) -> bool {
        match self {
            Piece::Url { verb, url } => {
                has(&rule.verbs, verb) && list(&rule.non_resource_urls).iter().any(|owned| is_url(owned, url))
            }
            Piece::Resource { verb, group, resource, name } => {
                let (of, part) = resource.split_once('/').unwrap_or((resource, ""));
                let names = list(&rule.resource_names);
                has(&rule.verbs, verb)
                    && has(list(&rule.api_groups), group)
                    && list(&rule.resources)
                        .iter()
                        .any(|owned| owned == resource || is_resource(owned, of, part))
                    && (names.is_empty() || name.is_some_and(|name| names.iter().any(|owned| owned == name)))
            }
        }
    }

    fn title(self) -> String {
        match self {
            Piece::Url { verb, url } => format!("{verb} {url}"),
            Piece::Resource { verb, group, resource, name } => {
                let dot = if group.is_empty() { "" } else { "." };
                let name = name.map(|name| format!(" named {name}")).unwrap_or_default();
                format!("{verb} {resource}{dot}{group}{name}")
            }
        }
    }
}
