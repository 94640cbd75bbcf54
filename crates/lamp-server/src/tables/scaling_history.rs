//! Columns of a `ScalingHistory`.

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Stack",
        description: "The stack that is asked about.",
        wide: false,
        cell: |history, _| text(&history["spec"]["stack"]),
    },
    Column {
        name: "Phase",
        description: "Whether the answer is there.",
        wide: false,
        cell: |history, _| history["status"]["phase"].as_str().unwrap_or("Pending").into(),
    },
    Column {
        name: "Points",
        description: "Periods of which something is known.",
        wide: false,
        cell: |history, _| history["status"]["points"].as_array().map_or(0, Vec::len).to_string().into(),
    },
    AGE,
    Column {
        name: "Message",
        description: "Why there is no answer.",
        wide: true,
        cell: |history, _| text(&history["status"]["message"]),
    },
];
