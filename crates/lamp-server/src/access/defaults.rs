//! The roles that are there from the start, under the names that Kubernetes has for them: `view` reads, `edit` also writes
//! what no data is lost by, `admin` also destroys and says who may do what in a namespace, `cluster-admin` does everything.
//! Whoever said who they are may look around (`system:discovery`) and ask what they may do (`system:basic-user`);
//! the group `system:monitoring` may read the metrics.

use lamp_api::kinds::{
    CLUSTER_ROLE, CLUSTER_ROLE_BINDING, DATABASE_OPERATION, EVENT, IMPORT, KINDS, KindInfo,
};
use lamp_api::kinds::{LAMPSTACK, NAMESPACE, ORPHAN_DELETION, ORPHAN_REPORT, ROLE, ROLE_BINDING};
use lamp_api::rbac;
use lamp_store::{Key, Store, StoreError};
use serde_json::{Value, json};

use super::attributes::{AUTHENTICATED, Identity};

const READ: [&str; 3] = ["get", "list", "watch"];
const WRITE: [&str; 5] = ["create", "delete", "deletecollection", "patch", "update"];

/// What interrupts or destroys, or looks at what in the account belongs to no stack.
const GRAVE: [&KindInfo; 4] = [&DATABASE_OPERATION, &IMPORT, &ORPHAN_DELETION, &ORPHAN_REPORT];

/// Kubernetes' annotation of what is completed at each start, so that a new version of the program brings its rights along;
/// `"false"` leaves a role as it was changed.
const AUTOUPDATE: &str = "rbac.authorization.kubernetes.io/autoupdate";

/// Creates those that are missing, and adds to the others what they lack.
///
/// # Errors
/// The store does not take writes.
pub(crate) async fn create(store: &Store) -> Result<(), StoreError> {
    for (kind, object) in objects() {
        let name = object["metadata"]["name"].as_str().unwrap_or_default();
        let key = Key::new(kind.plural, "", name);
        match store.create(&key, object.clone()).await {
            Ok(_) => {}
            Err(StoreError::AlreadyExists { .. }) => complete(store, &key, &object).await?,
            Err(error) => return Err(error),
        }
    }
    Ok(())
}

async fn complete(store: &Store, key: &Key, default: &Value) -> Result<(), StoreError> {
    let Some(stored) = store.get(key)? else { return Ok(()) };
    let Some(object) = completed(&stored.object, default) else { return Ok(()) };
    match store.update(key, Some(stored.revision), object).await {
        // Someone is changing it: that is done at the next start.
        Ok(_) | Err(StoreError::Conflict { .. } | StoreError::NotFound { .. }) => Ok(()),
        Err(error) => Err(error),
    }
}

/// The object with what it lacks of the default. `None`: nothing is missing, or it is to stay as it is.
pub(super) fn completed(object: &Value, default: &Value) -> Option<Value> {
    if object["metadata"]["annotations"][AUTOUPDATE] != "true" {
        return None;
    }
    let mut completed = object.clone();
    for field in ["rules", "subjects"] {
        let lacking = |item: &&Value| !object[field].as_array().is_some_and(|items| items.contains(item));
        let missing: Vec<Value> =
            default[field].as_array().into_iter().flatten().filter(lacking).cloned().collect();
        match completed.get_mut(field).and_then(Value::as_array_mut) {
            Some(items) => items.extend(missing),
            None if !missing.is_empty() => completed[field] = missing.into(),
            None => {}
        }
    }
    (completed != *object).then_some(completed)
}

pub(super) fn objects() -> Vec<(&'static KindInfo, Value)> {
    let edit = [view(), edit()].concat();
    let admin = [edit.clone(), admin()].concat();
    vec![
        (&CLUSTER_ROLE, role("cluster-admin", everything())),
        (&CLUSTER_ROLE, role("admin", admin.into())),
        (&CLUSTER_ROLE, role("edit", edit.into())),
        (&CLUSTER_ROLE, role("view", view().into())),
        (&CLUSTER_ROLE, role("system:discovery", discovery())),
        (&CLUSTER_ROLE, role("system:basic-user", basic_user())),
        (&CLUSTER_ROLE, role("system:monitoring", monitoring())),
        (&CLUSTER_ROLE_BINDING, binding("cluster-admin", Identity::MASTERS)),
        (&CLUSTER_ROLE_BINDING, binding("system:discovery", AUTHENTICATED)),
        (&CLUSTER_ROLE_BINDING, binding("system:basic-user", AUTHENTICATED)),
        (&CLUSTER_ROLE_BINDING, binding("system:monitoring", "system:monitoring")),
    ]
}

/// The rules of those who may do everything.
pub(super) fn everything() -> Value {
    json!([
        {"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}
    ])
}

/// What a client reads before anything else. It says what kinds there are, not what objects.
fn discovery() -> Value {
    let urls = ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version"];
    json!([{"nonResourceURLs": urls, "verbs": ["get", "head"]}])
}

/// Questions about oneself.
fn basic_user() -> Value {
    json!([
        {
            "apiGroups": ["authorization.k8s.io"], "verbs": ["create"],
            "resources": ["selfsubjectaccessreviews", "selfsubjectrulesreviews"]
        },
        {"apiGroups": ["authentication.k8s.io"], "resources": ["selfsubjectreviews"], "verbs": ["create"]}
    ])
}

/// What Prometheus reads.
fn monitoring() -> Value {
    json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}])
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
    let grave = GRAVE.map(|kind| kind.kind);
    let resources: Vec<&str> =
        ours().filter(|kind| !grave.contains(&kind.kind)).map(|kind| kind.plural).collect();
    vec![rule(lamp_api::GROUP, json!(resources), &WRITE)]
}

fn admin() -> Vec<Value> {
    vec![
        rule(lamp_api::GROUP, json!(GRAVE.map(|kind| kind.plural)), &WRITE),
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
    json!({
        "name": name, "labels": {"kubernetes.io/bootstrapping": "rbac-defaults"}, "annotations": {AUTOUPDATE: "true"}
    })
}
