//! The place of a field in an object.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde_json::Value;

/// One step of a path.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Element {
    /// A field of an object.
    Field(String),
    /// An item of a list with keys, named by them: compact JSON, keys sorted.
    Key(String),
    /// An item of a set: compact JSON.
    Value(String),
    /// An item by its position. We write none, and keep those of others.
    Index(usize),
}

/// The steps from the object to a field.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Path(pub(crate) Vec<Element>);

/// Fields. A path is followed by those below it.
pub(crate) type Set = BTreeSet<Path>;

/// What names no field that anybody owns: the system sets it, or the address has it already.
const UNOWNED_METADATA: [&str; 11] = [
    "name",
    "namespace",
    "uid",
    "resourceVersion",
    "generation",
    "creationTimestamp",
    "deletionTimestamp",
    "deletionGracePeriodSeconds",
    "selfLink",
    "clusterName",
    "managedFields",
];

impl Element {
    /// The item of a list with keys that has `keys`.
    pub(crate) fn key(keys: &BTreeMap<&str, &Value>) -> Element {
        let fields: Vec<String> =
            keys.iter().map(|(name, value)| format!("{}:{}", Value::from(*name), canonical(value))).collect();
        Element::Key(format!("{{{}}}", fields.join(",")))
    }

    /// The item of a set that is `value`.
    pub(crate) fn value(value: &Value) -> Element {
        Element::Value(canonical(value))
    }
}

/// Compact JSON that is the same for equal values, however they were written.
pub(crate) fn canonical(value: &Value) -> String {
    match value {
        Value::Object(fields) => {
            let sorted: BTreeMap<&str, &Value> =
                fields.iter().map(|(name, value)| (name.as_str(), value)).collect();
            let fields: Vec<String> = sorted
                .iter()
                .map(|(name, value)| format!("{}:{}", Value::from(*name), canonical(value)))
                .collect();
            format!("{{{}}}", fields.join(","))
        }
        Value::Array(items) => {
            format!("[{}]", items.iter().map(canonical).collect::<Vec<_>>().join(","))
        }
        other => other.to_string(),
    }
}

impl Path {
    pub(crate) fn child(&self, element: Element) -> Path {
        let mut steps = self.0.clone();
        steps.push(element);
        Path(steps)
    }

    #[cfg(test)]
    pub(crate) fn fields(names: &[&str]) -> Path {
        Path(names.iter().map(|name| Element::Field((*name).to_owned())).collect())
    }

    /// Whether it is a field that names the item it is in: it goes with the item, and not before.
    pub(crate) fn is_key_of_item(&self) -> bool {
        let [.., Element::Key(keys), Element::Field(name)] = self.0.as_slice() else { return false };
        serde_json::from_str::<Value>(keys).is_ok_and(|keys| keys.get(name).is_some())
    }

    /// Whether somebody may own it.
    pub(crate) fn can_be_owned(&self) -> bool {
        let name = |index: usize| match self.0.get(index) {
            Some(Element::Field(name)) => Some(name.as_str()),
            _ => None,
        };
        match (name(0), name(1)) {
            (Some("apiVersion" | "kind") | None, _) | (Some("metadata"), None) => false,
            (Some("metadata"), Some(field)) => !UNOWNED_METADATA.contains(&field),
            _ => true,
        }
    }
}

/// The paths and all above them.
pub(crate) fn with_ancestors<'a>(paths: impl IntoIterator<Item = &'a Path>) -> Set {
    let mut all = Set::new();
    for path in paths {
        for length in (1..=path.0.len()).rev() {
            // What is in already is there with all above it.
            if !all.insert(Path(path.0[..length].to_vec())) {
                break;
            }
        }
    }
    all
}

/// As in messages: `.spec.tiers[name="web"].port`.
impl fmt::Display for Path {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|element| match element {
            Element::Field(name) => write!(formatter, ".{name}"),
            Element::Key(keys) => write!(formatter, "[{}]", assignments(keys)),
            Element::Value(value) => write!(formatter, "[={value}]"),
            Element::Index(index) => write!(formatter, "[{index}]"),
        })
    }
}

fn assignments(keys: &str) -> String {
    let keys: BTreeMap<String, Value> = serde_json::from_str(keys).unwrap_or_default();
    keys.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(",")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn paths_are_shown_as_kubernetes_shows_them() {
        let (port, name) = (json!(80), json!("web"));
        let keys = [("port", &port), ("name", &name)].into_iter().collect();
        let path =
            Path::fields(&["spec", "tiers"]).child(Element::key(&keys)).child(Element::Field("min".into()));
        assert_eq!(path.to_string(), r#".spec.tiers[name="web",port=80].min"#);
        let path = Path::fields(&["metadata", "finalizers"]).child(Element::value(&json!("a/b")));
        assert_eq!(path.to_string(), r#".metadata.finalizers[="a/b"]"#);
    }

    #[test]
    fn what_the_system_sets_is_owned_by_nobody() {
        for (names, owned) in [
            (&["kind"][..], false),
            (&["metadata"], false),
            (&["metadata", "uid"], false),
            (&["metadata", "labels"], true),
            (&["spec"], true),
        ] {
            assert_eq!(Path::fields(names).can_be_owned(), owned, "{names:?}");
        }
    }

    #[test]
    fn equal_values_have_one_spelling() {
        let spelled = serde_json::from_str(r#"{"b": [1, {"d": null, "c": "x"}], "a": true}"#).unwrap();
        assert_eq!(canonical(&spelled), r#"{"a":true,"b":[1,{"c":"x","d":null}]}"#);
    }
}
