//! Who owns which field of an object: managed fields and server-side apply, as in Kubernetes. Pure.
//!
//! | file | is |
//! |---|---|
//! | `path` | the place of a field, and how it is written |
//! | `nodes` | the fields that an object has, by its schema, and how two objects differ |
//! | `encode` | a set of fields as `FieldsV1` |
//! | `owners`, `entries` | `metadata.managedFields` |
//! | `update` | who owns what after a write that is no apply |
//! | `apply` | what an apply makes of an object, and who owns what after it |
//! | `merge` | one object laid over another, and fields taken out |
//! | `conflict` | what an apply may not change |
//! | `last_applied` | the annotation of client-side apply |

mod apply;
mod conflict;
mod encode;
mod entries;
mod last_applied;
mod merge;
mod nodes;
mod owners;
mod path;
#[cfg(test)]
mod properties;
mod update;

pub(crate) use apply::Apply;
pub(crate) use conflict::{Conflict, message};
pub(crate) use entries::{printable, require_printable};
pub(crate) use owners::{Operation, Owner, Owners, Writer};
pub(crate) use update::{after_creation, after_update};
