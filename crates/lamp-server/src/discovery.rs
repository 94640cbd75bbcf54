//! What the API serves, in the two forms in which clients ask for it. Everything comes from [`lamp_api::kinds`].

use http::HeaderMap;
use lamp_api::kinds::{self, KINDS, KindInfo};
use serde_json::{Value, json};

use crate::error::ApiError;
use crate::negotiate::{self, DiscoveryForm};

const VERBS: [&str; 8] = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"];
const STATUS_VERBS: [&str; 3] = ["get", "patch", "update"];

/// An answer, and the media type that clients recognise its form by.
pub(crate) type Discovered = (String, Value);

/// `/api`: the core group.
pub(crate) fn core(headers: &HeaderMap) -> Result<Discovered, ApiError> {
    let legacy = || {
        json!({
            "kind": "APIVersions", "versions": ["v1"],
            "serverAddressByClientCIDRs": [{"clientCIDR": "0.0.0.0/0", "serverAddress": ""}]
        })
    };
    answer(headers, &[""], legacy)
}

/// `/apis`: the other groups.
pub(crate) fn groups(headers: &HeaderMap) -> Result<Discovered, ApiError> {
    let groups = kinds::groups();
    let legacy = || {
        let entries: Vec<Value> = groups.iter().filter_map(|name| group_entry(name)).collect();
        json!({"kind": "APIGroupList", "apiVersion": "v1", "groups": entries})
    };
    answer(headers, &groups, legacy)
}

fn answer(headers: &HeaderMap, groups: &[&str], legacy: impl Fn() -> Value) -> Result<Discovered, ApiError> {
    Ok(match negotiate::discovery(headers)? {
        DiscoveryForm::Legacy => ("application/json".to_owned(), legacy()),
        DiscoveryForm::Aggregated(version) => {
            let media_type =
                format!("application/json;g=apidiscovery.k8s.io;v={version};as=APIGroupDiscoveryList");
            (media_type, aggregated(groups, version))
        }
    })
}

fn aggregated(groups: &[&str], form: &str) -> Value {
    let items: Vec<Value> = groups.iter().map(|group| aggregated_group(group)).collect();
    json!({
        "kind": "APIGroupDiscoveryList", "apiVersion": format!("apidiscovery.k8s.io/{form}"), "metadata": {},
        "items": items
    })
}

fn aggregated_group(group: &str) -> Value {
    let resources: Vec<Value> = of_group(group).map(aggregated_resource).collect();
    let version = of_group(group).next().map_or("v1", |kind| kind.version);
    let mut metadata = json!({"creationTimestamp": null});
    if !group.is_empty() {
        metadata["name"] = group.into();
    }
    let versions = json!([{"version": version, "freshness": "Current", "resources": resources}]);
    json!({"metadata": metadata, "versions": versions})
}

fn aggregated_resource(kind: &KindInfo) -> Value {
    let response_kind = json!({"group": kind.group, "version": kind.version, "kind": kind.kind});
    let mut resource = json!({
        "resource": kind.plural, "responseKind": response_kind,
        "scope": if kind.namespaced { "Namespaced" } else { "Cluster" },
        "singularResource": kind.singular, "shortNames": kind.short_names, "categories": kind.categories, "verbs": VERBS
    });
    if kind.has_status {
        let status = json!({"subresource": "status", "responseKind": response_kind, "verbs": STATUS_VERBS});
        resource["subresources"] = json!([status]);
    }
    resource
}

/// `/apis/GROUP`.
pub(crate) fn group(name: &str) -> Option<Value> {
    let mut entry = group_entry(name).filter(|_| !name.is_empty())?;
    entry["kind"] = "APIGroup".into();
    entry["apiVersion"] = "v1".into();
    Some(entry)
}

/// A group has one version.
fn group_entry(group: &str) -> Option<Value> {
    let kind = of_group(group).next()?;
    let version = json!({"groupVersion": kind.api_version(), "version": kind.version});
    Some(json!({"name": group, "versions": [version], "preferredVersion": version}))
}

/// `/api/v1` and `/apis/GROUP/VERSION`.
pub(crate) fn resources(group: &str, version: &str) -> Option<Value> {
    let mut kinds = of_group(group).filter(|kind| kind.version == version).peekable();
    let api_version = kinds.peek()?.api_version();
    let resources: Vec<Value> = kinds.flat_map(legacy_resources).collect();
    Some(json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": api_version, "resources": resources
    }))
}

fn legacy_resources(kind: &KindInfo) -> Vec<Value> {
    let main = json!({
        "name": kind.plural, "singularName": kind.singular, "namespaced": kind.namespaced, "kind": kind.kind,
        "verbs": VERBS, "shortNames": kind.short_names, "categories": kind.categories
    });
    let status = json!({
        "name": format!("{}/status", kind.plural), "singularName": "", "namespaced": kind.namespaced,
        "kind": kind.kind, "verbs": STATUS_VERBS
    });
    if kind.has_status { vec![main, status] } else { vec![main] }
}

fn of_group(group: &str) -> impl Iterator<Item = &'static KindInfo> + '_ {
    KINDS.iter().filter(move |kind| kind.group == group)
}
