//! Roles and bindings, as in Kubernetes: who may do what. This says which of them make sense; the server decides by them.

use jiff::Timestamp;
pub use k8s_openapi::api::rbac::v1::{PolicyRule, RoleRef, Subject};
use serde_json::{Value, json};

use crate::kinds::{CLUSTER_ROLE_BINDING, KindInfo, ROLE, ROLE_BINDING};
use crate::names::{is_dns_label, is_dns_subdomain, is_path_segment};
use crate::{FieldError, annotations};

/// The API group of roles and bindings.
pub const GROUP: &str = "rbac.authorization.k8s.io";

/// Fills in the API groups that manifests leave out.
pub(crate) fn complete(object: &mut Value) {
    if object["roleRef"].is_object() && is_blank(&object["roleRef"]["apiGroup"]) {
        object["roleRef"]["apiGroup"] = json!(GROUP);
    }
    for subject in object.get_mut("subjects").and_then(Value::as_array_mut).into_iter().flatten() {
        if subject["kind"] != "ServiceAccount" && is_blank(&subject["apiGroup"]) {
            subject["apiGroup"] = json!(GROUP);
        }
    }
}

fn is_blank(value: &Value) -> bool {
    value.as_str().is_none_or(str::is_empty)
}

/// What is wrong with a role or a binding of the right shape.
pub(crate) fn validate(kind: &KindInfo, object: &Value, old: Option<&Value>) -> Vec<FieldError> {
    let mut errors = Vec::new();
    if *kind == ROLE_BINDING || *kind == CLUSTER_ROLE_BINDING {
        role_ref(kind, &object["roleRef"], old.map(|old| &old["roleRef"]), &mut errors);
        for (index, subject) in items::<Subject>(&object["subjects"]).iter().enumerate() {
            self::subject(&format!("subjects[{index}]"), subject, &mut errors);
        }
        expiry(&object["metadata"], &mut errors);
    } else {
        for (index, rule) in rules(object).iter().enumerate() {
            policy_rule(&format!("rules[{index}]"), rule, *kind == ROLE, &mut errors);
        }
    }
    errors
}

/// The rules of a role. What cannot be read grants nothing.
pub fn rules(role: &Value) -> Vec<PolicyRule> {
    items(&role["rules"])
}

/// The subjects of a binding. What cannot be read is nobody.
pub fn subjects(binding: &Value) -> Vec<Subject> {
    items(&binding["subjects"])
}

fn items<T: serde::de::DeserializeOwned>(list: &Value) -> Vec<T> {
    let items = list.as_array().into_iter().flatten();
    items.filter_map(|item| serde_json::from_value(item.clone()).ok()).collect()
}

/// When a binding ends; `None` is never.
///
/// # Errors
/// The annotation is no time. Such a binding must grant nothing.
pub fn expires_at(metadata: &Value) -> Result<Option<Timestamp>, jiff::Error> {
    let text = metadata["annotations"][annotations::EXPIRES_AT].as_str();
    text.map(str::parse).transpose()
}

fn expiry(metadata: &Value, errors: &mut Vec<FieldError>) {
    if let Err(error) = expires_at(metadata) {
        let field = format!("metadata.annotations[{}]", annotations::EXPIRES_AT);
        let value = metadata["annotations"][annotations::EXPIRES_AT].as_str().unwrap_or_default();
        let detail = format!("must be a time in RFC 3339, for example 2027-01-31T18:00:00Z: {error}");
        errors.push(FieldError::invalid(field, value, detail));
    }
}

fn policy_rule(path: &str, rule: &PolicyRule, namespaced: bool, errors: &mut Vec<FieldError>) {
    let filled = |list: &Option<Vec<String>>| list.as_ref().is_some_and(|list| !list.is_empty());
    if rule.verbs.is_empty() {
        let detail = "verbs must contain at least one value";
        errors.push(FieldError::required(format!("{path}.verbs"), detail));
    }
    if filled(&rule.non_resource_urls) {
        let field = format!("{path}.nonResourceURLs");
        let urls = rule.non_resource_urls.as_deref().unwrap_or_default();
        if namespaced {
            let detail = "namespaced rules cannot apply to non-resource URLs";
            errors.push(FieldError::invalid(&field, urls, detail));
        }
        if filled(&rule.api_groups) || filled(&rule.resources) || filled(&rule.resource_names) {
            let detail = "rules cannot apply to both regular resources and non-resource URLs";
            errors.push(FieldError::invalid(&field, urls, detail));
        }
        return;
    }
    if !filled(&rule.api_groups) {
        let detail = "resource rules must supply at least one api group";
        errors.push(FieldError::required(format!("{path}.apiGroups"), detail));
    }
    if !filled(&rule.resources) {
        let detail = "resource rules must supply at least one resource";
        errors.push(FieldError::required(format!("{path}.resources"), detail));
    }
}

fn role_ref(kind: &KindInfo, reference: &Value, old: Option<&Value>, errors: &mut Vec<FieldError>) {
    if old.is_some_and(|old| old != reference) {
        let detail = "is immutable: delete the binding and create another";
        errors.push(FieldError::forbidden("roleRef", detail));
    }
    let text = |field: &str| reference[field].as_str().unwrap_or_default();
    if text("apiGroup") != GROUP {
        errors.push(FieldError::not_supported("roleRef.apiGroup", text("apiGroup"), &[GROUP]));
    }
    let kinds: &[&str] = if *kind == ROLE_BINDING { &["Role", "ClusterRole"] } else { &["ClusterRole"] };
    if !kinds.contains(&text("kind")) {
        errors.push(FieldError::not_supported("roleRef.kind", text("kind"), kinds));
    }
    match text("name") {
        "" => errors.push(FieldError::required("roleRef.name", "the name of the role")),
        name if !is_path_segment(name) => {
            errors.push(FieldError::invalid("roleRef.name", name, "must be the name of a role"));
        }
        _ => {}
    }
}

fn subject(path: &str, subject: &Subject, errors: &mut Vec<FieldError>) {
    if subject.name.is_empty() {
        errors.push(FieldError::required(format!("{path}.name"), "the name of the subject"));
    }
    let group = subject.api_group.as_deref().unwrap_or_default();
    let mut require_group = |expected: &str| {
        if group != expected {
            errors.push(FieldError::not_supported(format!("{path}.apiGroup"), group, &[expected]));
        }
    };
    match subject.kind.as_str() {
        "User" | "Group" => require_group(GROUP),
        "ServiceAccount" => {
            require_group("");
            service_account(path, subject, errors);
        }
        other => {
            let kinds = ["ServiceAccount", "User", "Group"];
            errors.push(FieldError::not_supported(format!("{path}.kind"), other, &kinds));
        }
    }
}

fn service_account(path: &str, subject: &Subject, errors: &mut Vec<FieldError>) {
    if !subject.name.is_empty() && !is_dns_subdomain(&subject.name) {
        let detail = "must be an RFC 1123 subdomain";
        errors.push(FieldError::invalid(format!("{path}.name"), &subject.name, detail));
    }
    match subject.namespace.as_deref().unwrap_or_default() {
        "" => errors.push(FieldError::required(format!("{path}.namespace"), "a service account has one")),
        namespace if !is_dns_label(namespace) => {
            let detail = "must be an RFC 1123 label";
            errors.push(FieldError::invalid(format!("{path}.namespace"), namespace, detail));
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests;
