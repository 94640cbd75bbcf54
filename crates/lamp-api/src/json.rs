//! JSON as the API accepts it: bounded nesting, and duplicate fields noticed.

use std::cell::RefCell;
use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Deeper objects are refused: a real spec has about ten levels.
pub const MAX_DEPTH: usize = 64;

/// Parsed JSON, and the paths of fields that were written twice; the last one counts.
#[derive(Clone, Debug, PartialEq)]
pub struct Parsed {
    pub value: Value,
    pub duplicates: Vec<String>,
}

/// Parses `bytes`; what it refuses is text that is no JSON, is nested deeper than [`MAX_DEPTH`], or goes on after
/// the value. The error says where.
pub fn parse(bytes: &[u8]) -> Result<Parsed, serde_json::Error> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let parsed = parse_with(&mut deserializer)?;
    deserializer.end()?;
    Ok(parsed)
}

/// Like [`parse`], for text of another form that means the same, such as YAML.
///
/// # Errors
/// What the deserializer refuses, and nesting deeper than [`MAX_DEPTH`].
pub fn parse_with<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Parsed, D::Error> {
    let duplicates = RefCell::new(Vec::new());
    let value = Node { path: String::new(), depth: 0, duplicates: &duplicates }.deserialize(deserializer)?;
    Ok(Parsed { value, duplicates: duplicates.into_inner() })
}

/// One value on its way in.
struct Node<'a> {
    path: String,
    depth: usize,
    duplicates: &'a RefCell<Vec<String>>,
}

impl Node<'_> {
    fn child<E: Error>(&self, path: String) -> Result<Node<'_>, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom(format_args!("nested deeper than {MAX_DEPTH} levels")));
        }
        Ok(Node { path, depth: self.depth + 1, duplicates: self.duplicates })
    }
}

impl<'de> DeserializeSeed<'de> for Node<'_> {
    type Value = Value;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Node<'_> {
    type Value = Value;

    fn expecting(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::from(value))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) =
            access.next_element_seed(self.child(format!("{}[{}]", self.path, items.len()))?)?
        {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut access: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some(key) = access.next_key::<String>()? {
            let path = if self.path.is_empty() { key.clone() } else { format!("{}.{key}", self.path) };
            let value = access.next_value_seed(self.child(path.clone())?)?;
            if object.insert(key, value).is_some() {
                self.duplicates.borrow_mut().push(path);
            }
        }
        Ok(Value::Object(object))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn duplicates_are_named_and_the_last_counts() {
        let parsed = parse(br#"{"spec": {"a": 1, "b": [{"c": 1, "c": 2}], "a": 3}}"#).unwrap();
        assert_eq!(parsed.duplicates, ["spec.b[0].c", "spec.a"]);
        assert_eq!(parsed.value, serde_json::json!({"spec": {"a": 3, "b": [{"c": 2}]}}));
    }

    #[test]
    fn nesting_is_bounded_at_64() {
        let nested = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        assert!(parse(nested(64).as_bytes()).is_ok());
        let error = parse(nested(65).as_bytes()).unwrap_err().to_string();
        assert!(error.contains("nested deeper than 64 levels"), "{error}");
    }

    #[test]
    fn what_follows_the_value_is_refused() {
        assert!(parse(b"{} {}").is_err());
        assert!(parse(b"").is_err());
    }
}
