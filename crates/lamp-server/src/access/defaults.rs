//! The roles that are there from the start, under the names that Kubernetes has for them: `view` reads, `edit` also writes
//! what no data is lost by, `admin` also destroys and says who may do what in a namespace, `cluster-admin` does everything.

use lamp_api::kinds::{CLUSTER_ROLE, CLUSTER_ROLE_BINDING, DATABASE_OPERATION, EVENT, LAMPSTACK};
use lamp_api::kinds::{KINDS, KindInfo, NAMESPACE, ORPHAN_DELETION, ROLE, ROLE_BINDING};
use lamp_api::rbac;
use lamp_store::{Key, Store, StoreError};
use serde_json::{Value, json};

use super::attributes::Identity;

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

/// Creates those that are missing. What was changed stays as it is.
///
/// # Errors
/// The store does not take writes.
pub(crate) async fn create(store: &Store) -> Result<(), StoreError> {
    for (kind, object) in objects() {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        match store.create(&Key::new(kind.plural, "", name), object.clone()).await {
            Ok(_) | Err(StoreError::AlreadyExists { .. }) => {}
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

pub(super) fn objects() -> Vec<(&'static KindInfo, Value)> {
    let edit = [view(), edit()].concat();
    let admin = [edit.clone(), admin()].concat();
    vec![
        (&CLUSTER_ROLE, role("cluster-admin", everything())),
        (&CLUSTER_ROLE, role("admin", admin.into())),
        (&CLUSTER_ROLE, role("edit", edit.into())),
        (&CLUSTER_ROLE, role("view", view().into())),
        (&CLUSTER_ROLE_BINDING, binding("cluster-admin", Identity::MASTERS)),
    ]
}

/// The rules of those who may do everything.
pub(super) fn everything() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}
    ])
}

fn view() -> Vec<Value> {
    let resources: Vec<String> =
        ours().flat_map(|kind| [kind.plural.to_owned(), format!("{}/status", kind.plural)]).collect();
    vec![
        rule(lamp_api::GROUP, json!(resources), &READ),
        rule("", json!([EVENT.plural, NAMESPACE.plural]), &READ),
    ]
}

fn edit() -> Vec<Value> {
    let grave = [ORPHAN_DELETION.kind, DATABASE_OPERATION.kind];
    let resources: Vec<&str> =
        ours().filter(|kind| !grave.contains(&kind.kind)).map(|kind| kind.plural).collect();
    vec![rule(lamp_api::GROUP, json!(resources), &WRITE)]
}

fn admin() -> Vec<Value> {
    vec![
        rule(lamp_api::GROUP, json!([ORPHAN_DELETION.plural, DATABASE_OPERATION.plural]), &WRITE),
        rule(lamp_api::GROUP, json!([LAMPSTACK.plural]), &["destroy"]),
        rule(rbac::GROUP, json!([ROLE.plural, ROLE_BINDING.plural]), &[READ.as_slice(), &WRITE].concat()),
    ]
}

/// The kinds that are ours and in a namespace.
fn ours() -> impl Iterator<Item = &'static KindInfo> {
    KINDS.iter().filter(|kind| kind.group == lamp_api::GROUP && kind.namespaced)
}

fn rule(group: &str, resources: Value, verbs: &[&str]) -> Value {
    json!({"apiGroups": [group], "resources": resources, "verbs": verbs})
}

fn role(name: &str, rules: Value) -> Value {
    json!({
        "apiVersion": CLUSTER_ROLE.api_version(), "kind": CLUSTER_ROLE.kind, "metadata": metadata(name), "rules": rules
    })
}

fn binding(role: &str, group: &str) -> Value {
    json!({
        "apiVersion": CLUSTER_ROLE_BINDING.api_version(), "kind": CLUSTER_ROLE_BINDING.kind, "metadata": metadata(role),
        "roleRef": {"apiGroup": rbac::GROUP, "kind": CLUSTER_ROLE.kind, "name": role},
        "subjects": [{"apiGroup": rbac::GROUP, "kind": "Group", "name": group}]
    })
}

/// With Kubernetes' label of what is there from the start.
fn metadata(name: &str) -> Value {
    json!({"name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}})
}
