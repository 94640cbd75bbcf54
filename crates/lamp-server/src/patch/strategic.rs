//! Strategic merge: like a merge patch, but a list that the schema keys (`x-kubernetes-list-type: map`) is merged
//! item by item, and a list that is a set is united.
//!
//! Directives: `$patch: replace|delete`, `$deleteFromPrimitiveList/FIELD`, `$retainKeys`; `$setElementOrder/FIELD`
//! is dropped, as the order of our lists has no meaning.

use serde_json::{Map, Value};

const DELETE_FROM: &str = "$deleteFromPrimitiveList/";

/// Merges `patch` into `target`, of which `schema` is the schema.
pub(super) fn merge(target: &mut Value, patch: &Value, schema: &Value) {
    let Some(patch) = patch.as_object() else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() || patch.get("$patch").is_some_and(|directive| directive == "replace") {
        *target = Value::Object(Map::new());
    }
    let Some(fields) = target.as_object_mut() else { return };
    if let Some(retained) = patch.get("$retainKeys").and_then(Value::as_array) {
        fields.retain(|key, _| retained.iter().any(|name| name == key));
    }
    for (key, value) in patch {
        if let Some(name) = key.strip_prefix(DELETE_FROM) {
            remove(fields.get_mut(name), value);
        } else if !key.starts_with('$') {
            field(fields, key, value, property(schema, key));
        }
    }
}

fn property<'a>(schema: &'a Value, key: &str) -> &'a Value {
    let named = &schema["properties"][key];
    if named.is_null() { &schema["additionalProperties"] } else { named }
}

fn field(fields: &mut Map<String, Value>, key: &str, value: &Value, schema: &Value) {
    let deletes = value.is_null() || value.get("$patch").is_some_and(|directive| directive == "delete");
    if deletes {
        fields.remove(key);
        return;
    }
    let target = fields.entry(key).or_insert(Value::Null);
    match (value, schema["x-kubernetes-list-type"].as_str()) {
        (Value::Array(items), Some("map")) => keyed(target, items, schema),
        (Value::Array(items), Some("set")) => unite(target, items),
        _ => merge(target, value, schema),
    }
}

fn remove(target: Option<&mut Value>, unwanted: &Value) {
    if let (Some(Value::Array(items)), Some(unwanted)) = (target, unwanted.as_array()) {
        items.retain(|item| !unwanted.contains(item));
    }
}

fn unite(target: &mut Value, items: &[Value]) {
    let mut united = target.as_array().cloned().unwrap_or_default();
    united.extend(items.iter().filter(|item| !united.contains(item)).cloned().collect::<Vec<_>>());
    *target = Value::Array(united);
}

fn keyed(target: &mut Value, patches: &[Value], schema: &Value) {
    let keys: Vec<&str> = schema["x-kubernetes-list-map-keys"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Value::as_str)
        .collect();
    let mut items = target.as_array().cloned().unwrap_or_default();
    if patches
        .iter()
        .any(|patch| patch["$patch"] == "replace" && patch.as_object().is_some_and(|p| p.len() == 1))
    {
        items.clear();
    }
    for patch in patches {
        let position = items.iter().position(|item| keys.iter().all(|key| item[*key] == patch[*key]));
        match (position, patch["$patch"].as_str()) {
            (Some(position), Some("delete")) => drop(items.remove(position)),
            (None, Some("delete")) => {}
            (_, Some("replace")) if patch.as_object().is_some_and(|patch| patch.len() == 1) => {}
            (Some(position), _) => merge(&mut items[position], patch, &schema["items"]),
            (None, _) => {
                let mut item = Value::Null;
                merge(&mut item, patch, &schema["items"]);
                items.push(item);
            }
        }
    }
    *target = Value::Array(items);
}

#[cfg(test)]
mod tests {
    use lamp_api::kinds::LAMPSTACK;
    use lamp_api::schema;
    use serde_json::json;

    use super::*;

    fn merged(target: Value, patch: Value) -> Value {
        let mut target = target;
        merge(&mut target, &patch, schema::of(&LAMPSTACK).unwrap());
        target
    }

    fn stack() -> Value {
        json!({
            "metadata": {"labels": {"a": "1", "b": "2"}, "finalizers": ["f"]},
            "spec": {"tiers": [{"name": "web", "port": 80}, {"name": "app", "port": 8080}], "mode": "Enforce"}
        })
    }

    #[test]
    fn keyed_lists_are_merged_by_name() {
        let patch = json!({"spec": {"tiers": [{"name": "app", "port": 9000}, {"name": "new"}], "$setElementOrder/tiers": []}});
        let tiers = json!([{"name": "web", "port": 80}, {"name": "app", "port": 9000}, {"name": "new"}]);
        assert_eq!(merged(stack(), patch)["spec"], json!({"tiers": tiers, "mode": "Enforce"}));
        let patch = json!({"spec": {"tiers": [{"name": "web", "$patch": "delete"}]}});
        assert_eq!(merged(stack(), patch)["spec"]["tiers"], json!([{"name": "app", "port": 8080}]));
        let patch = json!({"spec": {"tiers": [{"$patch": "replace"}, {"name": "only"}]}});
        assert_eq!(merged(stack(), patch)["spec"]["tiers"], json!([{"name": "only"}]));
    }

    #[test]
    fn maps_sets_and_directives() {
        let patch = json!({"metadata": {"labels": {"a": null, "c": "3"}, "finalizers": ["g"]}});
        let metadata = json!({"labels": {"b": "2", "c": "3"}, "finalizers": ["f", "g"]});
        assert_eq!(merged(stack(), patch)["metadata"], metadata);
        let patch = json!({"metadata": {"$deleteFromPrimitiveList/finalizers": ["f"], "labels": {"$patch": "replace", "x": "y"}}});
        assert_eq!(merged(stack(), patch)["metadata"], json!({"labels": {"x": "y"}, "finalizers": []}));
        let patch = json!({"metadata": {"finalizers": null, "labels": {"$patch": "delete"}}, "spec": {"$retainKeys": ["mode"]}});
        assert_eq!(merged(stack(), patch), json!({"metadata": {}, "spec": {"mode": "Enforce"}}));
    }
}
