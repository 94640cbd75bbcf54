//! The fields that an object has, and how two objects differ. What is one field and what is many, the schema says:
//! `x-kubernetes-list-type` (`map` with its keys, `set`; otherwise a list is one field), `x-kubernetes-map-type`.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::path::{Element, Path, Set};

/// What a field is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Shape {
    /// One value, owned as a whole.
    Leaf,
    /// An object with fields that the schema names.
    Struct,
    /// A map or list of which others may own items.
    Open,
}

/// A field of an object.
#[derive(Clone, Copy, Debug)]
pub(super) struct Node<'a> {
    pub(super) value: &'a Value,
    pub(super) shape: Shape,
    /// Whether whoever sends it owns it itself, not only what is in it: leaves, items, and what is empty.
    pub(super) is_member: bool,
}

pub(super) type Nodes<'a> = BTreeMap<Path, Node<'a>>;

/// All fields of an object that somebody may own.
pub(super) fn nodes<'a>(schema: &Value, object: &'a Value) -> Nodes<'a> {
    let mut nodes = Nodes::new();
    children(schema, object, &Path::default(), &mut nodes);
    nodes.retain(|path, _| path.can_be_owned());
    nodes
}

fn children<'a>(schema: &Value, value: &'a Value, path: &Path, nodes: &mut Nodes<'a>) {
    for part in parts(schema, value) {
        visit(part.schema, part.value, path.child(part.element), part.is_item, nodes);
    }
}

fn visit<'a>(schema: &Value, value: &'a Value, path: Path, is_item: bool, nodes: &mut Nodes<'a>) {
    let shape = shape(branch(schema, value), value);
    let is_empty = value.as_object().is_some_and(serde_json::Map::is_empty)
        || value.as_array().is_some_and(Vec::is_empty);
    children(schema, value, &path, nodes);
    nodes.insert(path, Node { value, shape, is_member: is_item || is_empty || shape == Shape::Leaf });
}

/// A field or item of a value.
struct Part<'s, 'v> {
    element: Element,
    schema: &'s Value,
    value: &'v Value,
    /// Whether the schema does not name it.
    is_item: bool,
}

/// What is in a value, if it has fields or items of its own.
fn parts<'s, 'v>(schema: &'s Value, value: &'v Value) -> Vec<Part<'s, 'v>> {
    let schema = branch(schema, value);
    match items(schema, value) {
        Items::Fields(fields) => {
            let field = |(name, value): (&String, &'v Value)| Part {
                element: Element::Field(name.clone()),
                schema: property(schema, name),
                value,
                is_item: schema["properties"].get(name).is_none(),
            };
            fields.iter().map(field).collect()
        }
        Items::Listed(items) => {
            let item = |(element, value)| Part { element, schema: &schema["items"], value, is_item: true };
            items.into_iter().map(item).collect()
        }
        Items::None => Vec::new(),
    }
}

fn shape(schema: &Value, value: &Value) -> Shape {
    match items(schema, value) {
        Items::None => Shape::Leaf,
        Items::Listed(_) => Shape::Open,
        Items::Fields(_) if schema["properties"].is_object() => Shape::Struct,
        Items::Fields(_) => Shape::Open,
    }
}

/// What a value is made of.
pub(super) enum Items<'a> {
    Fields(&'a serde_json::Map<String, Value>),
    Listed(Vec<(Element, &'a Value)>),
    /// It is one value.
    None,
}

/// What a value is made of; `schema` is that of its [`branch`].
pub(super) fn items<'a>(schema: &Value, value: &'a Value) -> Items<'a> {
    let listed = |elements: Option<Vec<(Element, &'a Value)>>| elements.map_or(Items::None, Items::Listed);
    match (value, schema["x-kubernetes-list-type"].as_str()) {
        (Value::Object(_), _) if schema["x-kubernetes-map-type"] == "atomic" => Items::None,
        (Value::Object(fields), _) => Items::Fields(fields),
        (Value::Array(items), Some("map")) => listed(distinct(items, |item| keyed(schema, item))),
        (Value::Array(items), Some("set")) => listed(distinct(items, |item| Some(Element::value(item)))),
        _ => Items::None,
    }
}

/// The items by their names; `None` if one has none or two have the same: such a list is one value.
fn distinct(items: &[Value], name: impl Fn(&Value) -> Option<Element>) -> Option<Vec<(Element, &Value)>> {
    let named: Vec<(Element, &Value)> =
        items.iter().map(|item| Some((name(item)?, item))).collect::<Option<_>>()?;
    let names: BTreeSet<&Element> = named.iter().map(|(element, _)| element).collect();
    (names.len() == items.len()).then_some(named)
}

fn keyed(schema: &Value, item: &Value) -> Option<Element> {
    let names = schema["x-kubernetes-list-map-keys"].as_array()?.iter().filter_map(Value::as_str);
    let keys: Option<BTreeMap<&str, &Value>> = names.map(|name| Some((name, item.get(name)?))).collect();
    keys.filter(|keys| !keys.is_empty()).map(|keys| Element::key(&keys))
}

/// The schema of a field of an object.
pub(super) fn property<'a>(schema: &'a Value, name: &str) -> &'a Value {
    let named = &schema["properties"][name];
    if named.is_null() { &schema["additionalProperties"] } else { named }
}

