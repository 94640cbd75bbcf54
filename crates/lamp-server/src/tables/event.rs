//! Columns of an `Event`, as `kubectl get events` has them.

use serde_json::Value;

use super::{ago, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    Column {
        name: "Last Seen",
        description: "When it happened last.",
        wide: false,
        cell: |event, now| ago(last_seen(event), now),
    },
    Column {
        name: "Type",
        description: "Normal or Warning.",
        wide: false,
        cell: |event, _| text(&event["type"]),
    },
    Column {
        name: "Reason",
        description: "What happened.",
        wide: false,
        cell: |event, _| text(&event["reason"]),
    },
    Column {
        name: "Object",
        description: "What it happened to.",
        wide: false,
        cell: |event, _| {
            let object = &event["involvedObject"];
            let kind = object["kind"].as_str().unwrap_or_default().to_lowercase();
            format!("{kind}/{}", object["name"].as_str().unwrap_or_default()).into()
        },
    },
    Column {
        name: "Subobject",
        description: "The part of the object.",
        wide: true,
        cell: |event, _| event["involvedObject"]["fieldPath"].as_str().unwrap_or_default().into(),
    },
    Column {
        name: "Source",
        description: "Who saw it.",
        wide: true,
        cell: |event, _| {
            let component = &event["source"]["component"];
            text(if component.is_string() { component } else { &event["reportingComponent"] })
        },
    },
    Column {
        name: "Message",
        description: "A sentence about it.",
        wide: false,
        cell: |event, _| event["message"].as_str().unwrap_or_default().trim().into(),
    },
    Column {
        name: "First Seen",
        description: "When it happened first.",
        wide: true,
        cell: |event, now| ago(first_seen(event), now),
    },
    Column {
        name: "Count",
        description: "How often it happened.",
        wide: true,
        cell: |event, _| event["count"].as_u64().unwrap_or(1).to_string().into(),
    },
    Column {
        name: "Name",
        description: "Name of the event.",
        wide: true,
        cell: |event, _| event["metadata"]["name"].clone(),
    },
];

fn last_seen(event: &Value) -> &Value {
    first_text([&event["lastTimestamp"], &event["eventTime"], first_seen(event)])
}

fn first_seen(event: &Value) -> &Value {
    first_text([&event["firstTimestamp"], &event["eventTime"], &event["metadata"]["creationTimestamp"]])
}

fn first_text<const N: usize>(values: [&Value; N]) -> &Value {
    values.into_iter().find(|value| value.is_string()).unwrap_or(&Value::Null)
}
