//! A resource on AWS, as observed.

use std::fmt;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::{Body, Kind, Owner, Tags, tag};

/// AWS's immutable name of a resource: an id (EC2), an ARN (load balancing, secrets) or a name (groups, databases).
pub type ResourceId = String;

/// Name of a part within its stack, for example `subnet/public/1`.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Part(String);

impl Part {
    pub fn new(name: impl Into<String>) -> Self {
        Self(name.into())
    }

    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<&str> for Part {
    fn from(name: &str) -> Self {
        Self(name.to_owned())
    }
}

/// Where a resource is in its life.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// Being made or changed; AWS's word for it.
    Pending(String),
    /// It can be used.
    Ready,
    /// Being removed, or a grave that AWS still shows.
    Deleting,
    /// AWS gave up; its reason.
    Failed(String),
}

/// A resource that carries our tags.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Resource {
    pub id: ResourceId,
    /// The name that we gave it, or AWS's id where the kind has none.
    pub name: String,
    pub tags: Tags,
    pub state: State,
    pub body: Body,
    /// When AWS says it was made, for kinds that say so.
    #[serde(default)]
    pub created_at: Option<Timestamp>,
}

impl Resource {
    pub fn kind(&self) -> Kind {
        self.body.kind()
    }

    /// The part that it is, by its tag.
    pub fn part(&self) -> Option<Part> {
        self.tags.get(tag::PART).map(|part| Part::new(part.as_str()))
    }

    /// Whether its tags say that it belongs to `owner`.
    pub fn belongs_to(&self, owner: &Owner) -> bool {
        owner.owns(&self.tags)
    }

    /// Whether a creation of ours made it: its tags name the intent. What was taken over, others made.
    pub fn is_of_our_making(&self) -> bool {
        self.tags.contains_key(tag::INTENT)
    }

    pub fn is_ready(&self) -> bool {
        self.state == State::Ready
    }
}
