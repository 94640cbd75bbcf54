//! `-o`: how objects are printed for programs.

use std::str::FromStr;

use serde_json::{Value, json};

use super::jsonpath::Template;
use crate::exit::Failure;

/// What `-o` asks for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Format {
    Wide,
    Json,
    Yaml,
    Name,
    JsonPath(Template),
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        match text {
            "wide" => Ok(Self::Wide),
            "json" => Ok(Self::Json),
            "yaml" => Ok(Self::Yaml),
            "name" => Ok(Self::Name),
            _ => match text.strip_prefix("jsonpath=") {
                Some(template) => template.parse().map(Self::JsonPath),
                None => Err("use one of wide, json, yaml, name, jsonpath=TEMPLATE".to_owned()),
            },
        }
    }
}

impl Format {
    /// One object, or a list of several, as text.
    ///
    /// # Errors
    /// The object cannot be written in this format.
    pub(crate) fn text(&self, object: &Value) -> Result<String, Failure> {
        match self {
            Self::Json => Ok(json_text(object) + "\n"),
            Self::Yaml => yaml_text(object),
            Self::JsonPath(template) => Ok(template.render(object)),
            Self::Name | Self::Wide => Ok(names(object)),
        }
    }
}

/// JSON as kubectl indents it.
pub(crate) fn json_text(value: &Value) -> String {
    let mut bytes = Vec::new();
    let formatter = serde_json::ser::PrettyFormatter::with_indent(b"    ");
    let mut serializer = serde_json::Serializer::with_formatter(&mut bytes, formatter);
    match serde::Serialize::serialize(value, &mut serializer) {
        Ok(()) => String::from_utf8_lossy(&bytes).into_owned(),
        // A `Value` has string keys only, and a Vec takes all: the compact form is the same document.
        Err(_) => value.to_string(),
    }
}

/// YAML that a YAML 1.1 reader understands alike.
pub(crate) fn yaml_text(value: &Value) -> Result<String, Failure> {
    let options = serde_saphyr::ser_options! { compact_list_indent: true };
    serde_saphyr::to_string_with_options(value, options)
        .map_err(|e| Failure::failed(format!("cannot write the object as YAML: {e}")))
}

fn names(object: &Value) -> String {
    let items = object["items"].as_array();
    let all = items.map_or_else(|| std::slice::from_ref(object), Vec::as_slice);
    all.iter().map(|one| name(one) + "\n").collect()
}

fn name(object: &Value) -> String {
    let kind = object["kind"].as_str().unwrap_or_default().to_ascii_lowercase();
    let group =
        object["apiVersion"].as_str().unwrap_or_default().split_once('/').map_or("", |(group, _)| group);
    let dot = if group.is_empty() { "" } else { "." };
    format!("{kind}{dot}{group}/{}", object["metadata"]["name"].as_str().unwrap_or_default())
}

/// Several objects as the list that kubectl makes of them.
pub(crate) fn list(items: Vec<Value>) -> Value {
    json!({"apiVersion": "v1", "items": items, "kind": "List", "metadata": {"resourceVersion": ""}})
}

/// Without who owns which fields: hardly anybody wants to read that.
pub(crate) fn without_managed_fields(mut object: Value) -> Value {
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        metadata.remove("managedFields");
    }
    object
}

#[cfg(test)]
mod tests {
    use expect_test::expect;

    use super::*;

    #[test]
    fn formats_are_parsed() {
        assert_eq!("json".parse(), Ok(Format::Json));
        assert!(matches!("jsonpath={.metadata.name}".parse(), Ok(Format::JsonPath(_))));
        assert!("jsonpath={.metadata".parse::<Format>().is_err());
        assert!("go-template=x".parse::<Format>().unwrap_err().contains("use one of"));
    }

    #[test]
    fn names_carry_the_group() {
        let object =
            json!({"apiVersion": "lamplighter.dev/v1alpha1", "kind": "LampStack", "metadata": {"name": "a"}});
        let namespace = json!({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "b"}});
        let text = Format::Name.text(&list(vec![object, namespace])).unwrap();
        assert_eq!(text, "lampstack.lamplighter.dev/a\nnamespace/b\n");
    }

    #[test]
    fn yaml_is_safe_for_old_readers() {
        let text = yaml_text(&json!({"a": "yes", "b": ["on", 1], "c": "12:30", "d": {}})).unwrap();
        expect![[r#"
            a: "yes"
            b:
            - "on"
            - 1
            c: "12:30"
            d: {}
        "#]]
        .assert_eq(&text);
    }
}