/// The alternative of a schema that a value follows.
pub(super) fn branch<'a>(schema: &'a Value, value: &Value) -> &'a Value {
    let Some(branches) = schema["anyOf"].as_array() else { return schema };
    let kind = match value {
        Value::Object(_) => "object",
        Value::Array(_) => "array",
        Value::String(_) => "string",
        Value::Bool(_) => "boolean",
        Value::Number(_) => "number",
        Value::Null => "null",
    };
    branches.iter().find(|branch| branch["type"] == kind).unwrap_or(schema)
}

/// How an object differs from an earlier one.
#[derive(Debug, Default)]
pub(super) struct Difference {
    /// Fields that were not there, or had other values.
    pub(super) set: Set,
    pub(super) removed: Set,
}

/// What is the same in both is not looked into.
pub(super) fn difference(schema: &Value, before: &Value, after: &Value) -> Difference {
    let mut found = Difference::default();
    compare(schema, (Some(before), Some(after)), Path::default(), &mut found);
    found
}

fn compare(
    schema: &Value,
    (before, after): (Option<&Value>, Option<&Value>),
    path: Path,
    found: &mut Difference,
) {
    if before == after {
        return;
    }
    let is_leaf = |value| shape(branch(schema, value), value) == Shape::Leaf;
    // What is in maps and lists has paths of its own.
    let is_other = before.is_none_or(is_leaf) || after.is_none_or(is_leaf);
    let [old, new] = [before, after].map(|value| value.map_or_else(Vec::new, |value| parts(schema, value)));
    let mut pairs: BTreeMap<Element, (&Value, Option<&Value>, Option<&Value>)> =
        old.into_iter().map(|part| (part.element, (part.schema, Some(part.value), None))).collect();
    for part in new {
        pairs.entry(part.element).or_insert((part.schema, None, None)).2 = Some(part.value);
    }
    for (element, (schema, before, after)) in pairs {
        compare(schema, (before, after), path.child(element), found);
    }
    if is_other && path.can_be_owned() {
        let paths = if after.is_some() { &mut found.set } else { &mut found.removed };
        paths.insert(path);
    }
}

/// The fields that whoever sends an object owns.
pub(super) fn members(nodes: &Nodes<'_>) -> Set {
    nodes.iter().filter(|(_, node)| node.is_member).map(|(path, _)| path.clone()).collect()
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use lamp_api::kinds::LAMPSTACK;
    use lamp_api::schema;
    use serde_json::json;

    use super::*;

    fn shown(paths: &Set) -> String {
        paths.iter().map(|path| format!("{path}\n")).collect()
    }

    #[test]
    fn the_schema_says_what_is_one_field_and_what_is_many() {
        let stack = json!({
            "metadata": {"name": "a", "labels": {"x": "y"}, "finalizers": ["f/g"]},
            "spec": {"network": {"zones": ["a", "b"]}, "tiers": [{"name": "web", "uses": ["app"], "capacity": {"min": 2}}]}
        });
        let nodes = nodes(schema::of(&LAMPSTACK).unwrap(), &stack);
        expect![[r#"
            .metadata.finalizers[="f/g"]
            .metadata.labels.x
            .spec.network.zones
            .spec.tiers[name="web"]
            .spec.tiers[name="web"].capacity.min
            .spec.tiers[name="web"].name
            .spec.tiers[name="web"].uses
        "#]]
        .assert_eq(&shown(&members(&nodes)));
    }

    #[test]
    fn a_list_whose_items_cannot_be_told_apart_is_one_field() {
        let stack = json!({"spec": {"tiers": [{"name": "web"}, {"name": "web"}]}});
        let nodes = nodes(schema::of(&LAMPSTACK).unwrap(), &stack);
        assert_eq!(shown(&members(&nodes)), ".spec.tiers\n");
    }

    #[test]
    fn a_difference_names_the_fields_and_not_what_they_are_in() {
        let schema = schema::of(&LAMPSTACK).unwrap();
        let before =
            json!({"spec": {"mode": "Enforce", "tiers": [{"name": "web", "port": 80}, {"name": "old"}]}});
        let after = json!({"spec": {"mode": "Enforce", "tiers": [{"name": "web", "port": 81}]}});
        let difference = difference(schema, &before, &after);
        assert_eq!(shown(&difference.set), ".spec.tiers[name=\"web\"].port\n");
        assert_eq!(shown(&difference.removed), ".spec.tiers[name=\"old\"]\n.spec.tiers[name=\"old\"].name\n");
    }

    #[test]
    fn what_becomes_of_another_sort_has_changed_with_all_that_was_in_it() {
        let schema = schema::of(&LAMPSTACK).unwrap();
        let keyed = json!({"spec": {"tiers": [{"name": "web"}]}});
        let ambiguous = json!({"spec": {"tiers": [{"name": "web"}, {"name": "web"}]}});
        let to = difference(schema, &keyed, &ambiguous);
        assert_eq!(shown(&to.set), ".spec.tiers\n");
        assert_eq!(shown(&to.removed), ".spec.tiers[name=\"web\"]\n.spec.tiers[name=\"web\"].name\n");
        let from = difference(schema, &ambiguous, &keyed);
        assert_eq!(shown(&from.set), ".spec.tiers\n".to_owned() + &shown(&to.removed));
        let created = difference(schema, &Value::Null, &keyed);
        assert_eq!(created.set, nodes(schema, &keyed).into_keys().collect());
    }
}
