//! Columns of a `DatabaseOperation`.

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Stack",
        description: "The stack whose database it is about.",
        wide: false,
        cell: |order, _| text(&order["spec"]["stack"]),
    },
    Column {
        name: "Operation",
        description: "What is done.",
        wide: false,
        cell: |order, _| text(&order["spec"]["operation"]),
    },
    Column {
        name: "Phase",
        description: "How far it is.",
        wide: false,
        cell: |order, _| order["status"]["phase"].as_str().unwrap_or("Pending").into(),
    },
    AGE,
    Column {
        name: "Message",
        description: "What it is at, or why it was refused.",
        wide: false,
        cell: |order, _| text(&order["status"]["message"]),
    },
];
