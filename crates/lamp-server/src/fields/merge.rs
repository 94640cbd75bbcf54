//! One object laid over another, and fields taken out.

use serde_json::{Map, Value};

use super::nodes::{Items, branch, items, property};
use super::path::{Element, Path, canonical};

/// Lays `config` over `target`: maps and lists with named items are merged, everything else is replaced. New items of
/// lists come last.
pub(super) fn merge(schema: &Value, target: &mut Value, config: &Value) {
    let schema = branch(schema, config);
    match items(schema, config) {
        Items::Fields(fields) => {
            if !target.is_object() {
                *target = Value::Object(Map::new());
            }
            let Some(object) = target.as_object_mut() else { return };
            for (name, value) in fields {
                merge(property(schema, name), object.entry(name).or_insert(Value::Null), value);
            }
        }
        Items::Listed(listed) => merge_list(schema, target, listed),
        Items::None => *target = config.clone(),
    }
}

fn merge_list(schema: &Value, target: &mut Value, listed: Vec<(Element, &Value)>) {
    let positions: Option<Vec<Element>> = match items(schema, target) {
        Items::Listed(known) => Some(known.into_iter().map(|(element, _)| element).collect()),
        _ => None,
    };
    // A list whose items cannot be told apart gives way.
    let known = positions.unwrap_or_else(|| {
        *target = Value::Array(Vec::new());
        Vec::new()
    });
    let Some(array) = target.as_array_mut() else { return };
    for (element, item) in listed {
        match known.iter().position(|one| *one == element) {
            Some(position) => merge(&schema["items"], &mut array[position], item),
            None => {
                let mut new = Value::Null;
                merge(&schema["items"], &mut new, item);
                array.push(new);
            }
        }
    }
}

/// Takes a field out of an object, if it is there.
pub(super) fn remove(object: &mut Value, path: &Path) {
    let Some((last, parents)) = path.0.split_last() else { return };
    let mut place = object;
    for element in parents {
        match step(place, element) {
            Some(inner) => place = inner,
            None => return,
        }
    }
    match (last, place) {
        (Element::Field(name), Value::Object(fields)) => drop(fields.remove(name)),
        (named, Value::Array(items)) => items.retain(|item| !is(item, named)),
        _ => {}
    }
}

/// What is at a path.
pub(super) fn get<'a>(object: &'a mut Value, path: &Path) -> Option<&'a mut Value> {
    path.0.iter().try_fold(object, step)
}

fn step<'a>(place: &'a mut Value, element: &Element) -> Option<&'a mut Value> {
    match (element, place) {
        (Element::Field(name), Value::Object(fields)) => fields.get_mut(name),
        (named, Value::Array(items)) => items.iter_mut().find(|item| is(item, named)),
        _ => None,
    }
}

fn is(item: &Value, named: &Element) -> bool {
    match named {
        Element::Key(keys) => {
            let keys: Map<String, Value> = serde_json::from_str(keys).unwrap_or_default();
            !keys.is_empty() && keys.iter().all(|(name, value)| item.get(name) == Some(value))
        }
        Element::Value(value) => canonical(item) == *value,
        Element::Field(_) | Element::Index(_) => false,
    }
}

/// An object without its nulls: a null says that a field is not set.
pub(super) fn without_nulls(value: &Value) -> Value {
    match value {
        Value::Object(fields) => {
            let set = fields.iter().filter(|(_, value)| !value.is_null());
            Value::Object(set.map(|(name, value)| (name.clone(), without_nulls(value))).collect())
        }
        Value::Array(items) => Value::Array(items.iter().map(without_nulls).collect()),
        other => other.clone(),
    }
}
