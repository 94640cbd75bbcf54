//! Ownership: the tags that say whose a resource is. One of the two keys that any deletion needs.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::Part;

/// Tags of a resource.
pub type Tags = BTreeMap<String, String>;

/// Keys of our tags.
pub mod tag {
    pub const INSTALL: &str = "lamplighter:install";
    pub const STACK: &str = "lamplighter:stack";
    pub const UID: &str = "lamplighter:uid";
    pub const PART: &str = "lamplighter:part";
    pub const INTENT: &str = "lamplighter:intent";
    /// When the life of the store began in which it was made, in seconds: a store that does not know it is older.
    pub const EPOCH: &str = "lamplighter:epoch";
    pub const NAME: &str = "Name";
    /// A person puts it on an instance that must be left as it is; its value is the reason.
    pub const HOLD: &str = "lamplighter:hold";

    /// Whether an Auto Scaling group hands a tag on to what it launches. Its name, its intent and its epoch are its own:
    /// instances are named by the launch template, over whose tags those of the group would win.
    pub fn is_inherited(key: &str) -> bool {
        key != NAME && key != INTENT && key != EPOCH
    }
}

/// The stack that a resource belongs to.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Owner {
    /// Name of this installation of Lamplighter; several may share an account.
    pub install: String,
    pub namespace: String,
    pub name: String,
    /// The stack's `metadata.uid`: a stack made again under the same name is another stack.
    pub uid: String,
}

impl Owner {
    /// `namespace/name`
    pub fn stack(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    /// The tags of one part, made for the intent `intent`.
    pub fn tags(&self, part: &Part, intent: &str) -> Tags {
        let mut tags = self.identity(part);
        tags.insert(tag::INTENT.to_owned(), intent.to_owned());
        tags
    }

    /// The tags of one part that never change.
    pub fn identity(&self, part: &Part) -> Tags {
        [
            (tag::INSTALL, self.install.clone()),
            (tag::STACK, self.stack()),
            (tag::UID, self.uid.clone()),
            (tag::PART, part.to_string()),
            (tag::NAME, format!("{} {part}", self.name)),
        ]
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value))
        .collect()
    }

    /// The tags that a resource which carries `tags` must have as one part: those that never change. What we did not
    /// make keeps the name that people know it by.
    pub fn identity_beside(&self, part: &Part, tags: &Tags) -> Tags {
        let mut identity = self.identity(part);
        if tags.contains_key(tag::NAME) && !tags.contains_key(tag::INTENT) {
            identity.remove(tag::NAME);
        }
        identity
    }

    /// The tags that say that a resource is somebody else's, or another part of ours.
    pub fn contradictions<'a>(
        &self,
        part: &Part,
        tags: &'a Tags,
    ) -> impl Iterator<Item = (&'a str, &'a str)> {
        let mut identity = self.identity(part);
        identity.remove(tag::NAME);
        tags.iter().filter_map(move |(key, value)| {
            let contradicts = identity.get(key).is_some_and(|ours| ours != value);
            contradicts.then_some((key.as_str(), value.as_str()))
        })
    }

    /// Whether `tags` say that a resource is ours.
    pub fn owns(&self, tags: &Tags) -> bool {
        tags.get(tag::INSTALL) == Some(&self.install) && tags.get(tag::UID) == Some(&self.uid)
    }
}
