//! A set of fields as `FieldsV1`: a tree whose names are `f:FIELD`, `k:KEYS`, `v:VALUE` or `i:INDEX`; `.` is the place itself.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::path::{Element, Path, Set, canonical};

#[derive(Default)]
struct Tree {
    is_member: bool,
    children: BTreeMap<Element, Tree>,
}

pub(super) fn encode(set: &Set) -> Value {
    let mut root = Tree::default();
    for path in set {
        let mut place = &mut root;
        for element in &path.0 {
            place = place.children.entry(element.clone()).or_default();
        }
        place.is_member = true;
    }
    root.encode()
}

impl Tree {
    fn encode(&self) -> Value {
        let mut fields = Map::new();
        if self.is_member && !self.children.is_empty() {
            fields.insert(".".to_owned(), Value::Object(Map::new()));
        }
        fields.extend(self.children.iter().map(|(element, tree)| (name(element), tree.encode())));
        Value::Object(fields)
    }
}

fn name(element: &Element) -> String {
    match element {
        Element::Field(name) => format!("f:{name}"),
        Element::Key(keys) => format!("k:{keys}"),
        Element::Value(value) => format!("v:{value}"),
        Element::Index(index) => format!("i:{index}"),
    }
}

/// # Errors
/// What in it is no set of fields.
pub(super) fn decode(fields: &Value) -> Result<Set, String> {
    let mut set = Set::new();
    let root = fields.as_object().ok_or("is no object")?;
    below(root, &Path::default(), &mut set)?;
    Ok(set)
}

fn below(fields: &Map<String, Value>, path: &Path, set: &mut Set) -> Result<(), String> {
    for (text, inner) in fields {
        if text == "." {
            set.insert(path.clone());
            continue;
        }
        let path = path.child(element(text)?);
        let inner = inner.as_object().ok_or_else(|| format!("{text:?} is no object"))?;
        if inner.is_empty() {
            set.insert(path);
        } else {
            below(inner, &path, set)?;
        }
    }
    Ok(())
}

fn element(text: &str) -> Result<Element, String> {
    let wrong = || format!("{text:?} is none of f:FIELD, k:KEYS, v:VALUE, i:INDEX");
    let json = |text: &str| serde_json::from_str::<Value>(text).map_err(|_| wrong());
    match text.split_once(':').ok_or_else(wrong)? {
        ("f", name) => Ok(Element::Field(name.to_owned())),
        ("k", keys) => Some(json(keys)?)
            .filter(Value::is_object)
            .map(|keys| Element::Key(canonical(&keys)))
            .ok_or_else(wrong),
        ("v", value) => Ok(Element::value(&json(value)?)),
        ("i", index) => index.parse().map(Element::Index).map_err(|_| wrong()),
        _ => Err(wrong()),
    }
}

#[cfg(test)]
mod tests {
    use lamp_api::kinds::LAMPSTACK;
    use lamp_api::schema;
    use serde_json::json;

    use super::*;
    use crate::fields::nodes::nodes;

    #[test]
    fn sets_survive_encoding_and_decoding() {
        let stack = json!({
            "metadata": {"labels": {"a.b/c:d": "y"}, "finalizers": ["f/g"]},
            "spec": {"mode": "Paused", "database": {}, "tiers": [{"name": "web", "capacity": {"min": 2}}, {"name": "app"}]}
        });
        let set: Set = nodes(schema::of(&LAMPSTACK).unwrap(), &stack).into_keys().collect();
        let encoded = encode(&set);
        assert_eq!(decode(&encoded).unwrap(), set);
        assert_eq!(encode(&decode(&encoded).unwrap()).to_string(), encoded.to_string());
    }

    #[test]
    fn the_form_is_that_of_kubernetes() {
        let written = json!({
            "f:metadata": {"f:finalizers": {".": {}, "v:\"f/g\"": {}}},
            "f:spec": {"f:tiers": {"k:{\"name\":\"web\"}": {".": {}, "f:name": {}, "f:port": {}}}, "i:3": {}}
        });
        assert_eq!(encode(&decode(&written).unwrap()), written);
    }

    #[test]
    fn what_is_no_set_is_refused_with_the_place() {
        for (wrong, part) in [
            (json!([]), "is no object"),
            (json!({"f:spec": 1}), "\"f:spec\" is no object"),
            (json!({"spec": {}}), "\"spec\" is none of"),
            (json!({"k:[1]": {}}), "is none of"),
            (json!({"v:{": {}}), "is none of"),
            (json!({"i:x": {}}), "is none of"),
        ] {
            assert!(decode(&wrong).unwrap_err().contains(part), "{wrong}");
        }
    }
}
