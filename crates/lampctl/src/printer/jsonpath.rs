//! kubectl's JSONPath templates: `{.items[*].metadata.name}{"\n"}`, with `range`, filters and slices.

mod evaluate;
mod parse;

use std::str::FromStr;

use serde_json::Value;

/// A parsed template.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Template(Vec<Piece>);

/// One piece of a template.
#[derive(Clone, Debug, PartialEq)]
enum Piece {
    Text(String),
    Path(Vec<Step>),
    /// `{range …}` up to its `{end}`.
    Range(Vec<Step>, Vec<Piece>),
}

/// One step of a path.
#[derive(Clone, Debug, PartialEq)]
enum Step {
    Root,
    Field(String),
    /// `['a','b']`
    Fields(Vec<String>),
    All,
    /// `..name`
    Descend(String),
    /// `[0]`, `[-1]`, `[0,2]`
    Indexes(Vec<i64>),
    /// `[1:3]`, `[-2:]`, `[0:4:2]`
    Slice(Option<i64>, Option<i64>, usize),
    Filter(Filter),
}

/// `?(@.type=="Ready")`, or only `?(@.type)`.
#[derive(Clone, Debug, PartialEq)]
struct Filter {
    left: Vec<Step>,
    test: Option<(Operator, Operand)>,
}

#[derive(Clone, Copy, Debug, PartialEq)]
enum Operator {
    Equal,
    NotEqual,
    Less,
    LessOrEqual,
    Greater,
    GreaterOrEqual,
}

#[derive(Clone, Debug, PartialEq)]
enum Operand {
    Literal(Value),
    Path(Vec<Step>),
}

impl FromStr for Template {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        parse::template(text).map(Self)
    }
}

impl Template {
    /// The template filled in from `object`. What is not there gives nothing.
    pub(crate) fn render(&self, object: &Value) -> String {
        evaluate::render(&self.0, object, object)
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn render(template: &str) -> String {
        let object = json!({"items": [
            {"metadata": {"name": "a", "labels": {"app.kubernetes.io/name": "x"}}, "spec": {"n": 1},
             "status": {"conditions": [{"type": "Ready", "status": "True"}, {"type": "Stalled", "status": "False"}]}},
            {"metadata": {"name": "b"}, "spec": {"n": 2}, "status": {}}
        ], "empty": null});
        template.parse::<Template>().unwrap().render(&object)
    }

    #[test]
    fn fields_indexes_and_wildcards() {
        assert_eq!(render("{.items[0].metadata.name}"), "a");
        assert_eq!(render("{.items[-1].metadata.name}"), "b");
        assert_eq!(render("{.items[*].metadata.name}"), "a b");
        assert_eq!(render("{$.items[0:1].metadata.name}"), "a");
        assert_eq!(render("{.items[0,1].spec.n}"), "1 2");
        assert_eq!(render("{.items[0]['metadata','spec'].n}"), "1");
        assert_eq!(render(r"{.items[0].metadata.labels.app\.kubernetes\.io/name}"), "x");
        assert_eq!(render("{.items[0].metadata.labels['app.kubernetes.io/name']}"), "x");
        assert_eq!(render("{..n}"), "1 2");
        assert_eq!(render("{.items[0].spec}"), r#"{"n":1}"#);
    }

    #[test]
    fn missing_fields_give_nothing() {
        assert_eq!(render("<{.nothing.here}{.items[7].x}{.empty}>"), "<>");
    }

    #[test]
    fn filters_compare() {
        let ready = r#"{.items[0].status.conditions[?(@.type=="Ready")].status}"#;
        assert_eq!(render(ready), "True");
        assert_eq!(render("{.items[?(@.spec.n > 1)].metadata.name}"), "b");
        assert_eq!(render("{.items[?(@.spec.n != 1)].metadata.name}"), "b");
        assert_eq!(render("{.items[?(@.status.conditions)].metadata.name}"), "a");
        assert_eq!(render("{.items[?(@.metadata.name=='b')].spec.n}"), "2");
    }

    #[test]
    fn ranges_repeat_and_text_is_kept() {
        let template = r#"{range .items[*]}{.metadata.name}={.spec.n}{"\n"}{end}done"#;
        assert_eq!(render(template), "a=1\nb=2\ndone");
        let nested = "{range .items[*]}{range .status.conditions[*]}{.type};{end}|{end}";
        assert_eq!(render(nested), "Ready;Stalled;||");
    }

    #[test]
    fn a_bare_path_needs_no_braces() {
        assert_eq!(render(".items[0].metadata.name"), "a");
    }

    #[test]
    fn what_cannot_be_parsed_is_named() {
        for (wrong, says) in [
            ("{.a", "`}`"),
            ("{range .a}x", "{end}"),
            ("{end}", "{end}"),
            ("{.a[}", "`]`"),
            ("{.a[x]}", "index"),
            ("{\"a}", "quote"),
        ] {
            let error = wrong.parse::<Template>().unwrap_err();
            assert!(error.contains(says), "{wrong}: {error}");
        }
    }
}
