//! Columns of a `Namespace`.

use super::{AGE, NAME};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Status",
        description: "Active, or Terminating while its content is removed.",
        wide: false,
        cell: |namespace, _| namespace["status"]["phase"].as_str().unwrap_or("Active").into(),
    },
    AGE,
];
