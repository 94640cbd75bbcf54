//! Who owns which field of an object: managed fields, as in Kubernetes. Pure.
//!
//! | file | is |
//! |---|---|
//! | `path` | the place of a field, and how it is written |
//! | `nodes` | the fields that an object has, by its schema, and how two objects differ |
//! | `encode` | a set of fields as `FieldsV1` |
//! | `owners`, `entries` | `metadata.managedFields` |
//! | `update` | who owns what after a write that is no apply |

mod encode;
mod entries;
mod nodes;
mod owners;
mod path;
mod update;

pub(crate) use entries::{printable, require_printable};
pub(crate) use owners::{Operation, Owner, Owners, Writer};
pub(crate) use update::{after_creation, after_update};
