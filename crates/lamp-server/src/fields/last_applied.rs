//! The annotation in which client-side apply keeps what was applied: it lets kubectl change over to server-side apply
//! without conflicts with itself, and back.

use lamp_api::kinds::KindInfo;
use lamp_api::schema;
use serde_json::{Value, json};

use super::nodes::{Shape, nodes};
use super::path::Set;

pub(super) const ANNOTATION: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// The manager that changes over. Others decide themselves.
const KUBECTL: &str = "kubectl";

fn read(object: &Value) -> Option<Value> {
    serde_json::from_str(object["metadata"]["annotations"][ANNOTATION].as_str()?).ok()
}

/// The fields that client-side apply set and nobody changed since: `manager` may set them, whoever owns them.
pub(super) fn forgiven(kind: &KindInfo, live: &Value, manager: &str) -> Set {
    let Some(applied) = read(live).filter(|_| manager == KUBECTL) else { return Set::new() };
    let schema = schema::of(kind).unwrap_or(&Value::Null);
    let live = nodes(schema, live);
    let unchanged = nodes(schema, &applied).into_iter().filter(|(path, node)| {
        live.get(path).is_some_and(|now| node.shape != Shape::Leaf || now.value == node.value)
    });
    unchanged.map(|(path, _)| path).collect()
}

/// Writes what `manager` applied into the annotation, where there is one: client-side apply goes on from there.
pub(super) fn refresh(merged: &mut Value, config: &Value, manager: &str) {
    if manager != KUBECTL || read(merged).is_none() {
        return;
    }
    let mut applied = config.clone();
    if let Some(annotations) = applied["metadata"].get_mut("annotations").and_then(Value::as_object_mut) {
        annotations.remove(ANNOTATION);
    }
    merged["metadata"]["annotations"][ANNOTATION] = json!(applied.to_string() + "\n");
}
