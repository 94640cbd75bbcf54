//! The OpenAPI schema of each kind, derived from its Rust type: admission walks it and `kubectl explain` prints it.

use std::sync::OnceLock;

use k8s_openapi::api::core::v1::{Event, Namespace};
use k8s_openapi::api::rbac::v1::{ClusterRole, ClusterRoleBinding, Role, RoleBinding};
use kube::CustomResourceExt;
use schemars::JsonSchema;
use schemars::generate::SchemaSettings;
use serde_json::{Map, Value, json};

use crate::ObjectMeta;
use crate::kinds::KindInfo;
use crate::v1alpha1::{
    AccessToken, DatabaseOperation, Import, LampStack, OrphanDeletion, OrphanReport, Plan, ScalingHistory,
};

/// The schema of whole objects of `kind`: one self-contained structural schema, without `$ref`.
///
/// `None` for a kind that is not in [`crate::kinds::KINDS`].
pub fn of(kind: &KindInfo) -> Option<&'static Value> {
    static LAMPSTACK: OnceLock<Value> = OnceLock::new();
    static PLAN: OnceLock<Value> = OnceLock::new();
    static IMPORT: OnceLock<Value> = OnceLock::new();
    static ORPHAN_REPORT: OnceLock<Value> = OnceLock::new();
    static ORPHAN_DELETION: OnceLock<Value> = OnceLock::new();
    static DATABASE_OPERATION: OnceLock<Value> = OnceLock::new();
    static SCALING_HISTORY: OnceLock<Value> = OnceLock::new();
    static ACCESS_TOKEN: OnceLock<Value> = OnceLock::new();
    static NAMESPACE: OnceLock<Value> = OnceLock::new();
    static EVENT: OnceLock<Value> = OnceLock::new();
    static ROLE: OnceLock<Value> = OnceLock::new();
    static CLUSTER_ROLE: OnceLock<Value> = OnceLock::new();
    static ROLE_BINDING: OnceLock<Value> = OnceLock::new();
    static CLUSTER_ROLE_BINDING: OnceLock<Value> = OnceLock::new();
    match kind.kind {
        "LampStack" => Some(LAMPSTACK.get_or_init(custom::<LampStack>)),
        "Plan" => Some(PLAN.get_or_init(custom::<Plan>)),
        "Import" => Some(IMPORT.get_or_init(custom::<Import>)),
        "OrphanReport" => Some(ORPHAN_REPORT.get_or_init(custom::<OrphanReport>)),
        "OrphanDeletion" => Some(ORPHAN_DELETION.get_or_init(custom::<OrphanDeletion>)),
        "DatabaseOperation" => Some(DATABASE_OPERATION.get_or_init(custom::<DatabaseOperation>)),
        "ScalingHistory" => Some(SCALING_HISTORY.get_or_init(custom::<ScalingHistory>)),
        "AccessToken" => Some(ACCESS_TOKEN.get_or_init(custom::<AccessToken>)),
        "Namespace" => Some(NAMESPACE.get_or_init(core::<Namespace>)),
        "Event" => Some(EVENT.get_or_init(core::<Event>)),
        "Role" => Some(ROLE.get_or_init(core::<Role>)),
        "ClusterRole" => Some(CLUSTER_ROLE.get_or_init(cluster_role)),
        "RoleBinding" => Some(ROLE_BINDING.get_or_init(core::<RoleBinding>)),
        "ClusterRoleBinding" => Some(CLUSTER_ROLE_BINDING.get_or_init(core::<ClusterRoleBinding>)),
        _ => None,
    }
}

/// Without the aggregation of other roles: the rules of a role are those that are written in it.
fn cluster_role() -> Value {
    let mut schema = core::<ClusterRole>();
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.remove("aggregationRule");
    }
    schema
}

/// The schema that kube derives for our own kinds, completed with what every object has.
fn custom<K: CustomResourceExt>() -> Value {
    let versions = K::crd().spec.versions;
    let schema = versions.first().and_then(|version| version.schema.as_ref()?.open_api_v3_schema.as_ref());
    let mut schema = schema.and_then(|schema| serde_json::to_value(schema).ok()).unwrap_or_else(|| json!({}));
    let spec_description = schema["properties"]["spec"]["description"].clone();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
        object.insert("description".to_owned(), spec_description);
    }
    if let Some(properties) = schema["properties"].as_object_mut() {
        properties.insert("apiVersion".to_owned(), json!({"type": "string", "description": API_VERSION}));
        properties.insert("kind".to_owned(), json!({"type": "string", "description": KIND}));
        properties.insert("metadata".to_owned(), core::<ObjectMeta>());
    }
    normalise(&mut schema);
    schema
}

const API_VERSION: &str = "The group and version of this object's schema.";
const KIND: &str = "The kind of this object, in CamelCase.";

fn core<T: JsonSchema>() -> Value {
    let settings = SchemaSettings::openapi3().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let mut schema = settings.into_generator().into_root_schema_for::<T>().to_value();
    if let Some(object) = schema.as_object_mut() {
        object.remove("title");
        object.remove("$schema");
    }
    normalise(&mut schema);
    unite_finalizers(&mut schema);
    schema
}

/// A strategic merge adds finalizers to those that are there.
fn unite_finalizers(schema: &mut Value) {
    for pointer in ["/properties/finalizers", "/properties/metadata/properties/finalizers"] {
        if let Some(finalizers) = schema.pointer_mut(pointer).and_then(Value::as_object_mut) {
            finalizers.entry("x-kubernetes-list-type").or_insert_with(|| json!("set"));
        }
    }
}

/// Puts back what the structural rewriting took away (the type of a number among alternatives), and merges an
/// `allOf` of one, so that readers find `type` where they look for it.
fn normalise(schema: &mut Value) {
    match schema {
        Value::Object(object) => {
            merge_all_of(object);
            for branch in object.get_mut("anyOf").and_then(Value::as_array_mut).into_iter().flatten() {
                complete_number(branch);
            }
            object.values_mut().for_each(normalise);
        }
        Value::Array(items) => items.iter_mut().for_each(normalise),
        _ => {}
    }
}

fn merge_all_of(object: &mut Map<String, Value>) {
    let Some(Value::Array(parts)) = object.remove("allOf") else { return };
    for part in
        parts.into_iter().filter_map(|part| if let Value::Object(part) = part { Some(part) } else { None })
    {
        for (key, value) in part {
            object.entry(key).or_insert(value);
        }
    }
}

fn complete_number(branch: &mut Value) {
    let numeric = branch.get("minimum").is_some() || branch.get("maximum").is_some();
    if let (Some(object), true) = (branch.as_object_mut(), numeric) {
        object.entry("type").or_insert_with(|| json!("integer"));
    }
}
