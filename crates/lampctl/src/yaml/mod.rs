//! Objects from files: which files, what is in them, and where in them each field stands.

pub(crate) mod locate;
mod manifest;
mod snippet;
mod sources;

pub(crate) use manifest::{Manifest, load};
pub(crate) use snippet::explain;
