//! The JSON schema of a `LampStack` file, for editors. `generated` says where it is kept.

use anyhow::{Context, Result};
use kube::CustomResourceExt;
use lamp_api::v1alpha1::LampStack;
use serde_json::{Value, json};

/// The schema, as text. Draft 7: the YAML language server stops there.
///
/// # Errors
/// When the type yields no schema.
pub fn lampstack() -> Result<String> {
    let crd = serde_json::to_value(LampStack::crd())?;
    let schema =
        crd.pointer("/spec/versions/0/schema/openAPIV3Schema/properties/spec").context("no schema")?;
    let document = json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "LampStack",
        "type": "object",
        "required": ["apiVersion", "kind", "metadata", "spec"],
        "additionalProperties": false,
        "properties": {
            "apiVersion": {"const": lamp_api::v1alpha1::API_VERSION},
            "kind": {"const": "LampStack"},
            "metadata": {"type": "object", "required": ["name"]},
            "spec": closed(schema.clone()),
        },
    });
    Ok(serde_json::to_string_pretty(&document)? + "\n")
}

/// Marks every object with known fields as closed, so that editors show misspelt ones; drops Kubernetes' extensions.
fn closed(mut schema: Value) -> Value {
    if let Some(object) = schema.as_object_mut() {
        object.retain(|key, _| !key.starts_with("x-kubernetes-"));
        if object.contains_key("properties") {
            object.insert("additionalProperties".to_owned(), Value::Bool(false));
        }
        for (key, value) in object.iter_mut() {
            match key.as_str() {
                "properties" => {
                    for property in value.as_object_mut().into_iter().flat_map(|map| map.values_mut()) {
                        *property = closed(property.take());
                    }
                }
                "items" | "additionalProperties" if value.is_object() => *value = closed(value.take()),
                _ => {}
            }
        }
    }
    schema
}
