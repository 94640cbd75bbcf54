//! Objects from files: which files, what is in them, and where in them each field stands.

pub(crate) mod locate;
mod manifest;
mod snippet;
mod sources;

pub(crate) use manifest::{Manifest, documents, load};
pub(crate) use snippet::{Problem, explain, strict_problems, text as problem_text};
pub(crate) use sources::{Source, read as read_sources};
