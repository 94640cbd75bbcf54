//! OpenAPI v3 of what is served: kubectl needs it before it sends a manifest, and prints it with `explain`.
//!
//! The schemas are those that admission walks ([`lamp_api::schema`]).

use std::collections::BTreeMap;
use std::sync::OnceLock;

use data_encoding::HEXUPPER;
use lamp_api::kinds::{KINDS, KindInfo};
use lamp_api::schema;
use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

/// The document of one group and version, ready to send.
#[derive(Debug)]
pub(crate) struct Document {
    pub(crate) body: String,
    /// Clients keep the document until this changes.
    pub(crate) hash: String,
}

/// The documents by path: `api/v1`, `apis/lamplighter.dev/v1alpha1`.
pub(crate) fn documents() -> &'static BTreeMap<String, Document> {
    static DOCUMENTS: OnceLock<BTreeMap<String, Document>> = OnceLock::new();
    DOCUMENTS.get_or_init(|| {
        let mut kinds: BTreeMap<String, Vec<&'static KindInfo>> = BTreeMap::new();
        for kind in KINDS {
            kinds.entry(group_path(kind)).or_default().push(kind);
        }
        kinds.into_iter().map(|(path, kinds)| (path, document(&kinds))).collect()
    })
}

/// `/openapi/v3`: where the documents are.
pub(crate) fn index() -> Value {
    let entry = |(path, document): (&String, &Document)| {
        let url = format!("/openapi/v3/{path}?hash={}", document.hash);
        (path.clone(), json!({"serverRelativeURL": url}))
    };
    let paths: Map<String, Value> = documents().iter().map(entry).collect();
    json!({"paths": paths})
}

fn group_path(kind: &KindInfo) -> String {
    if kind.group.is_empty() {
        format!("api/{}", kind.version)
    } else {
        format!("apis/{}/{}", kind.group, kind.version)
    }
}

