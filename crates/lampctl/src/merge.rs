//! Client-side apply: what to change, from what was applied last, what the file says, and what the server has.
//!
//! The same rules and the same annotation as kubectl, so that both can be used on one object.

use serde_json::{Map, Value, json};

use crate::exit::Failure;

/// Where the file as applied last is kept.
pub(crate) const LAST_APPLIED: &str = "kubectl.kubernetes.io/last-applied-configuration";

/// `object` with the annotation that remembers it, byte for byte as kubectl writes it. An object whose annotations
/// are no map stays as it is: the server refuses it and says why.
pub(crate) fn remembering(object: &Value) -> Value {
    let mut plain = object.clone();
    let Some(annotations) = annotations(&mut plain) else { return object.clone() };
    annotations.remove(LAST_APPLIED);
    let text = go_json(&plain);
    let mut annotated = plain;
    if let Some(annotations) = self::annotations(&mut annotated) {
        annotations.insert(LAST_APPLIED.to_owned(), Value::String(text));
    }
    annotated
}

/// The annotations, made where there are none.
fn annotations(object: &mut Value) -> Option<&mut Map<String, Value>> {
    let metadata = object.get_mut("metadata")?.as_object_mut()?;
    let annotations = metadata.entry("annotations").or_insert(Value::Null);
    if annotations.is_null() {
        *annotations = json!({});
    }
    annotations.as_object_mut()
}

/// JSON as Go writes it: a few signs escaped, a line break at the end.
fn go_json(value: &Value) -> String {
    let escaped = value
        .to_string()
        .replace('&', "\\u0026")
        .replace('<', "\\u003c")
        .replace('>', "\\u003e")
        .replace('\u{2028}', "\\u2028")
        .replace('\u{2029}', "\\u2029");
    escaped + "\n"
}

/// The merge patch (RFC 7396) that makes `live` what `modified` says: fields of the file are set, and fields that the
/// last applied file had and this one has not are removed. Everything else is left alone.
///
/// # Errors
/// The remembered file is unreadable.
pub(crate) fn three_way(live: &Value, modified: &Value) -> Result<Value, Failure> {
    let original = match live["metadata"]["annotations"][LAST_APPLIED].as_str() {
        None => Value::Null,
        Some(text) => serde_json::from_str(text).map_err(|e| {
            Failure::failed(format!("the annotation {LAST_APPLIED} of the object is no JSON: {e}; remove it"))
        })?,
    };
    let mut patch = changes(live, modified);
    deletions(&original, modified, live, &mut patch);
    Ok(Value::Object(patch))
}

/// What `to` adds to or changes in `from`; fields that only `from` has are left alone.
fn changes(from: &Value, to: &Value) -> Map<String, Value> {
    let mut patch = Map::new();
    let Some(fields) = to.as_object() else { return patch };
    for (key, new) in fields {
        let old = &from[key];
        if new.is_object() && old.is_object() {
            let inner = changes(old, new);
            if !inner.is_empty() {
                patch.insert(key.clone(), Value::Object(inner));
            }
        } else if new != old {
            patch.insert(key.clone(), new.clone());
        }
    }
    patch
}

/// Nulls for what `original` has, `modified` has not, and `live` still has.
fn deletions(original: &Value, modified: &Value, live: &Value, patch: &mut Map<String, Value>) {
    let Some(fields) = original.as_object() else { return };
    for (key, old) in fields {
        match modified.get(key) {
            None if live.get(key).is_some() => {
                patch.insert(key.clone(), Value::Null);
            }
            Some(new) if old.is_object() && new.is_object() && live[key].is_object() => {
                let mut inner = patch.get(key).and_then(Value::as_object).cloned().unwrap_or_default();
                deletions(old, new, &live[key], &mut inner);
                if !inner.is_empty() {
                    patch.insert(key.clone(), Value::Object(inner));
                }
            }
            _ => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn object(spec: Value) -> Value {
        json!({"apiVersion": "v1", "kind": "X", "metadata": {"name": "a"}, "spec": spec})
    }

    fn live(spec: Value, more: Value) -> Value {
        let mut live = remembering(&object(spec));
        live["spec"].as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        live["metadata"]["uid"] = json!("u");
        live
    }

    #[test]
    fn the_annotation_is_the_one_of_kubectl() {
        let text = remembering(&object(json!({"a": "<b>"})))["metadata"]["annotations"][LAST_APPLIED].clone();
        let expected = r#"{"apiVersion":"v1","kind":"X","metadata":{"annotations":{},"name":"a"},"spec":{"a":"\u003cb\u003e"}}"#;
        assert_eq!(text, json!(format!("{expected}\n")));
    }

    #[test]
    fn the_same_file_again_changes_nothing() {
        let live = live(json!({"a": 1, "list": [1]}), json!({"default": true}));
        assert_eq!(three_way(&live, &remembering(&object(json!({"a": 1, "list": [1]})))).unwrap(), json!({}));
    }

    #[test]
    fn fields_of_the_file_are_set_and_removed_and_others_left_alone() {
        let live = live(json!({"a": 1, "b": {"c": 1, "d": 2}, "gone": 1}), json!({"default": true}));
        let patch = three_way(&live, &remembering(&object(json!({"a": 2, "b": {"d": 2}})))).unwrap();
        assert_eq!(patch["spec"], json!({"a": 2, "b": {"c": null}, "gone": null}));
        assert!(patch["metadata"]["annotations"][LAST_APPLIED].is_string());
        assert_eq!(patch.as_object().unwrap().len(), 2);
    }

    #[test]
    fn what_is_gone_already_is_not_removed_again() {
        let mut live = live(json!({"a": 1, "b": 2}), json!({}));
        live["spec"].as_object_mut().unwrap().remove("b");
        let patch = three_way(&live, &remembering(&object(json!({"a": 1})))).unwrap();
        assert!(patch.get("spec").is_none(), "{patch}");
    }

    #[test]
    fn an_object_made_without_apply_loses_nothing() {
        let live = object(json!({"a": 1, "own": true}));
        let patch = three_way(&live, &remembering(&object(json!({"a": 2})))).unwrap();
        assert_eq!(patch["spec"], json!({"a": 2}));
    }
}
