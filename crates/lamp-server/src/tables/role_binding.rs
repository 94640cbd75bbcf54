//! Columns of a `RoleBinding` and a `ClusterRoleBinding`.

use lamp_api::annotations::EXPIRES_AT;
use lamp_api::rbac;
use serde_json::Value;

use super::{AGE, NAME, text};
use crate::table::Column;

pub(super) const COLUMNS: &[Column] = &[
    NAME,
    Column {
        name: "Role",
        description: "The role that is granted.",
        wide: false,
        cell: |binding, _| {
            let part = |field: &str| binding["roleRef"][field].as_str().unwrap_or_default();
            format!("{}/{}", part("kind"), part("name")).into()
        },
    },
    Column {
        name: "Expires",
        description: "When it ends to grant anything.",
        wide: false,
        cell: |binding, _| text(&binding["metadata"]["annotations"][EXPIRES_AT]),
    },
    AGE,
    Column {
        name: "Users",
        description: "Users that it is granted to.",
        wide: true,
        cell: |binding, _| subjects(binding, "User"),
    },
    Column {
        name: "Groups",
        description: "Groups that it is granted to.",
        wide: true,
        cell: |binding, _| subjects(binding, "Group"),
    },
    Column {
        name: "ServiceAccounts",
        description: "Service accounts that it is granted to, with their namespaces.",
        wide: true,
        cell: |binding, _| subjects(binding, "ServiceAccount"),
    },
];

fn subjects(binding: &Value, kind: &str) -> Value {
    let named = rbac::subjects(binding).into_iter().filter(|subject| subject.kind == kind);
    let names: Vec<String> = named
        .map(|subject| match subject.namespace.filter(|namespace| !namespace.is_empty()) {
            Some(namespace) => format!("{namespace}/{}", subject.name),
            None => subject.name,
        })
        .collect();
    names.join(", ").into()
}
