//! `diff`: what `apply` would change in the stored objects. The exit code is that of `kubectl diff`.

use clap::Args;
use owo_colors::OwoColorize;
use serde_json::Value;
use similar::{ChangeTag, TextDiff};

use super::upsert::{Upsert, upsert};
use crate::cli::Files;
use crate::exit::{Failure, Outcome};
use crate::merge::LAST_APPLIED;
use crate::printer::format::yaml_text;
use crate::session::Session;
use crate::yaml::{self, Manifest};

/// Lines around a change.
const CONTEXT: usize = 3;

#[derive(Debug, Args)]
pub(crate) struct Diff {
    #[command(flatten)]
    files: Files,
}

impl Diff {
    pub(crate) async fn run(self, session: &mut Session) -> Result<Outcome, Failure> {
        let mut outcome = Outcome::Done;
        let mut failures = Vec::new();
        for manifest in &yaml::load(&self.files, session)? {
            match one(session, manifest).await {
                Ok(text) if text.is_empty() => {}
                Ok(text) => {
                    session.out.write(&text)?;
                    outcome = Outcome::Differs;
                }
                Err(failure @ Failure::Unreachable { .. }) => return Err(failure),
                Err(failure) => failures.push(failure),
            }
        }
        Failure::all(failures).map(|()| outcome)
    }
}

async fn one(session: &Session, manifest: &Manifest) -> Result<String, Failure> {
    let Upsert { live, result, .. } = upsert(session, manifest, true, false).await?;
    let before = live.map_or_else(|| Ok(String::new()), |object| yaml_text(&comparable(object)))?;
    let after = yaml_text(&comparable(result))?;
    Ok(unified(&manifest.full_name(), &before, &after))
}

/// Without what every write changes, and what the file cannot say.
fn comparable(mut object: Value) -> Value {
    if let Some(fields) = object.as_object_mut() {
        fields.remove("status");
    }
    if let Some(metadata) = object.get_mut("metadata").and_then(Value::as_object_mut) {
        for field in ["managedFields", "generation", "resourceVersion", "uid", "creationTimestamp"] {
            metadata.remove(field);
        }
        if let Some(annotations) = metadata.get_mut("annotations").and_then(Value::as_object_mut) {
            annotations.remove(LAST_APPLIED);
            if annotations.is_empty() {
                metadata.remove("annotations");
            }
        }
    }
    object
}

/// A unified diff, coloured; empty where both are the same.
fn unified(name: &str, before: &str, after: &str) -> String {
    let diff = TextDiff::from_lines(before, after);
    let mut unified = diff.unified_diff();
    let hunks = unified.context_radius(CONTEXT);
    let mut out = String::new();
    for hunk in hunks.iter_hunks() {
        if out.is_empty() {
            out.push_str(&format!(
                "{}\n{}\n",
                format!("--- live/{name}").bold(),
                format!("+++ file/{name}").bold()
            ));
        }
        out.push_str(&format!("{}\n", hunk.header().to_string().cyan()));
        for change in hunk.iter_changes() {
            let line = change.value().trim_end_matches('\n');
            out.push_str(&match change.tag() {
                ChangeTag::Delete => format!("{}\n", format!("-{line}").red()),
                ChangeTag::Insert => format!("{}\n", format!("+{line}").green()),
                ChangeTag::Equal => format!(" {line}\n"),
            });
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use expect_test::expect;
    use serde_json::json;

    use super::*;
    use crate::view::fixture::plain;

    #[test]
    fn differences_are_shown_with_their_surroundings() {
        let text = unified("lampstack/a", "a: 1\nb: 2\nc: 3\n", "a: 1\nb: 4\nc: 3\n");
        expect![[r"
            --- live/lampstack/a
            +++ file/lampstack/a
            @@ -1,3 +1,3 @@
             a: 1
            -b: 2
            +b: 4
             c: 3
        "]]
        .assert_eq(&plain(&text));
        assert!(text.contains("\u{1b}[31m-b: 2"), "{text:?}");
        assert_eq!(unified("x", "a: 1\n", "a: 1\n"), "");
    }

    #[test]
    fn bookkeeping_is_not_compared() {
        let object = json!({"metadata": {"name": "a", "uid": "u", "generation": 3, "resourceVersion": "9",
            "annotations": {LAST_APPLIED: "{}"}}, "spec": {}, "status": {"x": 1}});
        assert_eq!(comparable(object), json!({"metadata": {"name": "a"}, "spec": {}}));
    }
}
