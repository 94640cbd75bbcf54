//! Applies a patch to an object: of every sort but server-side apply, which knows owners ([`crate::fields`]).

mod strategic;

use lamp_api::kinds::KindInfo;
use lamp_api::{FieldError, json, schema};
use serde_json::Value;

use crate::error::ApiError;
use crate::negotiate::BodyForm;

/// A patch that was read and can be applied, again if the object changes meanwhile.
#[derive(Clone, Debug)]
pub(crate) struct Patch {
    sort: Sort,
    /// Fields that the patch writes twice.
    pub(crate) duplicates: Vec<String>,
}

#[derive(Clone, Debug)]
enum Sort {
    /// RFC 6902.
    Json(json_patch::Patch),
    /// RFC 7396.
    Merge(Value),
    /// Kubernetes' own: a merge in which lists with keys are merged item by item.
    Strategic(Value),
}

impl Patch {
    pub(crate) fn read(form: BodyForm, body: &[u8]) -> Result<Patch, ApiError> {
        let bad = |error: String| ApiError::BadRequest(format!("the patch cannot be read: {error}"));
        let parse = || json::parse(body).map_err(|error| bad(error.to_string()));
        let merge = |wrap: fn(Value) -> Sort| {
            let json::Parsed { value, duplicates } = parse()?;
            if !value.is_object() {
                return Err(bad("a merge patch is a JSON object".to_owned()));
            }
            Ok(Patch { sort: wrap(value), duplicates })
        };
        match form {
            BodyForm::MergePatch => merge(Sort::Merge),
            BodyForm::StrategicMergePatch => merge(Sort::Strategic),
            BodyForm::JsonPatch => {
                let operations =
                    serde_json::from_value(parse()?.value).map_err(|error| bad(error.to_string()))?;
                Ok(Patch { sort: Sort::Json(operations), duplicates: Vec::new() })
            }
            _ => Err(ApiError::UnsupportedMediaType(
                "a patch is application/merge-patch+json, application/json-patch+json, \
                 application/strategic-merge-patch+json or application/apply-patch+yaml"
                    .to_owned(),
            )),
        }
    }

    /// The patched object.
    pub(crate) fn apply(
        &self,
        kind: &'static KindInfo,
        name: &str,
        current: &Value,
    ) -> Result<Value, ApiError> {
        let mut object = current.clone();
        match &self.sort {
            Sort::Merge(patch) => json_patch::merge(&mut object, patch),
            Sort::Strategic(patch) => {
                let schema = schema::of(kind).unwrap_or(&Value::Null);
                strategic::merge(&mut object, patch, schema);
            }
            Sort::Json(operations) => json_patch::patch(&mut object, operations).map_err(|error| {
                let path = error.path.to_string();
                let detail = format!("operation {} of the patch: {}", error.operation, error.kind);
                ApiError::Invalid {
                    kind,
                    name: name.to_owned(),
                    errors: vec![FieldError::invalid(path, "…", detail)],
                }
            })?,
        }
        Ok(object)
    }
}
