//! Columns of an `OrphanDeletion`.

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Uid",
        description: "The stack that the resources belonged to.",
        wide: false,
        cell: |order, _| text(&order["spec"]["uid"]),
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
        description: "What is left, and what it waits for.",
        wide: false,
        cell: |order, _| text(&order["status"]["message"]),
    },
];
