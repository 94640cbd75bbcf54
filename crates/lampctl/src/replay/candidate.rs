//! Policies that are to be tried, from a file or from a stack: decoded, completed and checked as the server does it.

use std::path::Path;
use std::rc::Rc;

use lamp_api::admission::{Rejected, Strictness, admit};
use lamp_api::kinds::LAMPSTACK;
use lamp_api::v1alpha1::{LampStackSpec, Scaling};
use lamp_plan::replay::{Unreplayed, unreplayed};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Scaled, Subject};
use crate::cli::Files;
use crate::exit::Failure;
use crate::yaml::{Problem, Source, documents, problem_text, read_sources, strict_problems};

/// Policies that are to be tried.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    /// The name of the file or of the stack.
    pub(crate) label: String,
    pub(crate) scaled: Scaled,
}

/// Bounds that stand in place of those in the file.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Bounds {
    pub(crate) min: Option<u32>,
    pub(crate) max: Option<u32>,
    /// Those of policies that come without any.
    pub(crate) alone: Option<(u32, u32)>,
}

impl Bounds {
    fn of_policies_alone(self, usual: (u32, u32)) -> (u32, u32) {
        let (min, max) = self.alone.unwrap_or(usual);
        (self.min.unwrap_or(min), self.max.unwrap_or(max))
    }
}

/// The one document of a file that has policies.
struct Text<'a> {
    source: &'a Source,
    document: usize,
    /// Whether it is a scaling alone, and no whole LampStack.
    bare: bool,
}

impl Candidate {
    /// The policies in a file: a whole LampStack, or `policies` and `behavior` alone.
    ///
    /// # Errors
    /// It cannot be read, is none of the two, breaks a rule of the spec, or cannot be replayed: at the field, with its line.
    pub(crate) fn read(path: &Path, subject: &Subject, bounds: Bounds) -> Result<Self, Failure> {
        let files = Files { filename: vec![path.to_owned()], recursive: false };
        let sources = read_sources(&files)?;
        let [source] = sources.as_slice() else {
            return Err(Failure::Usage(format!("{}: --policy takes one file", path.display())));
        };
        let (text, object) = find(source, subject, bounds)?;
        let mut spec = text.admit(&object)?;
        // A scaling alone has nothing else to choose from.
        let anyone = Subject::default();
        let subject = if text.bare { &anyone } else { subject };
        let mut scaled = subject.of(&spec, &source.name)?;
        if !text.bare && (bounds.min.is_some() || bounds.max.is_some()) {
            spec = text.admit(&bounded(object, &scaled, bounds))?;
            scaled = subject.of(&spec, &source.name)?;
        }
        let label =
            path.file_name().map_or_else(|| source.name.clone(), |name| name.to_string_lossy().into());
        Self::admitted(label, scaled, |problem| text.failure(&[problem]))
    }

    /// The policies that a stack has.
    ///
    /// # Errors
    /// They cannot be replayed.
    pub(crate) fn of_stack(label: &str, scaled: Scaled, bounds: Bounds) -> Result<Self, Failure> {
        let min = bounds.min.unwrap_or(scaled.min);
        let scaled = Scaled { min, max: bounds.max.unwrap_or(scaled.max), ..scaled };
        let refused = |problem: Problem| {
            Failure::failed(format!(
                "the policies of {label} cannot be replayed: {}: {}",
                problem.field, problem.message
            ))
        };
        Self::admitted(label.to_owned(), scaled, refused)
    }

    /// Refuses what cannot be replayed.
    fn admitted(
        label: String,
        scaled: Scaled,
        refused: impl Fn(Problem) -> Failure,
    ) -> Result<Self, Failure> {
        let field = |it: &Unreplayed| format!("{}.policies[{}].{}", scaled.field, it.policy, it.field);
        if let Some(hindrance) = unreplayed(&scaled.scaling).first() {
            return Err(refused(Problem { field: field(hindrance), message: hindrance.why.clone() }));
        }
        Ok(Self { label, scaled })
    }
}

/// The document with policies, and the object that the server would get.
fn find<'a>(source: &'a Rc<Source>, subject: &Subject, bounds: Bounds) -> Result<(Text<'a>, Value), Failure> {
    let bare = |value: &Value| ["policies", "behavior"].iter().any(|field| value.get(field).is_some());
    let whole = |value: &Value| value["kind"].as_str() == Some(LAMPSTACK.kind);
    let all = documents(source)?.into_iter().enumerate();
    let mut found = all.filter(|(_, value)| whole(value) || bare(value));
    let Some((document, value)) = found.next() else {
        return Err(Failure::failed(format!(
            "{} has no scaling policies: it is neither a LampStack, nor `policies: […]` with or without `behavior: {{…}}`",
            source.name
        )));
    };
    if found.next().is_some() {
        let text = format!("{} has several documents with policies: keep one in the file", source.name);
        return Err(Failure::failed(text));
    }
    let bare = !whole(&value);
    let object = if bare { wrapped(value, subject, bounds) } else { value };
    Ok((Text { source, document, bare }, object))
}

