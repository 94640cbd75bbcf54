//! The columns of each kind.

mod access_token;
mod database_operation;
mod event;
mod import;
mod lampstack;
mod namespace;
mod orphan_deletion;
mod orphan_report;
mod plan;
mod role_binding;
mod scaling_history;

use jiff::Timestamp;
use lamp_api::kinds::KindInfo;
use serde_json::Value;

use crate::age;
use crate::table::Column;

/// The columns of a kind; any kind has at least a name and an age.
pub(crate) fn of(kind: &KindInfo) -> &'static [Column] {
    match kind.kind {
        "LampStack" => lampstack::COLUMNS,
        "Plan" => plan::COLUMNS,
        "Import" => import::COLUMNS,
        "OrphanReport" => orphan_report::COLUMNS,
        "OrphanDeletion" => orphan_deletion::COLUMNS,
        "DatabaseOperation" => database_operation::COLUMNS,
        "ScalingHistory" => scaling_history::COLUMNS,
        "AccessToken" => access_token::COLUMNS,
        "Namespace" => namespace::COLUMNS,
        "Event" => event::COLUMNS,
        "RoleBinding" | "ClusterRoleBinding" => role_binding::COLUMNS,
        _ => &[NAME, AGE],
    }
}

const NAME: Column = Column {
    name: "Name",
    description: "Name must be unique within a namespace.",
    wide: false,
    cell: |object, _| object["metadata"]["name"].clone(),
};

const AGE: Column = Column {
    name: "Age",
    description: "Time since the object was created.",
    wide: false,
    cell: |object, now| age::since(&object["metadata"]["creationTimestamp"], now).into(),
};

/// A text, or `<none>`.
fn text(value: &Value) -> Value {
    value.as_str().filter(|text| !text.is_empty()).unwrap_or("<none>").into()
}

fn ago(value: &Value, now: Timestamp) -> Value {
    age::since(value, now).into()
}
