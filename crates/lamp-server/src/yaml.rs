//! An object as YAML, of which JSON is a part.

use lamp_api::json::{self, MAX_DEPTH, Parsed};
use serde_saphyr::options::{DuplicateKeyPolicy, MergeKeyPolicy};
use serde_saphyr::{Budget, Options};

use crate::error::ApiError;

/// # Errors
/// Text that is neither, is nested too deeply, says a field twice in YAML, or has anchors: a few lines with them can
/// stand for gigabytes.
pub(crate) fn parse(body: &[u8]) -> Result<Parsed, ApiError> {
    // kubectl and most clients send JSON, whose duplicate fields are the business of field validation.
    if let Ok(parsed) = json::parse(body) {
        return Ok(parsed);
    }
    serde_saphyr::with_deserializer_from_slice_with_options(body, options(), |yaml| json::parse_with(yaml))
        .map_err(|error| ApiError::BadRequest(format!("error decoding YAML: {error}")))
}

fn options() -> Options {
    let mut budget = Budget::default();
    budget.max_depth = MAX_DEPTH;
    budget.max_anchors = 0;
    budget.max_aliases = 0;
    let mut options = Options::default();
    options.budget = Some(budget);
    options.duplicate_keys = DuplicateKeyPolicy::Error;
    options.merge_keys = MergeKeyPolicy::Error;
    options.with_snippet = false;
    options
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn refused(text: &str) -> String {
        match parse(text.as_bytes()) {
            Err(ApiError::BadRequest(message)) => message,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn yaml_and_json_mean_the_same() {
        let object = json!({
            "kind": "X", "spec": {"on": true, "n": 3, "f": 1.5, "s": "8.0", "t": "12:30", "e": null, "l": [1, "a"]}
        });
        let yaml =
            "kind: X\nspec:\n  on: true\n  n: 3\n  f: 1.5\n  s: \"8.0\"\n  t: 12:30\n  e:\n  l: [1, a]\n";
        assert_eq!(parse(yaml.as_bytes()).unwrap().value, object);
        assert_eq!(parse(object.to_string().as_bytes()).unwrap().value, object);
    }

    #[test]
    fn duplicates_in_json_are_named_and_in_yaml_refused() {
        assert_eq!(parse(br#"{"a": 1, "a": 2}"#).unwrap().duplicates, ["a"]);
        assert!(refused("a: 1\na: 2\n").contains("duplicate"), "{}", refused("a: 1\na: 2\n"));
    }

    #[test]
    fn what_could_grow_without_bound_is_refused() {
        let nested = format!("{}1{}", "[".repeat(65), "]".repeat(65));
        assert!(parse(nested.as_bytes()).is_err());
        let deep: String = (0..70).map(|depth| format!("{}a:\n", " ".repeat(depth))).collect();
        assert!(parse(deep.as_bytes()).is_err());
        let bomb = "a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b]\n";
        assert!(parse(bomb.as_bytes()).is_err(), "anchors");
        assert!(parse(b"a: &a {x: 1}\nb: {<<: *a}\n").is_err(), "merge keys");
        assert!(parse(b"a: 1\n---\nb: 1\n").is_err(), "two documents");
        assert!(parse(b"\xff").is_err());
    }
}