/// A stack around a scaling, so that the rules of the spec are applied to it.
fn wrapped(scaling: Value, subject: &Subject, bounds: Bounds) -> Value {
    let mut spec = json!({"region": "eu-central-1"});
    if subject.replicas {
        let (min, max) = bounds.of_policies_alone((1, 5));
        spec["database"] = json!({"version": "8.0", "instanceClass": "db.r6g.large",
                                  "replicas": {"min": min, "max": max, "scaling": scaling}});
    } else {
        let name = subject.tier.as_deref().unwrap_or("web");
        let (min, max) = bounds.of_policies_alone((2, 12));
        spec["tiers"] = json!([{"name": name, "capacity": {"min": min, "max": max},
                                "loadBalancer": {}, "scaling": scaling}]);
    }
    json!({"apiVersion": LAMPSTACK.api_version(), "kind": LAMPSTACK.kind, "metadata": {"name": "replay"}, "spec": spec})
}

/// The object with other bounds.
fn bounded(mut object: Value, scaled: &Scaled, bounds: Bounds) -> Value {
    let around = scaled.field.trim_end_matches(".scaling").replace(['.', '['], "/").replace(']', "");
    let capacity = if scaled.tier.is_some() { format!("/{around}/capacity") } else { format!("/{around}") };
    if let Some(tier) = object.pointer_mut(&format!("/{around}")).and_then(Value::as_object_mut)
        && scaled.tier.is_some()
    {
        tier.entry("capacity").or_insert_with(|| json!({}));
    }
    if let Some(capacity) = object.pointer_mut(&capacity).and_then(Value::as_object_mut) {
        let given = [("min", bounds.min), ("max", bounds.max)];
        let given = given.into_iter().filter_map(|(name, bound)| Some((name.to_owned(), json!(bound?))));
        capacity.extend(given);
    }
    object
}

impl Text<'_> {
    fn admit(&self, object: &Value) -> Result<LampStackSpec, Failure> {
        let refused = |rejected| self.failure(&self.problems(rejected));
        let admitted = admit(&LAMPSTACK, object, None, Strictness::Strict).map_err(refused)?;
        LampStackSpec::deserialize(&admitted.object["spec"])
            .map_err(|error| Failure::failed(format!("{} cannot be understood: {error}", self.source.name)))
    }

    fn problems(&self, rejected: Rejected) -> Vec<Problem> {
        match rejected {
            Rejected::Invalid(errors) => {
                let problem =
                    |error: lamp_api::FieldError| Problem { field: error.field, message: error.message };
                errors.into_iter().map(problem).collect()
            }
            other => {
                let message = other.to_string();
                let found = strict_problems(&message);
                if found.is_empty() { vec![Problem { field: String::new(), message }] } else { found }
            }
        }
    }

    /// The problems where they stand in the file.
    fn failure(&self, problems: &[Problem]) -> Failure {
        let own = |problem: &Problem| Problem { field: self.own(&problem.field), ..problem.clone() };
        let problems: Vec<Problem> = problems.iter().map(own).collect();
        let title = format!("the policies in {} cannot be replayed", self.source.name);
        Failure::failed(problem_text(&title, self.source, self.document, None, &problems))
    }

    /// A field as the file has it.
    fn own(&self, field: &str) -> String {
        let prefixes = ["spec.tiers[0].scaling", "spec.database.replicas.scaling"];
        let rest = prefixes.iter().filter(|_| self.bare).find_map(|prefix| field.strip_prefix(prefix));
        rest.map_or_else(|| field.to_owned(), |rest| rest.trim_start_matches('.').to_owned())
    }
}

/// Policies beside each other in one line: `TargetTracking CPUUtilization 60`.
pub(crate) fn sentence(scaling: &Scaling) -> String {
    let policies = scaling.policies.iter().map(|policy| {
        let metric = policy.metric.map(|metric| format!(" {}", metric.as_str())).unwrap_or_default();
        let target = policy.target.map(|target| format!(" {target}")).unwrap_or_default();
        let schedule = policy.schedule.as_ref().map(|line| format!(" {line}")).unwrap_or_default();
        format!("{:?}{metric}{target}{schedule}", policy.kind)
    });
    policies.collect::<Vec<_>>().join(", ")
}

#[cfg(test)]
#[path = "candidate_tests.rs"]
mod tests;