fn document(kinds: &[&'static KindInfo]) -> Document {
    let mut paths = Map::new();
    let mut schemas = Map::new();
    for kind in kinds {
        paths.extend(operations(kind));
        if let Some(schema) = schema::of(kind) {
            let (schema, metadata) = component(kind, schema);
            schemas.insert(schema_name(kind), schema);
            schemas.insert(OBJECT_META.to_owned(), metadata);
        }
    }
    let body = json!({
        "openapi": "3.0.0", "info": {"title": "Lamplighter", "version": env!("CARGO_PKG_VERSION")},
        "paths": paths, "components": {"schemas": schemas}
    })
    .to_string();
    let hash = HEXUPPER.encode(&Sha256::digest(body.as_bytes()));
    Document { body, hash }
}

const OBJECT_META: &str = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta";

fn schema_name(kind: &KindInfo) -> String {
    if kind.group.is_empty() {
        format!("io.k8s.api.core.{}.{}", kind.version, kind.kind)
    } else {
        let reversed: Vec<&str> = kind.group.rsplit('.').collect();
        format!("{}.{}.{}", reversed.join("."), kind.version, kind.kind)
    }
}

/// The schema with its metadata put in a component of its own, so that `explain` can name its type.
fn component(kind: &KindInfo, schema: &Value) -> (Value, Value) {
    let mut schema = schema.clone();
    schema["x-kubernetes-group-version-kind"] = json!([gvk(kind)]);
    let reference = json!({
        "description": "The name of the object, its labels and annotations, and what the system keeps about it.",
        "allOf": [{"$ref": format!("#/components/schemas/{OBJECT_META}")}]
    });
    let metadata = std::mem::replace(&mut schema["properties"]["metadata"], reference);
    (schema, metadata)
}

fn gvk(kind: &KindInfo) -> Value {
    json!({"group": kind.group, "version": kind.version, "kind": kind.kind})
}

/// The addresses of a kind. Clients read three things here: that the kind can be patched, with `fieldValidation`,
/// and that strategic merge patches are not announced.
fn operations(kind: &KindInfo) -> Vec<(String, Value)> {
    let namespace = if kind.namespaced { "namespaces/{namespace}/" } else { "" };
    let collection = format!("/{}/{namespace}{}", group_path(kind), kind.plural);
    let object = format!("{collection}/{{name}}");
    let mut operations = vec![
        (collection, json!({"get": operation(kind, "list"), "post": operation(kind, "post")})),
        (object.clone(), object_operations(kind, true)),
    ];
    if kind.has_status {
        operations.push((format!("{object}/status"), object_operations(kind, false)));
    }
    operations
}

fn object_operations(kind: &KindInfo, whole: bool) -> Value {
    let mut operations = json!({
        "get": operation(kind, "get"), "put": operation(kind, "put"), "patch": operation(kind, "patch")
    });
    if whole {
        operations["delete"] = operation(kind, "delete");
    }
    operations
}

fn operation(kind: &KindInfo, action: &str) -> Value {
    let reference = format!("#/components/schemas/{}", schema_name(kind));
    let names: &[&str] = match action {
        "patch" => &["dryRun", "fieldManager", "fieldValidation", "force"],
        "post" | "put" => &["dryRun", "fieldManager", "fieldValidation"],
        _ => &[],
    };
    let parameter = |name: &&str| json!({"name": name, "in": "query", "schema": {"type": "string"}});
    let parameters: Vec<Value> = names.iter().map(parameter).collect();
    let mut operation = json!({
        "x-kubernetes-action": action, "x-kubernetes-group-version-kind": gvk(kind), "parameters": parameters,
        "responses": {"200": {"description": "OK", "content": {"application/json": {"schema": {"$ref": reference}}}}}
    });
    if let Some(media_types) = request_types(action) {
        let content: Map<String, Value> = media_types
            .iter()
            .map(|name| ((*name).to_owned(), json!({"schema": {"type": "object"}})))
            .collect();
        operation["requestBody"] = json!({"content": content});
    }
    operation
}

fn request_types(action: &str) -> Option<&'static [&'static str]> {
    match action {
        "post" | "put" => Some(&["application/json"]),
        "patch" => Some(&[
            "application/json-patch+json",
            "application/merge-patch+json",
            "application/apply-patch+yaml",
        ]),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_can_be_patched_and_explained() {
        for kind in KINDS {
            let document: Value = serde_json::from_str(&documents()[&group_path(kind)].body).unwrap();
            let patchable = document["paths"].as_object().unwrap().values().any(|path| {
                path["patch"]["x-kubernetes-group-version-kind"] == gvk(kind)
                    && path["patch"]["parameters"]
                        .as_array()
                        .unwrap()
                        .iter()
                        .any(|p| p["name"] == "fieldValidation")
            });
            assert!(patchable, "{}", kind.kind);
            let schema = &document["components"]["schemas"][schema_name(kind)];
            assert_eq!(schema["x-kubernetes-group-version-kind"], json!([gvk(kind)]));
            assert!(schema["properties"].as_object().unwrap().len() >= 4, "{}", kind.kind);
            let metadata = &document["components"]["schemas"][OBJECT_META];
            assert!(metadata["properties"]["managedFields"]["items"]["properties"]["fieldsV1"].is_object());
        }
    }

    #[test]
    fn every_field_of_a_stack_is_described() {
        let schema = schema::of(&lamp_api::kinds::LAMPSTACK).unwrap();
        let mut bare = Vec::new();
        undescribed("spec", &schema["properties"]["spec"], &mut bare);
        assert_eq!(bare, Vec::<String>::new());
    }

    fn undescribed(path: &str, schema: &Value, bare: &mut Vec<String>) {
        if schema["description"].as_str().is_none_or(str::is_empty) && !path.ends_with("[]") {
            bare.push(path.to_owned());
        }
        for (name, schema) in schema["properties"].as_object().into_iter().flatten() {
            undescribed(&format!("{path}.{name}"), schema, bare);
        }
        if schema["items"].is_object() {
            undescribed(&format!("{path}[]"), &schema["items"], bare);
        }
    }
}
