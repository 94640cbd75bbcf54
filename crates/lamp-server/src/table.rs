//! Rows for people: what `kubectl get` prints. The columns of each kind are in [`crate::tables`].

use std::fmt;
use std::sync::Arc;

use jiff::Timestamp;
use lamp_api::kinds::KindInfo;
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::parameters::Parameters;
use crate::tables;

/// One column: what it is called, whether only `-o wide` shows it, and its cell for an object.
pub(crate) struct Column {
    pub(crate) name: &'static str,
    pub(crate) description: &'static str,
    pub(crate) wide: bool,
    pub(crate) cell: fn(&Value, Timestamp) -> Value,
}

impl fmt::Debug for Column {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Column").field("name", &self.name).finish_non_exhaustive()
    }
}

/// How much of the object goes along with each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum IncludeObject {
    None,
    Metadata,
    Object,
}

impl IncludeObject {
    pub(crate) fn of(parameters: &Parameters) -> Result<IncludeObject, ApiError> {
        match parameters.text("includeObject") {
            None | Some("Metadata") => Ok(IncludeObject::Metadata),
            Some("Object") => Ok(IncludeObject::Object),
            Some("None") => Ok(IncludeObject::None),
            Some(other) => {
                let text = format!("includeObject: {other:?}: the values are None, Metadata and Object");
                Err(ApiError::BadRequest(text))
            }
        }
    }
}

/// A table with one row for each object.
pub(crate) fn table(
    kind: &KindInfo,
    list_metadata: Value,
    objects: &[Arc<Value>],
    include: IncludeObject,
    now: Timestamp,
) -> Value {
    let columns = tables::of(kind);
    let rows: Vec<Value> = objects.iter().map(|object| row(columns, object, include, now)).collect();
    let definitions: Vec<Value> = columns.iter().map(definition).collect();
    json!({
        "kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": list_metadata,
        "columnDefinitions": definitions, "rows": rows
    })
}

fn definition(column: &Column) -> Value {
    json!({
        "name": column.name, "type": "string", "format": if column.name == "Name" { "name" } else { "" },
        "description": column.description, "priority": i32::from(column.wide)
    })
}

fn row(columns: &[Column], object: &Value, include: IncludeObject, now: Timestamp) -> Value {
    let cells: Vec<Value> = columns.iter().map(|column| (column.cell)(object, now)).collect();
    match include {
        IncludeObject::None => json!({"cells": cells}),
        IncludeObject::Metadata => json!({"cells": cells, "object": partial(object)}),
        IncludeObject::Object => json!({"cells": cells, "object": object}),
    }
}

/// The metadata of an object as an object of its own.
pub(crate) fn partial(object: &Value) -> Value {
    json!({"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": object["metadata"]})
}
