//! Columns of a `LampStack`: whether it serves, what goes on, and how much of it there is.

use lamp_api::conditions::types;
use serde_json::Value;

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Ready",
        description: "Whether the site serves as its spec says.",
        wide: false,
        cell: |stack, _| condition(stack, types::READY)["status"].as_str().unwrap_or("Unknown").into(),
    },
    Column {
        name: "Status",
        description: "What goes on, or why the site is not ready.",
        wide: false,
        cell: |stack, _| status(stack).into(),
    },
    Column {
        name: "Tiers",
        description: "Instances that serve, of those that are wanted, over all tiers.",
        wide: false,
        cell: |stack, _| tiers(stack).into(),
    },
    Column {
        name: "Replicas",
        description: "Read replicas that serve, of those that are wanted.",
        wide: false,
        cell: |stack, _| replicas(stack).into(),
    },
    AGE,
    Column {
        name: "Region",
        description: "AWS region of the site.",
        wide: true,
        cell: |stack, _| text(&stack["spec"]["region"]),
    },
    Column {
        name: "URL",
        description: "Address of the site.",
        wide: true,
        cell: |stack, _| text(&stack["status"]["url"]),
    },
    Column {
        name: "Message",
        description: "One sentence about the site.",
        wide: true,
        cell: |stack, _| text(&stack["status"]["summary"]),
    },
];

fn condition<'a>(stack: &'a Value, kind: &str) -> &'a Value {
    let conditions = stack["status"]["conditions"].as_array();
    conditions.into_iter().flatten().find(|condition| condition["type"] == kind).unwrap_or(&Value::Null)
}

/// The reason of what a person should know first.
fn status(stack: &Value) -> &str {
    if stack["metadata"]["deletionTimestamp"].is_string() {
        return "Deleting";
    }
    let telling = [types::STALLED, types::PAUSED, types::PROGRESSING, types::DEGRADED];
    let first =
        telling.iter().map(|kind| condition(stack, kind)).find(|condition| condition["status"] == "True");
    let told = first.unwrap_or_else(|| condition(stack, types::READY));
    told["reason"].as_str().filter(|reason| !reason.is_empty()).unwrap_or("Pending")
}

/// `4/5`; before the first observation `0/N` from the spec.
fn tiers(stack: &Value) -> String {
    let observed = stack["status"]["tiers"].as_array().filter(|tiers| !tiers.is_empty());
    let sum =
        |field: &str| observed.into_iter().flatten().filter_map(|tier| tier[field].as_u64()).sum::<u64>();
    match observed {
        Some(_) => format!("{}/{}", sum("ready"), sum("desired")),
        None => {
            let specified = stack["spec"]["tiers"].as_array().into_iter().flatten();
            let wanted = |tier: &Value| {
                let capacity = &tier["capacity"];
                capacity["desired"].as_u64().or(capacity["min"].as_u64()).unwrap_or_default()
            };
            format!("0/{}", specified.map(wanted).sum::<u64>())
        }
    }
}

fn replicas(stack: &Value) -> String {
    let (spec, status) = (&stack["spec"]["database"], &stack["status"]["database"]);
    if !spec.is_object() && !status.is_object() {
        return "<none>".to_owned();
    }
    let desired = status["replicasDesired"].as_u64().or(spec["replicas"]["min"].as_u64()).unwrap_or_default();
    format!("{}/{desired}", status["replicasReady"].as_u64().unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use jiff::Timestamp;
    use serde_json::json;

    use super::*;

    fn cells(stack: Value) -> Vec<String> {
        let cell =
            |column: &Column| (column.cell)(&stack, Timestamp::UNIX_EPOCH).as_str().unwrap().to_owned();
        COLUMNS.iter().map(cell).collect()
    }

    #[test]
    fn a_new_stack_and_a_ready_one() {
        let mut stack = json!({
            "metadata": {"name": "shop", "creationTimestamp": "1970-01-01T00:00:00Z"},
            "spec": {"region": "eu-central-1", "tiers": [{"capacity": {"min": 2}}, {"capacity": {"min": 1, "desired": 3}}],
                     "database": {"replicas": {"min": 1}}}
        });
        assert_eq!(
            cells(stack.clone()),
            ["shop", "Unknown", "Pending", "0/5", "0/1", "0s", "eu-central-1", "<none>", "<none>"]
        );
        stack["status"] = json!({
            "conditions": [
                {"type": "Ready", "status": "True", "reason": "Serving"},
                {"type": "Progressing", "status": "False", "reason": "Settled"}
            ],
            "tiers": [{"ready": 2, "desired": 2}, {"ready": 3, "desired": 3}],
            "database": {"replicasReady": 1, "replicasDesired": 2}, "url": "http://x", "summary": "All serves."
        });
        assert_eq!(
            cells(stack.clone()),
            ["shop", "True", "Serving", "5/5", "1/2", "0s", "eu-central-1", "http://x", "All serves."]
        );
        stack["status"]["conditions"][1] =
            json!({"type": "Stalled", "status": "True", "reason": "AccessDenied"});
        assert_eq!(status(&stack), "AccessDenied");
        stack["metadata"]["deletionTimestamp"] = json!("1970-01-01T00:00:00Z");
        assert_eq!(status(&stack), "Deleting");
    }
}
