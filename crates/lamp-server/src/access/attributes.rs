//! Who asks, and for what.

use std::collections::BTreeSet;

/// The group of everyone who said who they are.
const AUTHENTICATED: &str = "system:authenticated";

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
