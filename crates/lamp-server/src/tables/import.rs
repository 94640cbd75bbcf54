//! Columns of an `Import`.

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Network",
        description: "The VPC that is looked at.",
        wide: false,
        cell: |import, _| text(&import["spec"]["vpc"]),
    },
    Column {
        name: "Phase",
        description: "Whether the answer is there.",
        wide: false,
        cell: |import, _| import["status"]["phase"].as_str().unwrap_or("Pending").into(),
    },
    AGE,
    Column {
        name: "Message",
        description: "Why there is no answer.",
        wide: true,
        cell: |import, _| text(&import["status"]["message"]),
    },
];
