//! What becomes of an object before it is stored: unknown fields found, types checked, defaults filled in, rules applied.
//!
//! Pure. All problems of one kind are reported at once, each with its path. The system's own fields (`uid`,
//! `resourceVersion`, …) are not admission's: the server sets them.

mod metadata;
mod typed;
mod walk;

use serde_json::Value;

use crate::FieldError;
use crate::json::Parsed;
use crate::kinds::KindInfo;
use crate::schema;

/// What becomes of fields that the schema does not know: the `fieldValidation` parameter.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strictness {
    /// They are refused.
    Strict,
    /// They are dropped, with a warning each.
    #[default]
    Warn,
    /// They are dropped.
    Ignore,
}

/// An object that may be stored, or a part of one that was screened.
#[derive(Clone, Debug, PartialEq)]
pub struct Admitted {
    /// The object with its defaults filled in (screened: without them) and unknown fields dropped.
    pub object: Value,
    /// What the client should be told: `unknown field "spec.x"`.
    pub warnings: Vec<String>,
}

/// Why an object was refused.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum Rejected {
    /// It is no object of this kind (HTTP 400).
    #[error("{0}")]
    BadRequest(String),
    /// Its fields break rules (HTTP 422).
    #[error("{}", list(.0))]
    Invalid(Vec<FieldError>),
    /// The stored object that it would replace cannot be read (HTTP 500).
    #[error(
        "the stored object cannot be read, so it cannot be compared with the new one: {0}; delete and create it"
    )]
    Unreadable(String),
}

fn list(errors: &[FieldError]) -> String {
    errors.iter().map(FieldError::to_string).collect::<Vec<_>>().join(", ")
}

/// Admits `new`, which replaces `old` if that is given.
///
/// # Errors
/// [`Rejected`] names everything that is wrong with it.
pub fn admit(
    kind: &KindInfo,
    new: &Value,
    old: Option<&Value>,
    strictness: Strictness,
) -> Result<Admitted, Rejected> {
    admit_parsed(kind, &Parsed { value: new.clone(), duplicates: Vec::new() }, old, strictness)
}

/// Like [`admit`], for an object that was just parsed: fields written twice count like unknown ones.
///
/// # Errors
/// [`Rejected`] names everything that is wrong with it.
pub fn admit_parsed(
    kind: &KindInfo,
    new: &Parsed,
    old: Option<&Value>,
    strictness: Strictness,
) -> Result<Admitted, Rejected> {
    let Screened { mut object, warnings, mut errors } = walked(kind, new, strictness)?;
    metadata::check(kind, &object["metadata"], &mut errors);
    metadata::drop_empty(&mut object);
    if errors.is_empty() {
        typed::complete(kind, &mut object, old, &mut errors)?;
    }
    if !errors.is_empty() {
        return Err(Rejected::Invalid(errors));
    }
    Ok(Admitted { object, warnings })
}

/// What a client says of an object without saying all of it: its unknown fields are dealt with, and nothing is filled
/// in or required. The object that is made with it is yet to be admitted.
///
/// # Errors
/// [`Rejected::BadRequest`]: it is of another kind, or has fields that `strictness` refuses.
pub fn screen(kind: &KindInfo, partial: &Parsed, strictness: Strictness) -> Result<Admitted, Rejected> {
    let Screened { object, warnings, .. } = walked(kind, partial, strictness)?;
    Ok(Admitted { object, warnings })
}

/// An object without unknown fields.
struct Screened {
    object: Value,
    warnings: Vec<String>,
    /// What else the schema has against it.
    errors: Vec<FieldError>,
}

fn walked(kind: &KindInfo, new: &Parsed, strictness: Strictness) -> Result<Screened, Rejected> {
    let mut object = new.value.clone();
    identity(kind, &mut object)?;
    let Some(schema) = schema::of(kind) else {
        return Err(Rejected::BadRequest(format!("{} is not served here", kind.kind)));
    };
    let found = walk::walk(schema, &mut object);
    let duplicates = new.duplicates.iter().map(|path| format!("duplicate field {path:?}"));
    let unknown = found.unknown.iter().map(|path| format!("unknown field {path:?}"));
    let doubts: Vec<String> = unknown.chain(duplicates).collect();
    if strictness == Strictness::Strict && !doubts.is_empty() {
        return Err(strict(kind, &doubts));
    }
    let warnings = if strictness == Strictness::Warn { doubts } else { Vec::new() };
    Ok(Screened { object, warnings, errors: found.errors })
}

fn strict(kind: &KindInfo, doubts: &[String]) -> Rejected {
    let KindInfo { kind, version, .. } = kind;
    let doubts = doubts.join(", ");
    Rejected::BadRequest(format!(
        "{kind} in version {version:?} cannot be handled as a {kind}: strict decoding error: {doubts}"
    ))
}

/// Fills in `apiVersion` and `kind`, which some clients leave out, and refuses those of another kind.
fn identity(kind: &KindInfo, object: &mut Value) -> Result<(), Rejected> {
    let Some(fields) = object.as_object_mut() else {
        return Err(Rejected::BadRequest(format!("a {} is a JSON object", kind.kind)));
    };
    for (field, expected) in [("apiVersion", kind.api_version()), ("kind", kind.kind.to_owned())] {
        match fields.get(field) {
            None | Some(Value::Null) => {}
            Some(Value::String(text)) if *text == expected || text.is_empty() => {}
            Some(other) => {
                let text =
                    format!("the {field} of the object ({other}) is not that of the address ({expected:?})");
                return Err(Rejected::BadRequest(text));
            }
        }
        fields.insert(field.to_owned(), Value::String(expected));
    }
    Ok(())
}

#[cfg(test)]
#[path = "admission/tests.rs"]
mod tests;
