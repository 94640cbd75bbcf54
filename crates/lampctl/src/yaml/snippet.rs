//! What is wrong with a file, shown where it stands in the file.

use annotate_snippets::{AnnotationKind, Level, Renderer, Snippet};
use kube::core::Status;

use super::Manifest;
use super::locate::locate;
use super::sources::Source;
use crate::exit::Failure;

/// A field and what is wrong with it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Problem {
    pub(crate) field: String,
    pub(crate) message: String,
}

/// The server's refusal of `manifest`, with each cause shown in the file; any other failure stays as it is.
/// `prefix` is where the file's `spec` stood in what was sent.
pub(crate) fn explain(failure: Failure, manifest: &Manifest, prefix: &str) -> Failure {
    let Failure::Api(status) = &failure else { return failure };
    let problems = problems(status, prefix);
    if problems.is_empty() {
        return failure;
    }
    let title = format!("the {} {:?} is invalid", manifest.kind.kind, manifest.name);
    Failure::failed(text(&title, &manifest.source, manifest.document, manifest.item, &problems))
}

/// The causes of a refusal, or the fields that a strict server does not know.
fn problems(status: &Status, prefix: &str) -> Vec<Problem> {
    let own = |field: &str| match field.strip_prefix(prefix) {
        Some(rest) if !prefix.is_empty() => format!("spec{rest}"),
        _ => field.to_owned(),
    };
    let causes = status.details.iter().flat_map(|details| &details.causes);
    let found: Vec<Problem> =
        causes.map(|cause| Problem { field: own(&cause.field), message: cause.message.clone() }).collect();
    if !found.is_empty() {
        return found;
    }
    let strict = strict_problems(&status.message).into_iter();
    strict.map(|problem| Problem { field: own(&problem.field), ..problem }).collect()
}

/// The fields that a refusal of strict decoding names.
pub(crate) fn strict_problems(message: &str) -> Vec<Problem> {
    let strict = ["unknown field", "duplicate field"];
    let named = strict.iter().flat_map(|what| {
        let marker = format!("{what} \"");
        let after: Vec<&str> = message.split(&marker).skip(1).collect();
        after.into_iter().filter_map(|rest| rest.split_once('"')).map(|(field, _)| (*what, field))
    });
    named.map(|(what, field)| Problem { field: field.to_owned(), message: what.to_owned() }).collect()
}

/// All problems as one text: `file:line:column` each, and the line of the file.
pub(crate) fn text(
    title: &str,
    source: &Source,
    document: usize,
    item: Option<usize>,
    problems: &[Problem],
) -> String {
    let shown = problems.iter().map(|problem| one(source, document, item, problem));
    std::iter::once(title.to_owned()).chain(shown).collect::<Vec<_>>().join("\n")
}

fn one(source: &Source, document: usize, item: Option<usize>, problem: &Problem) -> String {
    let Problem { field, message } = problem;
    let Some(location) = locate(&source.text, document, item, field) else {
        return format!("{}: {field}: {message}", source.name);
    };
    let about_the_name =
        !location.exact || message.ends_with("unknown field") || message.ends_with("duplicate field");
    let mut range = if about_the_name { location.key } else { location.value };
    // A value of many lines is shown by its first.
    let first_line = source.text[range.clone()].split('\n').next().map_or(0, |line| line.trim_end().len());
    range.end = range.start + first_line;
    let label = if location.exact { message.clone() } else { format!("in here: {message}") };
    let snippet = Snippet::source(source.text.as_str())
        .path(source.name.as_str())
        .annotation(AnnotationKind::Primary.span(range).label(label.as_str()));
    let title = Level::ERROR.primary_title(field.as_str()).element(snippet);
    Renderer::styled().render(&[title])
}

#[cfg(test)]
mod tests {
    use std::rc::Rc;

    use expect_test::expect;
    use lamp_api::kinds;
    use serde_json::{Value, json};

    use super::*;

    fn manifest(text: &str) -> Manifest {
        let source = Rc::new(Source { name: "site.yaml".into(), text: text.into() });
        let (name, namespace) = ("shop".into(), "default".into());
        Manifest {
            kind: &kinds::LAMPSTACK,
            name,
            namespace,
            object: Value::Null,
            source,
            document: 0,
            item: None,
        }
    }

    fn refused(status: Value, prefix: &str) -> String {
        let text =
            "kind: LampStack\nspec:\n  regoin: eu\n  tiers:\n  - name: web\n    capacity: {min: 3, max: 2}\n";
        let status: Status = serde_json::from_value(status).unwrap();
        let failure = explain(Failure::Api(Box::new(status)), &manifest(text), prefix);
        anstream::adapter::strip_str(&failure.to_string()).to_string()
    }

    #[test]
    fn causes_are_shown_in_the_file() {
        let text = refused(
            json!({"code": 422, "reason": "Invalid", "details": {"causes": [
                {"field": "spec.tiers[0].capacity.max", "message": "Invalid value: 2: must be at least min (3)"},
                {"field": "spec.region", "message": "Required value: name the AWS region"}
            ]}}),
            "",
        );
        expect![[r#"
            the LampStack "shop" is invalid
            error: spec.tiers[0].capacity.max
             --> site.yaml:6:29
              |
            6 |     capacity: {min: 3, max: 2}
              |                             ^ Invalid value: 2: must be at least min (3)
            error: spec.region
             --> site.yaml:2:1
              |
            2 | spec:
              | ^^^^ in here: Required value: name the AWS region"#]]
        .assert_eq(&text);
    }

    #[test]
    fn the_spec_inside_a_plan_is_that_of_the_file() {
        let causes =
            json!([{"field": "spec.candidate.tiers[0].capacity.max", "message": "Invalid value: 2: no"}]);
        let text = refused(json!({"code": 422, "details": {"causes": causes}}), "spec.candidate");
        assert!(text.contains("site.yaml:6:29") && text.contains("spec.tiers[0].capacity.max"), "{text}");
    }

    #[test]
    fn unknown_fields_are_shown_at_their_name() {
        let message = r#"LampStack in version "v1alpha1" cannot be handled as a LampStack: strict decoding error: unknown field "spec.regoin""#;
        let text = refused(json!({"code": 400, "reason": "BadRequest", "message": message}), "");
        assert!(text.contains("site.yaml:3:3") && text.contains("unknown field"), "{text}");
    }

    #[test]
    fn other_refusals_stay_as_they_are() {
        let text = refused(json!({"code": 409, "reason": "Conflict", "message": "changed"}), "");
        assert_eq!(text, "Error from server (Conflict): changed");
    }
}
