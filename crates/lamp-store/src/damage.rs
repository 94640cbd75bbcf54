//! What was found damaged when a data directory was opened, and was made good from what was sound.

use std::fmt;

/// A part of the data directory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum DamagedPart {
    /// sled's directory.
    Index,
    /// A segment of the journal.
    Journal,
    Checkpoint,
}

impl DamagedPart {
    pub const ALL: [DamagedPart; 3] = [DamagedPart::Index, DamagedPart::Journal, DamagedPart::Checkpoint];

    /// `index`, `journal` or `checkpoint`.
    pub fn name(self) -> &'static str {
        match self {
            DamagedPart::Index => "index",
            DamagedPart::Journal => "journal",
            DamagedPart::Checkpoint => "checkpoint",
        }
    }
}

/// One damage.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Damage {
    pub part: DamagedPart,
    /// What is wrong, for a person.
    pub what: String,
}

impl Damage {
    pub(crate) fn new(part: DamagedPart, what: impl Into<String>) -> Damage {
        Damage { part, what: what.into() }
    }
}

impl fmt::Display for Damage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "{}: {}", self.part.name(), self.what)
    }
}

/// How a store's disk is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// What was damaged when it was opened, and is sound again.
    pub repaired: Vec<Damage>,
    /// The disk was full: the space that is kept for this was let go.
    pub is_short_of_space: bool,
}
