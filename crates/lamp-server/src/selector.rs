//! `labelSelector` and `fieldSelector`: which objects of a list or a watch are meant.

use std::collections::BTreeSet;

use lamp_api::kinds::KindInfo;
use lamp_api::names::{is_label_value, is_qualified_name};
use serde_json::Value;

use crate::error::ApiError;
use crate::parameters::Parameters;

/// All requirements must hold.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Selector {
    labels: Vec<LabelRequirement>,
    fields: Vec<FieldRequirement>,
}

#[derive(Clone, Debug, PartialEq)]
enum LabelRequirement {
    Exists(String),
    Missing(String),
    In(String, BTreeSet<String>),
    NotIn(String, BTreeSet<String>),
    Greater(String, i64),
    Less(String, i64),
}

#[derive(Clone, Debug, PartialEq)]
struct FieldRequirement {
    path: String,
    equal: bool,
    value: String,
}

impl Selector {
    pub(crate) fn of(kind: &KindInfo, parameters: &Parameters) -> Result<Selector, ApiError> {
        let labels = parameters.text("labelSelector").map_or(Ok(Vec::new()), parse_labels)?;
        let fields =
            parameters.text("fieldSelector").map_or(Ok(Vec::new()), |text| parse_fields(kind, text))?;
        Ok(Selector { labels, fields })
    }

    pub(crate) fn is_everything(&self) -> bool {
        self.labels.is_empty() && self.fields.is_empty()
    }

    pub(crate) fn matches(&self, object: &Value) -> bool {
        let labels = &object["metadata"]["labels"];
        self.labels.iter().all(|requirement| requirement.holds(labels))
            && self.fields.iter().all(|requirement| requirement.holds(object))
    }
}

impl LabelRequirement {
    fn holds(&self, labels: &Value) -> bool {
        let value = |key: &str| labels[key].as_str();
        let number = |key: &str| value(key).and_then(|text| text.parse::<i64>().ok());
        match self {
            Self::Exists(key) => value(key).is_some(),
            Self::Missing(key) => value(key).is_none(),
            Self::In(key, values) => value(key).is_some_and(|value| values.contains(value)),
            // As in Kubernetes, an object without the label is not "in".
            Self::NotIn(key, values) => value(key).is_none_or(|value| !values.contains(value)),
            Self::Greater(key, bound) => number(key).is_some_and(|number| number > *bound),
            Self::Less(key, bound) => number(key).is_some_and(|number| number < *bound),
        }
    }
}

impl FieldRequirement {
    fn holds(&self, object: &Value) -> bool {
        let mut value = object;
        for part in self.path.split('.') {
            value = &value[part];
        }
        (value.as_str().unwrap_or_default() == self.value) == self.equal
    }
}

fn parse_labels(text: &str) -> Result<Vec<LabelRequirement>, ApiError> {
    let clauses = split_outside_parentheses(text);
    clauses.into_iter().map(str::trim).filter(|clause| !clause.is_empty()).map(parse_label).collect()
}

/// The commas within `in (a,b)` do not separate requirements.
fn split_outside_parentheses(text: &str) -> Vec<&str> {
    let mut depth = 0_u32;
    let clauses = text.split(move |c: char| {
        match c {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            _ => {}
        }
        c == ',' && depth == 0
    });
    clauses.collect()
}

fn parse_label(clause: &str) -> Result<LabelRequirement, ApiError> {
    let one = |value: &str| BTreeSet::from([value.trim().to_owned()]);
    if let Some(key) = clause.strip_prefix('!') {
        return Ok(LabelRequirement::Missing(label_key(key, clause)?));
    }
    if let Some((key, value)) = clause.split_once("!=") {
        return checked(clause, key, one(value), LabelRequirement::NotIn);
    }
    if let Some((key, value)) = clause.split_once("==").or_else(|| clause.split_once('=')) {
        return checked(clause, key, one(value), LabelRequirement::In);
    }
    if let Some((key, bound)) = clause.split_once('>') {
        return Ok(LabelRequirement::Greater(label_key(key, clause)?, bound_of(bound, clause)?));
    }
    if let Some((key, bound)) = clause.split_once('<') {
        return Ok(LabelRequirement::Less(label_key(key, clause)?, bound_of(bound, clause)?));
    }
    set_based(clause)
}

/// `key in (a,b)`, `key notin (a,b)`, or a bare `key`.
fn set_based(clause: &str) -> Result<LabelRequirement, ApiError> {
    let Some((head, list)) = clause.split_once('(') else {
        return Ok(LabelRequirement::Exists(label_key(clause, clause)?));
    };
    let list = list.trim_end().strip_suffix(')').ok_or_else(|| bad_label(clause))?;
    let values: BTreeSet<String> = list.split(',').map(|value| value.trim().to_owned()).collect();
    let mut words = head.split_whitespace();
    match (words.next(), words.next(), words.next()) {
        (Some(key), Some("in"), None) => checked(clause, key, values, LabelRequirement::In),
        (Some(key), Some("notin"), None) => checked(clause, key, values, LabelRequirement::NotIn),
        _ => Err(bad_label(clause)),
    }
}

