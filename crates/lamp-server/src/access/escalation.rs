//! Nobody grants what they do not have themselves, and what destroys or takes over is a right of its own.

use lamp_api::annotations::{ADOPT, CONFIRM_DELETE, CONFIRM_REPLACE, EXPIRES_AT};
use lamp_api::kinds::{
    ACCESS_TOKEN, CLUSTER_ROLE, CLUSTER_ROLE_BINDING, KindInfo, LAMPSTACK, ROLE, ROLE_BINDING,
};
use lamp_api::rbac::{self, PolicyRule};
use serde_json::Value;

use super::{Attributes, Caller, coverage, impersonation};
use crate::error::ApiError;

/// The verb of what destroys, and of what takes over resources, which could be destroyed then.
const DESTROY: &str = "destroy";

/// Refuses an object that would give someone more than its writer has. `old`: what it replaces.
///
/// # Errors
/// The writer lacks what it grants or destroys.
pub(crate) fn check(
    caller: &Caller,
    kind: &'static KindInfo,
    old: Option<&Value>,
    new: &Value,
) -> Result<(), ApiError> {
    let changed = |field: &str| old.is_none_or(|old| old[field] != new[field]);
    if *kind == LAMPSTACK {
        return destruction(caller, old, new);
    }
    if *kind == ROLE || *kind == CLUSTER_ROLE {
        return if changed("rules") { role(caller, kind, new) } else { Ok(()) };
    }
    if *kind == ROLE_BINDING || *kind == CLUSTER_ROLE_BINDING {
        let expiry = |object: &Value| object["metadata"]["annotations"][EXPIRES_AT].clone();
        let prolonged = old.is_none_or(|old| expiry(old) != expiry(new));
        return if changed("subjects") || prolonged { binding(caller, kind, new) } else { Ok(()) };
    }
    if *kind == ACCESS_TOKEN && changed("spec") { token(caller, new) } else { Ok(()) }
}

fn role(caller: &Caller, kind: &'static KindInfo, role: &Value) -> Result<(), ApiError> {
    if caller.may(&on(kind, "escalate", role)) {
        return Ok(());
    }
    covered(caller, kind, role, &rbac::rules(role))
}

fn binding(caller: &Caller, kind: &'static KindInfo, binding: &Value) -> Result<(), ApiError> {
    let reference = &binding["roleRef"];
    let role_kind = if reference["kind"] == ROLE.kind { &ROLE } else { &CLUSTER_ROLE };
    let name = reference["name"].as_str().unwrap_or_default();
    let namespace = text(binding, "namespace");
    let bind = Attributes::Resource {
        verb: "bind",
        group: role_kind.group,
        resource: role_kind.plural,
        subresource: "",
        namespace,
        name,
    };
    if caller.may(&bind) {
        return Ok(());
    }
    match caller.policy.rules(role_kind, namespace, name) {
        Some(rules) => covered(caller, kind, binding, &rules),
        None => {
            let role = role_kind.kind;
            let reason = format!(
                "the {role} {name:?} does not exist, so what it would grant is not known; create it first, or have \
                 someone do this who may bind it"
            );
            Err(ApiError::Forbidden { kind, name: text(binding, "name").to_owned(), reason })
        }
    }
}

fn covered(
    caller: &Caller,
    kind: &'static KindInfo,
    object: &Value,
    granted: &[PolicyRule],
) -> Result<(), ApiError> {
    let missing = coverage::missing(&caller.rights(text(object, "namespace")), granted);
    if missing.is_empty() {
        return Ok(());
    }
    let user = &caller.identity.name;
    let reason = format!(
        "user {user:?} is attempting to grant RBAC permissions not currently held: {}",
        missing.join("; ")
    );
    Err(ApiError::Forbidden { kind, name: text(object, "name").to_owned(), reason })
}

/// A token makes whoever has it the user that it stands for: oneself, or someone whom the writer may act as.
fn token(caller: &Caller, token: &Value) -> Result<(), ApiError> {
    let user = token["spec"]["user"].as_str().unwrap_or_default();
    let groups = token["spec"]["groups"].as_array().into_iter().flatten().filter_map(Value::as_str);
    let is_self = user == caller.identity.name;
    let foreign: Vec<String> = groups
        .filter(|group| !(is_self && caller.identity.groups.contains(*group)))
        .map(str::to_owned)
        .collect();
    if is_self && foreign.is_empty() {
        return Ok(());
    }
    impersonation::require(caller, user, &foreign)
}

fn destruction(caller: &Caller, old: Option<&Value>, new: &Value) -> Result<(), ApiError> {
    let asked = |field: &dyn Fn(&Value) -> &Value| {
        let new = field(new);
        !new.is_null() && old.is_none_or(|old| field(old) != new)
    };
    let consents = [CONFIRM_DELETE, CONFIRM_REPLACE, ADOPT]
        .into_iter()
        .find(|name| asked(&|stack: &Value| &stack["metadata"]["annotations"][*name]));
    let policy =
        new["spec"]["deletionPolicy"] == "Delete" && asked(&|stack: &Value| &stack["spec"]["deletionPolicy"]);
    let what = match consents {
        Some(name) => {
            format!("the annotation {name} lets resources be destroyed, or those of others be taken over")
        }
        None if policy => "deletionPolicy: Delete lets data be deleted with the stack".to_owned(),
        None => return Ok(()),
    };
    if caller.may(&on(&LAMPSTACK, DESTROY, new)) {
        return Ok(());
    }
    let user = &caller.identity.name;
    let reason = format!(
        "{what}, and user {user:?} may not {DESTROY} it: the role admin has this verb, the role edit has not"
    );
    Err(ApiError::Forbidden { kind: &LAMPSTACK, name: text(new, "name").to_owned(), reason })
}

fn on<'a>(kind: &'static KindInfo, verb: &'a str, object: &'a Value) -> Attributes<'a> {
    Attributes::Resource {
        verb,
        group: kind.group,
        resource: kind.plural,
        subresource: "",
        namespace: text(object, "namespace"),
        name: text(object, "name"),
    }
}

fn text<'a>(object: &'a Value, field: &str) -> &'a str {
    object["metadata"][field].as_str().unwrap_or_default()
}
