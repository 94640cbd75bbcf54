//! What holds for the metadata of every object: names, labels and annotations.

use serde_json::Value;

use crate::kinds::{KindInfo, LAMPSTACK};
use crate::names::{is_dns_label, is_dns_subdomain, is_label_value, is_path_segment, is_qualified_name};
use crate::{FieldError, adoption, annotations, rbac};

/// All annotations of one object together, as in Kubernetes.
const MAX_ANNOTATIONS: usize = 256 * 1024;

pub(super) fn check(kind: &KindInfo, metadata: &Value, errors: &mut Vec<FieldError>) {
    name(kind, metadata, errors);
    let keys = ["labels", "annotations"].map(|field| (field, metadata[field].as_object()));
    for (field, map) in keys {
        for key in map.into_iter().flat_map(|map| map.keys()).filter(|key| !is_qualified_name(key)) {
            let detail = "must be a name of at most 63 letters, digits, '-', '_' or '.', after an optional DNS prefix and '/'";
            errors.push(FieldError::invalid(format!("metadata.{field}"), key, detail));
        }
    }
    label_values(metadata, errors);
    annotation_size(metadata, errors);
    adoption(kind, metadata, errors);
    finalizers(metadata, errors);
}

/// Drops empty maps and lists, as Kubernetes does: `kubectl diff` would show them as a change for ever.
pub(super) fn drop_empty(object: &mut Value) {
    let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) else { return };
    for field in ["annotations", "labels", "finalizers", "ownerReferences"] {
        let empty = match metadata.get(field) {
            Some(Value::Object(map)) => map.is_empty(),
            Some(Value::Array(items)) => items.is_empty(),
            _ => false,
        };
        if empty {
            metadata.remove(field);
        }
    }
}

fn name(kind: &KindInfo, metadata: &Value, errors: &mut Vec<FieldError>) {
    const FIELD: &str = "metadata.name";
    let generated = metadata["generateName"].as_str().is_some_and(|prefix| !prefix.is_empty());
    match metadata["name"].as_str().unwrap_or_default() {
        "" if generated => {}
        "" => errors.push(FieldError::required(FIELD, "name or generateName is required")),
        // Events are named after their object, with a dot and a number.
        name if kind.kind == "Event" && is_dns_subdomain(name) => {}
        name if kind.kind == "Event" => {
            errors.push(FieldError::invalid(FIELD, name, "must be an RFC 1123 subdomain"));
        }
        name if kind.group == rbac::GROUP && is_path_segment(name) => {}
        name if kind.group == rbac::GROUP => {
            let detail = "must be at most 253 printable characters, without '/', '%', '?', '#' or spaces";
            errors.push(FieldError::invalid(FIELD, name, detail));
        }
        name if !is_dns_label(name) => {
            let detail = "must be an RFC 1123 label: at most 63 lower-case letters, digits or '-', \
                          beginning and ending with a letter or digit";
            errors.push(FieldError::invalid(FIELD, name, detail));
        }
        _ => {}
    }
    let namespace = metadata["namespace"].as_str().filter(|namespace| !namespace.is_empty());
    if let Some(namespace) = namespace.filter(|namespace| kind.namespaced && !is_dns_label(namespace)) {
        errors.push(FieldError::invalid("metadata.namespace", namespace, "must be an RFC 1123 label"));
    }
}

fn adoption(kind: &KindInfo, metadata: &Value, errors: &mut Vec<FieldError>) {
    let value = metadata["annotations"][annotations::ADOPT].as_str().filter(|_| *kind == LAMPSTACK);
    if let Some(Err(detail)) = value.map(adoption::parse) {
        let field = format!("metadata.annotations[{}]", annotations::ADOPT);
        errors.push(FieldError::invalid(field, value.unwrap_or_default(), detail));
    }
}

fn label_values(metadata: &Value, errors: &mut Vec<FieldError>) {
    for (key, value) in metadata["labels"].as_object().into_iter().flatten() {
        if let Some(text) = value.as_str().filter(|text| !is_label_value(text)) {
            let detail = "must be empty, or at most 63 letters, digits, '-', '_' or '.', \
                          beginning and ending with a letter or digit";
            errors.push(FieldError::invalid(format!("metadata.labels[{key}]"), text, detail));
        }
    }
}

fn annotation_size(metadata: &Value, errors: &mut Vec<FieldError>) {
    let annotations = metadata["annotations"].as_object().into_iter().flatten();
    let size: usize = annotations.map(|(key, value)| key.len() + value.as_str().map_or(0, str::len)).sum();
    if size > MAX_ANNOTATIONS {
        let detail = format!("{size} bytes in all, but at most {MAX_ANNOTATIONS} are allowed");
        errors.push(FieldError::invalid("metadata.annotations", "…", detail));
    }
}

fn finalizers(metadata: &Value, errors: &mut Vec<FieldError>) {
    let names = metadata["finalizers"].as_array().into_iter().flatten().filter_map(Value::as_str);
    for (index, name) in names.enumerate().filter(|(_, name)| !is_qualified_name(name)) {
        let detail = "must be a name such as example.com/cleanup";
        errors.push(FieldError::invalid(format!("metadata.finalizers[{index}]"), name, detail));
    }
}
