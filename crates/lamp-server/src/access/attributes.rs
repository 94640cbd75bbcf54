//! Who asks, and for what.

use std::collections::BTreeSet;

/// Whoever is in this group may do everything, whatever roles and bindings say.
pub(super) const MASTERS: &str = "system:masters";

/// Who sends a request.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Identity {
    pub(crate) name: String,
    pub(crate) groups: BTreeSet<String>,
}

impl Identity {
    pub(crate) fn is_master(&self) -> bool {
        self.groups.contains(MASTERS)
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
