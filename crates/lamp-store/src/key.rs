//! Where an object lives, and at which revision.

use std::fmt;
use std::sync::Arc;

use serde_json::Value;

/// One counter for the whole store, strictly increasing, never reused: the number in `metadata.resourceVersion`.
pub type Revision = u64;

/// Where an object lives: plural resource name (`lampstacks`), namespace (empty for cluster-scoped kinds), name.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Key {
    pub plural: String,
    pub namespace: String,
    pub name: String,
}

impl Key {
    pub fn new(plural: impl Into<String>, namespace: impl Into<String>, name: impl Into<String>) -> Key {
        Key { plural: plural.into(), namespace: namespace.into(), name: name.into() }
    }

    /// Whether the key is of this kind and, if one is named, in this namespace.
    pub fn is_in(&self, plural: &str, namespace: Option<&str>) -> bool {
        self.plural == plural && namespace.is_none_or(|namespace| self.namespace == namespace)
    }
}

/// `lampstacks default/shop`, or `namespaces default` for a cluster-scoped kind.
impl fmt::Display for Key {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.namespace.is_empty() {
            write!(formatter, "{} {}", self.plural, self.name)
        } else {
            write!(formatter, "{} {}/{}", self.plural, self.namespace, self.name)
        }
    }
}

/// An object as stored. `object` carries `metadata.resourceVersion`, equal to `revision`.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    pub key: Key,
    pub revision: Revision,
    pub object: Arc<Value>,
}
