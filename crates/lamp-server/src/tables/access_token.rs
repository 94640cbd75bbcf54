//! Columns of an `AccessToken`.

use serde_json::Value;

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "User",
        description: "Whom the token stands for.",
        wide: false,
        cell: |token, _| text(&token["spec"]["user"]),
    },
    Column {
        name: "Groups",
        description: "Groups of the user.",
        wide: false,
        cell: |token, _| groups(&token["spec"]["groups"]),
    },
    Column {
        name: "Expires",
        description: "When the token ends.",
        wide: false,
        cell: |token, _| text(&token["spec"]["expiresAt"]),
    },
    AGE,
];

fn groups(groups: &Value) -> Value {
    let names: Vec<&str> = groups.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
    text(&names.join(",").into())
}
