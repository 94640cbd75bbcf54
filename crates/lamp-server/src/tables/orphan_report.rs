//! Columns of an `OrphanReport`.

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Phase",
        description: "Whether the answer is there.",
        wide: false,
        cell: |report, _| report["status"]["phase"].as_str().unwrap_or("Pending").into(),
    },
    Column {
        name: "Orphans",
        description: "Resources that belong to no stack.",
        wide: false,
        cell: |report, _| report["status"]["orphans"].as_array().map_or(0, Vec::len).to_string().into(),
    },
    AGE,
    Column {
        name: "Message",
        description: "Why there is no answer.",
        wide: true,
        cell: |report, _| text(&report["status"]["message"]),
    },
];