fn checked(
    clause: &str,
    key: &str,
    values: BTreeSet<String>,
    build: fn(String, BTreeSet<String>) -> LabelRequirement,
) -> Result<LabelRequirement, ApiError> {
    let key = label_key(key, clause)?;
    if values.iter().all(|value| is_label_value(value)) {
        Ok(build(key, values))
    } else {
        Err(bad_label(clause))
    }
}

fn label_key(key: &str, clause: &str) -> Result<String, ApiError> {
    let key = key.trim();
    if is_qualified_name(key) { Ok(key.to_owned()) } else { Err(bad_label(clause)) }
}

fn bound_of(text: &str, clause: &str) -> Result<i64, ApiError> {
    text.trim().parse().map_err(|_| bad_label(clause))
}

fn bad_label(clause: &str) -> ApiError {
    ApiError::BadRequest(format!("unable to parse the label selector at {clause:?}"))
}

/// Fields of Events by which they can be found; every kind has its name and namespace.
const EVENT_FIELDS: [&str; 12] = [
    "involvedObject.kind",
    "involvedObject.namespace",
    "involvedObject.name",
    "involvedObject.uid",
    "involvedObject.apiVersion",
    "involvedObject.resourceVersion",
    "involvedObject.fieldPath",
    "reason",
    "reportingComponent",
    "source",
    "source.component",
    "type",
];

fn parse_fields(kind: &KindInfo, text: &str) -> Result<Vec<FieldRequirement>, ApiError> {
    let clauses = text.split(',').map(str::trim).filter(|clause| !clause.is_empty());
    clauses.map(|clause| parse_field(kind, clause)).collect()
}

fn parse_field(kind: &KindInfo, clause: &str) -> Result<FieldRequirement, ApiError> {
    let unequal = clause.split_once("!=").map(|(path, value)| (path, false, value));
    let equal = || {
        clause.split_once("==").or_else(|| clause.split_once('=')).map(|(path, value)| (path, true, value))
    };
    let Some((path, equal, value)) = unequal.or_else(equal) else {
        return Err(ApiError::BadRequest(format!("unable to parse the field selector at {clause:?}")));
    };
    let path = match path.trim() {
        "source" if kind.kind == "Event" => "source.component",
        path => path,
    };
    let event = kind.kind == "Event" && EVENT_FIELDS.contains(&path);
    let namespace = kind.kind == "Namespace" && path == "status.phase";
    if matches!(path, "metadata.name" | "metadata.namespace") || event || namespace {
        return Ok(FieldRequirement { path: path.to_owned(), equal, value: value.trim().to_owned() });
    }
    Err(ApiError::BadRequest(format!("field label not supported: {path}")))
}

#[cfg(test)]
mod tests {
    use lamp_api::kinds::{EVENT, LAMPSTACK};
    use serde_json::json;

    use super::*;

    fn labels(text: &str) -> Selector {
        Selector { labels: parse_labels(text).unwrap(), fields: Vec::new() }
    }

    #[test]
    fn label_selectors() {
        let object = json!({"metadata": {"labels": {"app": "shop", "example.com/tier": "web", "n": "7"}}});
        for yes in [
            "app",
            "app=shop",
            "app==shop",
            "app!=blog",
            "app in (blog, shop)",
            "app notin (blog)",
            "!zzz",
            "zzz notin (a)",
            "zzz!=a",
            "app in (a,shop),!zzz,example.com/tier=web",
            "n>6",
            "n<8",
            "",
        ] {
            assert!(labels(yes).matches(&object), "{yes}");
        }
        for no in
            ["zzz", "app=blog", "!app", "app notin (shop,x)", "app in (x)", "app=shop,zzz", "n>7", "app>1"]
        {
            assert!(!labels(no).matches(&object), "{no}");
        }
        for bad in ["app in shop", "app in (a", "a b", "=x", "app=a b", "n>x", "in (a)", "app is (a)"] {
            assert!(parse_labels(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn field_selectors() {
        let object = json!({"metadata": {"name": "a", "namespace": "x"}, "involvedObject": {"name": "shop"}, "type": "Normal"});
        let matches = |kind, text| {
            Selector { labels: Vec::new(), fields: parse_fields(kind, text).unwrap() }.matches(&object)
        };
        assert!(matches(&LAMPSTACK, "metadata.name=a,metadata.namespace!=y"));
        assert!(!matches(&LAMPSTACK, "metadata.name=b"));
        assert!(matches(&EVENT, "involvedObject.name==shop,type=Normal,involvedObject.uid="));
        let error = parse_fields(&LAMPSTACK, "spec.bogus=1").unwrap_err().to_string();
        assert_eq!(error, "field label not supported: spec.bogus");
    }
}
