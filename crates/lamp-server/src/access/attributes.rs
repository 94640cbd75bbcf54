//! Who asks, and for what.

use std::collections::BTreeSet;

use lamp_api::access_token::ANONYMOUS;

/// The group of everyone who said who they are.
pub(super) const AUTHENTICATED: &str = "system:authenticated";
/// The group of everyone else.
const UNAUTHENTICATED: &str = "system:unauthenticated";

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) groups: BTreeSet<String>,
}

impl Identity {
    /// Whoever is in this group may do everything, whatever roles and bindings say.
    pub(crate) const MASTERS: &str = "system:masters";

    /// Someone of whom it is known who they are.
    pub(crate) fn authenticated(name: String, groups: Vec<String>) -> Identity {
        Identity { name, groups: groups.into_iter().chain([AUTHENTICATED.to_owned()]).collect() }
    }

    /// Someone who did not say who they are.
    pub(crate) fn anonymous() -> Identity {
        Identity { name: ANONYMOUS.to_owned(), groups: [UNAUTHENTICATED.to_owned()].into() }
    }

    /// The groups but for those that follow from whether it is known who it is.
    pub(crate) fn own_groups(&self) -> impl Iterator<Item = &String> {
        self.groups.iter().filter(|group| ![AUTHENTICATED, UNAUTHENTICATED].contains(&group.as_str()))
    }

    pub(crate) fn is_anonymous(&self) -> bool {
        self.name == ANONYMOUS
    }

    pub(crate) fn is_master(&self) -> bool {
        self.groups.contains(Identity::MASTERS)
    }
}

/// What a request asks for. Empty texts stand for what it does not name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Attributes<'a> {
    /// Something about objects.
    Resource {
        verb: &'a str,
        /// Empty for the core group.
        group: &'a str,
        resource: &'a str,
        subresource: &'a str,
        /// Empty for cluster-scoped kinds, and for all namespaces.
        namespace: &'a str,
        name: &'a str,
    },
    /// Another path, such as `/metrics`; the verb is the method in lower case.
    Url { verb: &'a str, path: &'a str },
}
