//! One resource naming another.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Part, ResourceId};

/// A resource that another one needs: by its part name in what is desired, by AWS's id in what is observed.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub enum Reference {
    /// A part of the same stack, not looked up yet.
    Part(Part),
    /// AWS's id.
    Id(ResourceId),
}

impl Reference {
    /// A reference to a part of the same stack.
    pub fn part(name: impl Into<String>) -> Self {
        Self::Part(Part::new(name))
    }

    /// A reference to an existing resource.
    pub fn id(id: impl Into<String>) -> Self {
        Self::Id(id.into())
    }

    /// AWS's id, once it is known.
    pub fn as_id(&self) -> Option<&str> {
        match self {
            Self::Id(id) => Some(id),
            Self::Part(_) => None,
        }
    }

    /// AWS's id, or empty where it is not known: only for requests whose references are resolved by construction.
    pub fn resolved(&self) -> &str {
        self.as_id().unwrap_or_default()
    }
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Part(part) => part.fmt(f),
            Self::Id(id) => id.fmt(f),
        }
    }
}
