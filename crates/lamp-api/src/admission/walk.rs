//! Compares a value with a structural schema: unknown fields are taken out and named, wrong values are reported.

use serde_json::{Map, Value};

use crate::FieldError;

/// What a walk found.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// Paths of fields that the schema does not know; they are gone from the value.
    pub(super) unknown: Vec<String>,
    pub(super) errors: Vec<FieldError>,
}

pub(super) fn walk(schema: &Value, value: &mut Value) -> Findings {
    let mut found = Findings::default();
    visit(schema, value, "", &mut found);
    found
}

fn visit(schema: &Value, value: &mut Value, path: &str, found: &mut Findings) {
    if let Some(branches) = schema["anyOf"].as_array() {
        return any_of(branches, value, path, found);
    }
    let Some(expected) = schema["type"].as_str() else { return };
    if value.is_null() && schema["nullable"] == true {
        return;
    }
    if expected == "integer" {
        whole(value);
    }
    if !is_of(value, expected) {
        found.errors.push(FieldError::wrong_type(path, brief(value), article(expected)));
        return;
    }
    match value {
        Value::Object(fields) => object(schema, fields, path, found),
        Value::Array(items) => array(schema, items, path, found),
        Value::Number(number) => bounds(schema, number, path, found),
        Value::String(text) => member(schema, text, path, found),
        Value::Bool(_) | Value::Null => {}
    }
}

fn any_of(branches: &[Value], value: &mut Value, path: &str, found: &mut Findings) {
    let types: Vec<&str> = branches.iter().filter_map(|branch| branch["type"].as_str()).collect();
    let branch =
        branches.iter().find(|branch| branch["type"].as_str().is_some_and(|kind| is_of(value, kind)));
    match branch {
        Some(branch) => visit(branch, value, path, found),
        None => {
            let expected = types.into_iter().map(article).collect::<Vec<_>>().join(" or ");
            found.errors.push(FieldError::wrong_type(path, brief(value), &expected));
        }
    }
}

fn is_of(value: &Value, expected: &str) -> bool {
    match expected {
        "object" => value.is_object(),
        "array" => value.is_array(),
        "string" => value.is_string(),
        "boolean" => value.is_boolean(),
        "number" => value.is_number(),
        "integer" => value.is_i64() || value.is_u64(),
        _ => true,
    }
}

fn article(kind: &str) -> &str {
    match kind {
        "object" => "an object",
        "array" => "a list",
        "string" => "a string",
        "boolean" => "true or false",
        "number" => "a number",
        "integer" => "a whole number",
        other => other,
    }
}

/// A value as a message shows it: what is long is named, not printed.
fn brief(value: &Value) -> String {
    match value {
        Value::Object(_) => "object".to_owned(),
        Value::Array(_) => "list".to_owned(),
        other => other.to_string(),
    }
}

/// Clients may write whole numbers as `3.0`.
fn whole(value: &mut Value) {
    let Some(float) = value.as_f64().filter(|_| value.is_f64()) else { return };
    // Beyond 2^53 a float does not say which whole number was meant.
    if float.fract() == 0.0 && float.abs() < 9_007_199_254_740_992.0 {
        *value = Value::from(float as i64);
    }
}

fn object(schema: &Value, fields: &mut Map<String, Value>, path: &str, found: &mut Findings) {
    let properties = schema["properties"].as_object();
    let additional = &schema["additionalProperties"];
    let open = schema["x-kubernetes-preserve-unknown-fields"] == true
        || *additional == Value::Bool(true)
        || (properties.is_none() && additional.is_null());
    let required = required(schema);
    fields.retain(|key, value| {
        let path = join(path, key, properties.is_none());
        let Some(schema) = properties.and_then(|known| known.get(key)) else {
            return if additional.is_object() {
                visit(additional, value, &path, found);
                true
            } else {
                if !open {
                    found.unknown.push(path);
                }
                open
            };
        };
        // A null for a field that has a default, or may be absent, means "not set".
        let unset = value.is_null() && schema["nullable"] != true && !required.contains(&key.as_str());
        if !unset {
            visit(schema, value, &path, found);
        }
        !unset
    });
    for missing in required.into_iter().filter(|key| !fields.contains_key(*key)) {
        let detail =
            properties.and_then(|known| known.get(missing)?["description"].as_str()).unwrap_or_default();
        found.errors.push(FieldError::required(join(path, missing, false), first_sentence(detail)));
    }
}

fn required(schema: &Value) -> Vec<&str> {
    schema["required"].as_array().into_iter().flatten().filter_map(Value::as_str).collect()
}

fn first_sentence(text: &str) -> &str {
    text.split_once(". ").map_or(text, |(first, _)| first).trim_end_matches('.')
}

fn join(path: &str, key: &str, is_map: bool) -> String {
    match (path.is_empty(), is_map) {
        (true, _) => key.to_owned(),
        (false, false) => format!("{path}.{key}"),
        (false, true) => format!("{path}[{key}]"),
    }
}

fn array(schema: &Value, items: &mut [Value], path: &str, found: &mut Findings) {
    let length = items.len() as u64;
    let range = (schema["minItems"].as_u64().unwrap_or(0), schema["maxItems"].as_u64().unwrap_or(u64::MAX));
    if length < range.0 || length > range.1 {
        let detail = format!("must have from {} to {} items", range.0, range.1);
        found.errors.push(FieldError::invalid(path, length, detail));
    }
    for (index, item) in items.iter_mut().enumerate() {
        visit(&schema["items"], item, &format!("{path}[{index}]"), found);
    }
}

fn bounds(schema: &Value, number: &serde_json::Number, path: &str, found: &mut Findings) {
    let (low, high) = match schema["format"].as_str() {
        Some("uint8") => (0.0, 255.0),
        Some("uint16") => (0.0, 65_535.0),
        Some("uint32") => (0.0, 4_294_967_295.0),
        Some("int32") => (-2_147_483_648.0, 2_147_483_647.0),
        _ => (f64::MIN, f64::MAX),
    };
    let low = schema["minimum"].as_f64().unwrap_or(low).max(low);
    let high = schema["maximum"].as_f64().unwrap_or(high).min(high);
    let value = number.as_f64().unwrap_or(f64::NAN);
    let shown = format_args!("{number}");
    if value < low {
        found.errors.push(FieldError::invalid(path, shown, format!("must be at least {low}")));
    } else if value > high {
        found.errors.push(FieldError::invalid(path, shown, format!("must be at most {high}")));
    }
}

fn member(schema: &Value, text: &str, path: &str, found: &mut Findings) {
    let Some(values) = schema["enum"].as_array() else { return };
    let supported: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
    if !supported.contains(&text) {
        found.errors.push(FieldError::not_supported(path, text, &supported));
    }
}
