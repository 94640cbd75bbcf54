//! Columns of a `Plan`.

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Stack",
        description: "The stack that is planned for.",
        wide: false,
        cell: |plan, _| text(&plan["spec"]["stack"]),
    },
    Column {
        name: "Phase",
        description: "Whether the answer is there.",
        wide: false,
        cell: |plan, _| plan["status"]["phase"].as_str().unwrap_or("Pending").into(),
    },
    Column {
        name: "Steps",
        description: "Changes that would be made to AWS.",
        wide: false,
        cell: |plan, _| plan["status"]["steps"].as_array().map_or(0, Vec::len).to_string().into(),
    },
    AGE,
    Column {
        name: "Message",
        description: "Why there is no answer.",
        wide: true,
        cell: |plan, _| text(&plan["status"]["message"]),
    },
];
